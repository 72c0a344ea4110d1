"""Broadcasts in PostgreSQL: `broadcasts.ports.Broadcasts` on `0011_broadcasts.sql`.

Its other half is `recipients`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID, uuid4

from actors.broadcasts.model import (
    Action,
    Broadcast,
    Counts,
    Kind,
    Outcome,
    State,
    audience_of,
    content_of,
    packed,
)
from actors.broadcasts.ports import Broadcasts
from actors.kernel.ids import BroadcastId, UpdateId
from adapters.postgres.database import Statement
from adapters.postgres.recipients import PostgresRecipients


class PostgresBroadcasts(PostgresRecipients, Broadcasts):
    """Every method is one statement, or one transaction of the batching writer."""

    async def create(
        self,
        broadcast: Broadcast,
        *,
        creation_id: UUID,
        action: Action,
        handled: UpdateId | None = None,
    ) -> Broadcast:
        row = _row(broadcast) | _noted(action) | {"creation_id": creation_id, "version": 1}
        statements = [Statement(_CREATE, row)]
        if handled is not None:
            statements.append(_handled(handled))
        # Asked apart from the insertion, so that a repetition gets the same answer.
        statements.append(
            Statement(
                "select * from broadcast where creation_id = %(creation_id)s",
                {"creation_id": creation_id},
            )
        )
        *_, rows = await self._database.write(*statements)
        return _broadcast(rows[0])

    async def find(self, broadcast_id: BroadcastId) -> Broadcast | None:
        # By the writer: a save whose caller was killed may still be under way.
        find = Statement(
            "select * from broadcast where broadcast_id = %(broadcast_id)s",
            {"broadcast_id": broadcast_id},
        )
        (rows,) = await self._database.write(find)
        return _broadcast(rows[0]) if rows else None

    async def actions(self, broadcast_id: BroadcastId) -> tuple[Action, ...]:
        rows = await self._database.read(
            """
            select action_id, what, who, why, at from broadcast_action
            where broadcast_id = %(broadcast_id)s order by at, action_id
            """,
            {"broadcast_id": broadcast_id},
        )
        return tuple(Action(**row) for row in rows)

    async def listing(
        self, *, states: Collection[State], limit: int, before: BroadcastId | None = None
    ) -> tuple[Broadcast, ...]:
        rows = await self._database.read(
            """
            select * from broadcast
            where (%(any)s or state = any(%(states)s::text[]))
                and (%(before)s::bigint is null or broadcast_id < %(before)s)
            order by broadcast_id desc limit %(limit)s
            """,
            {
                "any": not states,
                "states": [state.value for state in states],
                "before": before,
                "limit": limit,
            },
        )
        return tuple(map(_broadcast, rows))

    async def save(
        self,
        broadcast: Broadcast,
        *,
        action: Action | None = None,
        handled: UpdateId | None = None,
    ) -> None:
        statements = _saving(broadcast)
        if action is not None:
            noted = _noted(action) | {"broadcast_id": broadcast.broadcast_id}
            statements.append(Statement(_NOTE, noted))
        if handled is not None:
            statements.append(_handled(handled))
        await self._database.write(*statements)

    async def start(self, broadcast: Broadcast) -> None:
        statements = _saving(broadcast)
        if broadcast.kind is Kind.EDIT:
            statements.append(Statement(_HAND_OVER, statements[0].params))
        await self._database.write(*statements)

    async def finish(self, update_id: UpdateId) -> None:
        await self._database.write(_handled(update_id))


_CREATE = """
with created as (
    insert into broadcast (
        creation_id, kind, of, content, audience, repeat, paid, hold, in_chat, state, trouble,
        version, saved_by, created_at, starts_at, started_at, ended_at, panel_message_id
    )
    values (
        %(creation_id)s, %(kind)s, %(of)s, %(content)s, %(audience)s, %(repeat)s, %(paid)s,
        %(hold)s, %(in_chat)s, %(state)s, %(trouble)s, %(version)s, %(creation_id)s,
        %(created_at)s, %(starts_at)s, %(started_at)s, %(ended_at)s, %(panel_message_id)s
    )
    on conflict (creation_id) do nothing
    returning broadcast_id
)
insert into broadcast_action (action_id, broadcast_id, what, who, why, at)
select %(action_id)s, broadcast_id, %(what)s, %(who)s, %(why)s, %(at)s::timestamptz from created
"""

_SAVE = """
update broadcast set
    content = %(content)s, audience = %(audience)s, state = %(state)s, trouble = %(trouble)s,
    version = %(version)s, saved_by = %(saved_by)s, starts_at = %(starts_at)s,
    started_at = %(started_at)s, ended_at = %(ended_at)s,
    panel_message_id = %(panel_message_id)s, prepared = %(prepared)s, again = %(again)s
where broadcast_id = %(broadcast_id)s and version = %(version)s - 1
"""

_IS_SAVED = """
select conflict_unless(
    exists (
        select from broadcast
        where broadcast_id = %(broadcast_id)s and version = %(version)s and saved_by = %(saved_by)s
    ),
    'the broadcast has changed meanwhile'
)
"""

_HAND_OVER = """
update broadcast set
    content = %(content)s, edition = edition + 1, version = version + 1, saved_by = %(saved_by)s
where broadcast_id = %(of)s and saved_by <> %(saved_by)s
"""

_NOTE = """
insert into broadcast_action (action_id, broadcast_id, what, who, why, at)
values (%(action_id)s, %(broadcast_id)s, %(what)s, %(who)s, %(why)s, %(at)s)
on conflict (action_id) do nothing
"""


def _saving(broadcast: Broadcast) -> list[Statement]:
    row = _row(broadcast) | {"saved_by": uuid4()}
    return [Statement(_SAVE, row), Statement(_IS_SAVED, row)]


def _handled(update_id: UpdateId) -> Statement:
    return Statement(
        """
        update telegram_update set handled_at = now()
        where update_id = %(handled)s::bigint and handled_at is null and parked_reason is null
        """,
        {"handled": update_id},
    )


def _noted(action: Action) -> dict[str, object]:
    return {
        "action_id": action.action_id,
        "what": action.what,
        "who": action.who,
        "why": action.why,
        "at": action.at,
    }


def _row(broadcast: Broadcast) -> dict[str, object]:
    return {
        "broadcast_id": broadcast.broadcast_id,
        "kind": broadcast.kind.value,
        "of": broadcast.of,
        "content": packed(broadcast.content),
        "audience": packed(broadcast.audience),
        "repeat": broadcast.repeat,
        "paid": broadcast.paid,
        "hold": broadcast.hold,
        "in_chat": broadcast.in_chat,
        "state": broadcast.state.value,
        "trouble": broadcast.trouble,
        "version": broadcast.version,
        "created_at": broadcast.created_at,
        "starts_at": broadcast.starts_at,
        "started_at": broadcast.started_at,
        "ended_at": broadcast.ended_at,
        "panel_message_id": broadcast.panel_message_id,
        "prepared": broadcast.prepared,
        "again": [outcome.value for outcome in broadcast.again],
    }


_COUNTS = ("total", "left_out", "sent", "blocked", "failed", "unknown")
_NOT_OF_IT = frozenset({"creation_id", "saved_by", "stopped", *_COUNTS})


def _broadcast(row: Mapping[str, Any]) -> Broadcast:
    plain = {name: value for name, value in row.items() if name not in _NOT_OF_IT}
    read: dict[str, Any] = {
        "kind": Kind(row["kind"]),
        "state": State(row["state"]),
        "content": content_of(row["content"]),
        "audience": audience_of(row["audience"]),
        "again": tuple(map(Outcome, row["again"])),
        "counts": Counts(**{name: row[name] for name in _COUNTS}),
    }
    return Broadcast(**{**plain, **read})
