-- A provider may take a refund and decide later: it is read by his own id until he has.
--
-- refund_id    the provider's own id of it; empty where none was told
alter table refund add column refund_id text not null default '';

create index refund_done on refund (due_at) where state = 'done';
