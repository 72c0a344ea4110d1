-- Conversations: one row per chat, written whole by the one session of that chat.
--
-- state            where the flow stands (docs/flow.md); `awaiting_payment` is what the tracker reads
-- view_version     what the user should see; shown_version: what Telegram confirmed
-- deadline         when the state's time is up; show_by: when an unconfirmed view is told again
create table user_session (
    chat_id           bigint      primary key,
    state             text        not null,
    language          text        not null,
    name              text,
    contact           text,
    record_id         bigint,
    first_name        text,
    choosing_language boolean     not null,
    note              text,
    step              int         not null,
    attempts          int         not null,
    blocked           boolean     not null,
    view_version      int         not null,
    shown_version     int         not null,
    panel_message_id  bigint,
    stray_message_id  bigint,
    renew             boolean     not null,
    contact_keyboard  boolean     not null,
    deadline          timestamptz,
    show_by           timestamptz,
    -- `least` passes over nulls: whichever comes first.
    due_at            timestamptz generated always as (least(deadline, show_by)) stored,
    saved_at          timestamptz not null default now(),
    check (state not in ('awaiting_payment', 'success') or record_id is not null)
);

create index user_session_due on user_session (due_at, chat_id) where due_at is not null;

create index user_session_unshown on user_session (chat_id)
    where shown_version < view_version and not blocked;

create index user_session_awaiting_payment on user_session (record_id, chat_id)
    where state = 'awaiting_payment';
