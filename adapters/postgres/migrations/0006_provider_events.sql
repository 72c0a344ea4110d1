-- The inbox of what providers deliver: kept, verified, before the provider is answered.
--
-- pending     nobody has finished with it; due_at is when it may be tried (again)
-- processed   by the transaction that did what it means
-- ignored     there was nothing to do
-- parked      a person has to look: outcome says why
--
-- `body` is what came, byte for byte; `headers` is JSON with every non-ASCII character and every
-- control character escaped, and text, not jsonb, which refuses \u0000.
create table provider_event (
    -- The order of arrival: one writer commits in the order in which it counts.
    event_id    bigint      generated always as identity primary key,
    source      text        not null,
    key         text        not null,
    kind        text        not null,
    subject     text        not null,
    body        bytea       not null,
    headers     text        not null,
    -- The provider's own time.
    at          timestamptz,
    received_at timestamptz not null,
    -- The delivery that brought it: one that is told again gets the same answer again.
    delivery_id uuid        not null,
    state       text        not null default 'pending'
        check (state in ('pending', 'processed', 'ignored', 'parked')),
    attempts    int         not null default 0,
    due_at      timestamptz not null,
    outcome     text        not null default '',
    settled_at  timestamptz,
    unique (source, key),
    check ((state = 'pending') = (settled_at is null))
);

create index provider_event_pending on provider_event (event_id) where state = 'pending';

-- Who of one subject comes first.
create index provider_event_turn on provider_event (source, subject, event_id)
    where state = 'pending' and subject <> '';

create index provider_event_parked on provider_event (event_id) where state = 'parked';

create index provider_event_settled on provider_event (source, settled_at)
    where state in ('processed', 'ignored');

-- What operators did to events. It outlives the events.
create table provider_event_action (
    action_id uuid        primary key,
    event_id  bigint      not null,
    what      text        not null check (what in ('replay', 'park')),
    who       text        not null,
    why       text        not null,
    at        timestamptz not null
);

create index provider_event_action_event on provider_event_action (event_id, at);

-- How recurring subscriptions at a provider stand, in its own words.
create table provider_subscription (
    source             text        not null,
    subscription_id    text        not null,
    order_id           text,
    status             text        not null,
    ends_at_period_end boolean     not null,
    period_end         timestamptz,
    at                 timestamptz,
    event_id           bigint      not null,
    primary key (source, subscription_id)
);
