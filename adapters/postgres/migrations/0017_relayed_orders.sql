-- Looking for orders that were paid costs what is new, and not what was sold in a week.

-- relayed   there is an event of this order, or there was
alter table purchase_order add column relayed boolean not null default false;

update purchase_order o set relayed = true from relay_event e where e.order_id = o.order_id;

create index purchase_order_unrelayed on purchase_order (paid_at)
    where sold is not null and not relayed;

drop index purchase_order_sold;

-- How many notes of a user wait.
create index note_unsent_of on note (chat_id) where state = 'pending';
