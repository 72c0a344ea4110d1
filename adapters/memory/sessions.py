"""Conversations and the record table in memory: for simulation, and tests in virtual time."""

from __future__ import annotations

from datetime import datetime

from actors.debounce import messages as debounce
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.sessions.model import Registration, Session
from actors.sessions.ports import Alarm, Records, Sessions
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import Tables


class MemorySessions(Sessions):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def load(self, chat_id: ChatId) -> Session | None:
        return await self.connection.write(lambda tables: tables.sessions.get(chat_id))

    async def save(
        self,
        session: Session,
        *,
        handled: UpdateId | None = None,
        passed: debounce.Collect | None = None,
    ) -> None:
        def save(tables: Tables) -> None:
            update = None if handled is None else tables.updates.get(handled)
            if update is not None and update.handled_at is not None:
                raise Conflict(f"update {handled} was handled before")
            tables.put_session(session)
            if passed is not None:
                tables.relay.pass_on(passed)
            if handled is not None:
                tables.mark_handled(handled, tables.now())

        await self.connection.write(save)

    async def due(
        self, *, now: datetime, limit: int, after: Alarm | None = None
    ) -> tuple[Alarm, ...]:
        def due(tables: Tables) -> tuple[Alarm, ...]:
            alarms = (Alarm(at, chat) for chat, at in tables.alarms.items() if at <= now)
            return tuple(sorted(a for a in alarms if after is None or a > after))[:limit]

        return await self.connection.read(due)

    async def next_due(self, *, after: datetime) -> datetime | None:
        return await self.connection.read(
            lambda tables: min((at for at in tables.alarms.values() if at > after), default=None)
        )

    async def unshown(self, *, limit: int, after: ChatId | None = None) -> tuple[ChatId, ...]:
        def unshown(tables: Tables) -> tuple[ChatId, ...]:
            chats = (chat for chat, session in tables.sessions.items() if session.unshown)
            return tuple(sorted(c for c in chats if after is None or c > after))[:limit]

        return await self.connection.read(unshown)


class MemoryRecords(Records):
    """A record table without operators."""

    def __init__(self) -> None:
        self.rows: dict[RecordId, Registration] = {}

    async def create(self, registration: Registration) -> RecordId:
        found = await self.find(registration.chat_id)
        record_id = RecordId(len(self.rows) + 1) if found is None else found
        self.rows[record_id] = registration
        return record_id

    async def find(self, chat_id: ChatId) -> RecordId | None:
        found = (record_id for record_id, row in self.rows.items() if row.chat_id == chat_id)
        return min(found, default=None)
