"""Conversations and the record table in dicts: for simulation, and tests in virtual time."""

from __future__ import annotations

from datetime import datetime

from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.sessions.model import Registration, Session, State
from actors.sessions.ports import Alarm, Records, Sessions
from adapters.memory.gateway import MemoryInbox


class MemorySessions(Sessions):
    """Forgets everything with the process. Without an `inbox` it takes every update for one
    that is in it.
    """

    def __init__(self, *, inbox: MemoryInbox | None = None) -> None:
        self._inbox = inbox
        self._rows: dict[ChatId, Session] = {}
        self._handled: set[UpdateId] = set()

    async def load(self, chat_id: ChatId) -> Session | None:
        return self._rows.get(chat_id)

    async def save(self, session: Session, *, handled: UpdateId | None = None) -> None:
        if handled in self._handled:
            raise Conflict(f"update {handled} was handled before")
        if handled is not None and await self._is_in_inbox(handled):
            self._handled.add(handled)
        self._rows[session.chat_id] = session

    async def due(
        self, *, now: datetime, limit: int, after: Alarm | None = None
    ) -> tuple[Alarm, ...]:
        alarms = sorted(
            Alarm(session.due_at, session.chat_id)
            for session in self._rows.values()
            if session.due_at is not None and session.due_at <= now
        )
        return tuple(alarm for alarm in alarms if after is None or alarm > after)[:limit]

    async def unshown(self, *, limit: int, after: ChatId | None = None) -> tuple[ChatId, ...]:
        chats = sorted(chat_id for chat_id, session in self._rows.items() if session.unshown)
        return tuple(chat_id for chat_id in chats if after is None or chat_id > after)[:limit]

    def waiting(self) -> tuple[tuple[RecordId, ChatId], ...]:
        """Who waits for a payment; what the tracker's own store reads from the table."""
        return tuple(
            (session.record_id, session.chat_id)
            for session in self._rows.values()
            if session.state is State.AWAITING_PAYMENT and session.record_id is not None
        )

    async def _is_in_inbox(self, update_id: UpdateId) -> bool:
        if self._inbox is None:
            return True
        known = await self._inbox.find(update_id) is not None
        self._inbox.mark_handled((update_id,))
        return known


class MemoryRecords(Records):
    """A record table without operators."""

    def __init__(self) -> None:
        self.rows: dict[RecordId, Registration] = {}

    async def create(self, registration: Registration) -> RecordId:
        found = (
            record_id for record_id, row in self.rows.items() if row.chat_id == registration.chat_id
        )
        record_id = next(found, RecordId(len(self.rows) + 1))
        self.rows[record_id] = registration
        return record_id
