"""Conversations in PostgreSQL: `sessions.ports.Sessions` on the table of `0002_sessions.sql`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from actors.debounce import messages as debounce
from actors.debounce.model import written
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, UpdateId
from actors.kernel.language import Language
from actors.sessions.model import Note, Session, State
from actors.sessions.ports import Alarm, Sessions
from adapters.postgres.database import Database, Statement


class PostgresSessions(Sessions):
    """Every method is one statement; loads and saves go through the batching writer, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, chat_id: ChatId) -> Session | None:
        # By the writer: an incarnation that was killed may have a save under way.
        load = Statement(
            """
            select chat_id, state, language, name, contact, record_id, first_name,
                choosing_language, note, step, attempts, deadline, blocked, view_version,
                shown_version, show_by, panel_message_id, stray_message_id, renew,
                contact_keyboard
            from user_session where chat_id = %(chat_id)s
            """,
            {"chat_id": chat_id},
        )
        (rows,) = await self._database.write(load)
        return _session(rows[0]) if rows else None

    async def save(
        self,
        session: Session,
        *,
        handled: UpdateId | None = None,
        passed: debounce.Collect | None = None,
    ) -> None:
        statement, params = _SAVE, _row(session) | {"handled": handled}
        if passed is not None:
            statement, params = _SAVE_AND_PASS, params | _passed(passed)
        (saved,) = await self._database.write(Statement(statement, params))
        if not saved:
            raise Conflict(f"update {handled} was handled before")

    async def due(
        self, *, now: datetime, limit: int, after: Alarm | None = None
    ) -> tuple[Alarm, ...]:
        rows = await self._database.read(
            """
            select due_at, chat_id from user_session
            where due_at <= %(now)s and (due_at, chat_id) > (
                coalesce(%(after_due_at)s::timestamptz, '-infinity'),
                coalesce(%(after_chat_id)s::bigint, 0)
            )
            order by due_at, chat_id limit %(limit)s
            """,
            {
                "now": now,
                "after_due_at": after and after.due_at,
                "after_chat_id": after and after.chat_id,
                "limit": limit,
            },
        )
        return tuple(Alarm(row["due_at"], ChatId(row["chat_id"])) for row in rows)

    async def next_due(self, *, after: datetime) -> datetime | None:
        (row,) = await self._database.read(
            "select min(due_at) as at from user_session where due_at > %(after)s",
            {"after": after},
        )
        at: datetime | None = row["at"]
        return at

    async def unshown(self, *, limit: int, after: ChatId | None = None) -> tuple[ChatId, ...]:
        rows = await self._database.read(
            """
            select chat_id from user_session
            where shown_version < view_version and not blocked
                and chat_id > coalesce(%(after)s::bigint, -9223372036854775808)
            order by chat_id limit %(limit)s
            """,
            {"after": after, "limit": limit},
        )
        return tuple(ChatId(row["chat_id"]) for row in rows)


# One statement sees one snapshot: each part does not notice what the others do.
_MARK = """
with marked as (
    update telegram_update set handled_at = now()
    where update_id = %(handled)s::bigint and handled_at is null and parked_reason is null
)
"""
_UNLESS_HANDLED = """
where not exists (
    select from telegram_update
    where update_id = %(handled)s::bigint and handled_at is not null
)
"""
# Telegram may count its updates anew: what has left long ago makes room.
_PASS = f"""
, passed as (
    insert into relay_message as kept (chat_id, update_id, body, bytes, album, received_at)
    select %(chat_id)s::bigint, %(passed_id)s::bigint, %(passed_body)s::text,
        %(passed_bytes)s::int, %(passed_album)s::text, %(passed_at)s::timestamptz
    {_UNLESS_HANDLED}
    on conflict (chat_id, update_id) do update set
        body = excluded.body, bytes = excluded.bytes, album = excluded.album,
        received_at = excluded.received_at, event_id = null, flooded = false
    where kept.event_id is not null
)
"""
_KEEP = f"""
insert into user_session (
    chat_id, state, language, name, contact, record_id, first_name,
    choosing_language, note, step, attempts, deadline, blocked, view_version,
    shown_version, show_by, panel_message_id, stray_message_id, renew,
    contact_keyboard
)
select
    %(chat_id)s::bigint, %(state)s::text, %(language)s::text, %(name)s::text,
    %(contact)s::text, %(record_id)s::bigint, %(first_name)s::text,
    %(choosing_language)s::boolean, %(note)s::text, %(step)s::int,
    %(attempts)s::int, %(deadline)s::timestamptz, %(blocked)s::boolean,
    %(view_version)s::int, %(shown_version)s::int, %(show_by)s::timestamptz,
    %(panel_message_id)s::bigint, %(stray_message_id)s::bigint, %(renew)s::boolean,
    %(contact_keyboard)s::boolean
{_UNLESS_HANDLED}
on conflict (chat_id) do update set
    state = excluded.state, language = excluded.language, name = excluded.name,
    contact = excluded.contact, record_id = excluded.record_id,
    first_name = excluded.first_name,
    choosing_language = excluded.choosing_language, note = excluded.note,
    step = excluded.step, attempts = excluded.attempts,
    deadline = excluded.deadline, blocked = excluded.blocked,
    view_version = excluded.view_version, shown_version = excluded.shown_version,
    show_by = excluded.show_by, panel_message_id = excluded.panel_message_id,
    stray_message_id = excluded.stray_message_id, renew = excluded.renew,
    contact_keyboard = excluded.contact_keyboard, saved_at = now()
returning chat_id
"""
_SAVE = f"{_MARK}{_KEEP}"
_SAVE_AND_PASS = f"{_MARK}{_PASS}{_KEEP}"


def _passed(told: debounce.Collect) -> dict[str, object]:
    body = written(told.passed)
    return {
        "passed_id": told.passed.update_id,
        "passed_body": body,
        "passed_bytes": len(body.encode()),
        "passed_album": told.passed.media_group_id,
        "passed_at": told.received_at,
    }


def _row(session: Session) -> dict[str, object]:
    return {
        "chat_id": session.chat_id,
        "state": session.state.value,
        "language": session.language.value,
        "name": session.name,
        "contact": session.contact,
        "record_id": session.record_id,
        "first_name": session.first_name,
        "choosing_language": session.choosing_language,
        "note": session.note and session.note.value,
        "step": session.step,
        "attempts": session.attempts,
        "deadline": session.deadline,
        "blocked": session.blocked,
        "view_version": session.view_version,
        "shown_version": session.shown_version,
        "show_by": session.show_by,
        "panel_message_id": session.panel_message_id,
        "stray_message_id": session.stray_message_id,
        "renew": session.renew,
        "contact_keyboard": session.contact_keyboard,
    }


def _session(row: Mapping[str, Any]) -> Session:
    named = {
        "state": State(row["state"]),
        "language": Language(row["language"]),
        "note": row["note"] and Note(row["note"]),
    }
    return Session(**{**row, **named})
