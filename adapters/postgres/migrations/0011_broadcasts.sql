-- Broadcasts: one row for each pass over its recipients; docs/broadcasts.md draws a life.
--
-- version     counts the saves; a save needs the version before its own
-- saved_by    the save that made this version: one that is carried out twice finds itself
-- of          the broadcast whose messages a pass edits or deletes
-- content     what is sent, audience: to whom; JSON
-- stopped     no request may begin, because the process is about to end
-- total ...   how the recipients stand, moved along with them; who is neither is pending
create table broadcast (
    broadcast_id     bigint      generated always as identity primary key,
    creation_id      uuid        not null unique,
    kind             text        not null check (kind in ('send', 'edit', 'delete')),
    of               bigint      references broadcast,
    content          text        not null,
    audience         text        not null,
    repeat           boolean     not null,
    paid             boolean     not null,
    hold             boolean     not null,
    in_chat          boolean     not null,
    state            text        not null,
    trouble          text        not null,
    version          int         not null check (version > 0),
    saved_by         uuid        not null,
    stopped          boolean     not null default false,
    created_at       timestamptz not null,
    starts_at        timestamptz not null,
    started_at       timestamptz,
    ended_at         timestamptz,
    panel_message_id bigint,
    total            int         not null default 0,
    left_out         int         not null default 0,
    sent             int         not null default 0 check (sent >= 0),
    blocked          int         not null default 0 check (blocked >= 0),
    failed           int         not null default 0 check (failed >= 0),
    unknown          int         not null default 0 check (unknown >= 0),
    check ((kind = 'send') = (of is null)),
    check (sent + blocked + failed + unknown <= total)
);

-- Whom a broadcast is for, from its start on.
--
-- pending -> sending -> sent | blocked | failed     `sending` is stored before the request begins
--    ^          |    -> unknown                     nobody will ever know its answer
--    +----------+                                   it was certainly not sent
--
-- Without a reference to its broadcast: a hundred thousand rows are written at once.
create table broadcast_recipient (
    broadcast_id bigint not null,
    chat_id      bigint not null,
    outcome      text   not null default 'pending'
        check (outcome in ('pending', 'sending', 'sent', 'blocked', 'failed', 'unknown')),
    message_id   bigint,
    detail       text   not null default '',
    primary key (broadcast_id, chat_id)
);

create index broadcast_recipient_sending on broadcast_recipient (broadcast_id)
    where outcome = 'sending';

-- Who did what to a broadcast, and why.
create table broadcast_action (
    action_id    uuid        primary key,
    broadcast_id bigint      not null references broadcast,
    what         text        not null,
    who          text        not null,
    why          text        not null,
    at           timestamptz not null
);

create index broadcast_action_broadcast on broadcast_action (broadcast_id, at);
