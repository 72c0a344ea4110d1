-- Payments that the record table has shown and whose session has yet to record them.
-- A row lives from the moment the payment is seen until its session no longer waits for it;
-- who waits is told by user_session alone (0002_sessions.sql).
create table seen_payment (
    record_id bigint      primary key,
    seen_at   timestamptz not null default now()
);

-- Up to where the changes of the record table have been read, on that table's own clock.
create table tracker_cursor (
    only_row boolean     primary key default true check (only_row),
    after    timestamptz not null
);
