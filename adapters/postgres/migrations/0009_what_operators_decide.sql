-- Disputes that were won, and what operators decide about orders and give back.
--
-- reinstated   of what a bank has taken, what came again; dispute: the provider's own id of it
alter table payment
    add column reinstated numeric(38, 9) not null default 0 check (reinstated between 0 and disputed),
    add column dispute    text;

-- former       where an order stood when a bank took money of it
-- dismissed    an operator has seen to it
-- concern      why a person has to look at it: `orders.Concern`; null when nobody has to
alter table purchase_order
    add column former    text,
    add column dismissed boolean not null default false,
    add column concern   text;

update purchase_order set concern = state where state in ('late', 'held', 'disputed');

drop index purchase_order_for_a_person;

create index purchase_order_for_a_person on purchase_order (created_at, order_id)
    where concern is not null;

-- What operators decided about an order, and why.
create table order_deed (
    deed_id   uuid        primary key,
    order_id  text        not null references purchase_order,
    what      text        not null,
    who       text        not null,
    why       text        not null,
    at        timestamptz not null
);

create index order_deed_order on order_deed (order_id, at);

-- What operators want to be given back; one row for each total of a charge.
--
-- total        how much of the charge is to have gone back with this refund and all before it
-- amount       how much of that is this refund's
-- received     all that the charge brought
-- round        counts the times that it was wanted after its provider had declined
-- asked        so often the provider was asked in this round, under one key
create table refund (
    rail        text           not null,
    payment_id  text           not null,
    total       numeric(38, 9) not null check (total > 0),
    amount      numeric(38, 9) not null check (amount > 0 and amount <= total),
    currency    text           not null,
    received    numeric(38, 9) not null,
    order_id    text           not null references purchase_order,
    chat_id     bigint         not null,
    state       text           not null
        check (state in ('pending', 'done', 'declined', 'unknown')),
    detail      text           not null default '',
    round       int            not null,
    asked       int            not null,
    wanted_at   timestamptz    not null,
    due_at      timestamptz    not null,
    primary key (rail, payment_id, total)
);

create index refund_order on refund (order_id);

-- Only one of a charge at a time: the next one's amount depends on it.
create unique index refund_open on refund (rail, payment_id) where state in ('pending', 'unknown');

create index refund_due on refund (due_at) where state = 'pending';
