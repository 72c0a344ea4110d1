-- Orders: one row each, written whole by the one actor of their chat; docs/orders.md draws a life.
--
-- version          counts the saves; a save needs the version before its own
-- saved_by         the save that made this version: one that is carried out twice finds itself
-- charges          what it has heard of its charges: JSON, ASCII
-- sold             what was booked as its sale
-- due_at           when its time is up, or something that nobody confirmed is told again
-- look_at          when its provider is asked about its checkout, of which looks counts the times
create table purchase_order (
    order_id         text           primary key,
    chat_id          bigint         not null,
    product_id       text           not null,
    rail             text           not null,
    state            text           not null,
    version          int            not null check (version > 0),
    saved_by         uuid           not null,
    title            text           not null,
    description      text           not null,
    goods            text           not null,
    language         text           not null,
    currency         text           not null,
    price            numeric(38, 9) not null check (price > 0),
    sold             numeric(38, 9),
    live             boolean        not null,
    charges          text           not null,
    checkout_id      text,
    url              text,
    attempts         int            not null,
    created_at       timestamptz    not null,
    expires_at       timestamptz    not null,
    paid_at          timestamptz,
    deadline         timestamptz,
    deliver_by       timestamptz,
    show_by          timestamptz,
    -- `least` passes over nulls: whichever comes first.
    due_at           timestamptz    generated always as (least(deadline, deliver_by, show_by)) stored,
    view_version     int            not null,
    shown_version    int            not null,
    panel_message_id bigint,
    stray_message_id bigint,
    renew            boolean        not null,
    look_at          timestamptz,
    looks            int            not null default 0,
    saved_at         timestamptz    not null default now(),
    check (state not in ('paid', 'granted') or (sold is not null and paid_at is not null)),
    check ((checkout_id is null) = (url is null))
);

-- A double tap is one order.
create unique index purchase_order_alive on purchase_order (chat_id, product_id, rail)
    where state in ('opening', 'waiting', 'processing', 'underpaid');

create index purchase_order_chat on purchase_order (chat_id, created_at);

create index purchase_order_unfinished on purchase_order (chat_id)
    where due_at is not null or stray_message_id is not null;

create index purchase_order_due on purchase_order (due_at, order_id) where due_at is not null;

create index purchase_order_look on purchase_order (look_at, order_id) where look_at is not null;

create index purchase_order_ungranted on purchase_order (paid_at) where state = 'paid';

create index purchase_order_for_a_person on purchase_order (saved_at)
    where state in ('late', 'held', 'disputed');
