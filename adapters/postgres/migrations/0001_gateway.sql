-- The inbox: every update of the last days, kept before it is confirmed to Telegram.
--
-- unhandled    handled_at is null and parked_reason is null   its session has yet to save it
-- handled      handled_at is set                              by the transaction of that save
-- parked       parked_reason is set                           malformed, or its session crashed
--
-- `body` is JSON with every non-ASCII character escaped. It is text and not jsonb, because
-- jsonb refuses \u0000, and an update is kept as it came.
create table telegram_update (
    update_id     bigint      primary key,
    chat_id       bigint,
    body          text        not null,
    received_at   timestamptz not null,
    attempts      int         not null default 0,
    handled_at    timestamptz,
    parked_reason text,
    -- Order of arrival; ids start anew at random after a week of silence, and clocks jump.
    arrival       bigint      generated always as identity,
    -- The batch that brought it: a batch that is told again gets the same answer again.
    batch_id      uuid        not null,
    check (handled_at is null or parked_reason is null)
);

create index telegram_update_unhandled on telegram_update (arrival)
    where handled_at is null and parked_reason is null;

create index telegram_update_parked on telegram_update (received_at)
    where parked_reason is not null;

create index telegram_update_handled on telegram_update (handled_at)
    where handled_at is not null;
