"""The courier's notes in memory: `relay.ports.Notes`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from actors.kernel.ids import ChatId, MessageId
from actors.relay.messages import Clash, Note, NoteState, Taken
from actors.relay.ports import Notes, Unsent
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.relay_tables import NoteRow
from adapters.memory.tables import Tables, check_texts


class MemoryNotes(Notes):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

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
        def keep(tables: Tables) -> Taken | Clash | None:
            check_texts((text, key))
            relay, name = tables.relay, f"key:{key}"
            if name not in relay.notes:
                waiting = sum(row.chat_id == chat_id for row in relay.unsent.values())
                if waiting >= waiting_max:
                    return None
                relay.put_note(
                    NoteRow(
                        place=relay.place(),
                        note_id=note_id,
                        key=name,
                        chat_id=chat_id,
                        text=text,
                        created_at=at,
                    )
                )
            row = relay.notes[name]
            if (row.chat_id, row.text) != (chat_id, text):
                return Clash()
            return Taken(note=_note(row), is_new=row.note_id == note_id)

        return await self.connection.write(keep)

    async def find(self, note_id: UUID) -> Note | None:
        def find(tables: Tables) -> Note | None:
            row = _row(tables, note_id)
            return None if row is None else _note(row)

        return await self.connection.read(find)

    async def unsent(
        self, *, after: int, limit: int, of: ChatId | None = None
    ) -> tuple[Unsent, ...]:
        def unsent(tables: Tables) -> tuple[Unsent, ...]:
            rows = [
                row
                for row in tables.relay.unsent.values()
                if row.place > after and of in {None, row.chat_id}
            ]
            return tuple(
                Unsent(row.place, row.note_id, row.chat_id, row.text) for row in rows[:limit]
            )

        return await self.connection.write(unsent)

    async def settle(
        self,
        note_id: UUID,
        state: NoteState,
        *,
        detail: str,
        message_id: MessageId | None,
        at: datetime,
    ) -> None:
        def settle(tables: Tables) -> None:
            row = _row(tables, note_id)
            if row is not None and row.state is not NoteState.SENT:
                row.state, row.detail, row.settled_at = state, detail, at
                row.message_id = message_id
                tables.relay.unsent.pop(note_id, None)

        await self.connection.write(settle)


def _row(tables: Tables, note_id: UUID) -> NoteRow | None:
    return next((row for row in tables.relay.notes.values() if row.note_id == note_id), None)


def _note(row: NoteRow) -> Note:
    return Note(
        note_id=row.note_id,
        chat_id=row.chat_id,
        state=row.state,
        detail=row.detail,
        created_at=row.created_at,
        settled_at=row.settled_at,
        message_id=row.message_id,
    )
