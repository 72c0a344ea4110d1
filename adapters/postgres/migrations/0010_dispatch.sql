-- What the dispatcher of letters must not forget (actors/broadcast/ports.py, PostBook).

-- Chats that Telegram closed for a while (HTTP 429).
create table flood_wait (
    chat_id bigint      primary key,
    until   timestamptz not null
);

-- bulk_closed_until  the flood wait of the bulk lane
-- stars_tenths       tenths of a Star that paid broadcasts ever cost at most
create table dispatcher (
    only_row          boolean     primary key default true check (only_row),
    bulk_closed_until timestamptz,
    stars_tenths      bigint      not null default 0 check (stars_tenths >= 0)
);

-- Chats that cannot be written to, until whoever blocked the bot comes back.
create table unreachable_chat (
    chat_id bigint      primary key,
    reason  text        not null check (reason in ('blocked', 'deactivated', 'unknown')),
    detail  text        not null,
    since   timestamptz not null default now()
);

-- Groups that became another one.
create table moved_chat (
    chat_id  bigint      primary key,
    moved_to bigint      not null,
    since    timestamptz not null default now()
);
