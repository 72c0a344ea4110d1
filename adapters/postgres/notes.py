"""The courier's notes in PostgreSQL (`0012_relay.sql`): `relay.ports.Notes`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from actors.kernel.ids import ChatId, MessageId
from actors.relay.messages import Clash, Note, NoteState, Taken
from actors.relay.ports import Notes, Unsent
from adapters.postgres.database import Database, Statement


class PostgresNotes(Notes):
    """Whatever changes something, or has to see what was changed, goes by the batching writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self,
        note_id: UUID,
        *,
        key: str,
        chat_id: ChatId,
        text: str,
        at: datetime,
        waiting_max: int,
    ) -> Taken | Clash | None:
        keep = Statement(
            """
            insert into note (note_id, key, chat_id, text, created_at)
            select %(note_id)s::uuid, %(key)s::text, %(chat_id)s::bigint, %(text)s::text,
                %(at)s::timestamptz
            where (
                select count(*) from note where chat_id = %(chat_id)s and state = 'pending'
            ) < %(waiting_max)s
            on conflict do nothing
            """,
            {
                "note_id": note_id,
                "key": _key(key),
                "chat_id": chat_id,
                "text": text,
                "at": at,
                "waiting_max": waiting_max,
            },
        )
        kept = Statement(
            """
            select note_id, chat_id, state, detail, created_at, settled_at, message_id, text
            from note where key = %(key)s
            """,
            {"key": _key(key)},
        )
        _, rows = await self._database.write(keep, kept)
        if not rows:
            return None
        row = rows[0]
        if (row["chat_id"], row["text"]) != (chat_id, text):
            return Clash()
        return Taken(note=_note(row), is_new=row["note_id"] == note_id)

    async def find(self, note_id: UUID) -> Note | None:
        rows = await self._database.read(
            """
            select note_id, chat_id, state, detail, created_at, settled_at, message_id
            from note where note_id = %(note_id)s
            """,
            {"note_id": note_id},
        )
        return _note(rows[0]) if rows else None

    async def unsent(
        self, *, after: int, limit: int, of: ChatId | None = None
    ) -> tuple[Unsent, ...]:
        # By the writer, as `PostgresOutbox.pending`.
        (rows,) = await self._database.write(
            Statement(
                """
                select place, note_id, chat_id, text from note
                where state = 'pending' and place > %(after)s
                    and (%(of)s::bigint is null or chat_id = %(of)s)
                order by place limit %(limit)s
                """,
                {"after": after, "limit": limit, "of": of},
            )
        )
        return tuple(
            Unsent(row["place"], row["note_id"], ChatId(row["chat_id"]), row["text"])
            for row in rows
        )

    async def settle(
        self,
        note_id: UUID,
        state: NoteState,
        *,
        detail: str,
        message_id: MessageId | None,
        at: datetime,
    ) -> None:
        await self._database.write(
            Statement(
                """
                update note set state = %(state)s, detail = %(detail)s, settled_at = %(at)s,
                    message_id = %(message_id)s
                where note_id = %(note_id)s and state <> 'sent'
                """,
                {
                    "note_id": note_id,
                    "state": state.value,
                    "detail": detail,
                    "message_id": message_id,
                    "at": at,
                },
            )
        )


def _key(key: str) -> str:
    """An operator's own keys are apart from those of answers."""
    return f"key:{key}"


def _note(row: Mapping[str, Any]) -> Note:
    message_id = row["message_id"]
    return Note(
        note_id=row["note_id"],
        chat_id=ChatId(row["chat_id"]),
        state=NoteState(row["state"]),
        detail=row["detail"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
        message_id=None if message_id is None else MessageId(message_id),
    )
