"""The tables of the database in memory, and what PostgreSQL's own refuse to hold.

The twin of `adapters/postgres/migrations`. Rows are changed in place and never handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.gateway.model import Entry, Stored
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.sessions.model import Session, State

Payment = tuple[RecordId, ChatId]
"""A payment belongs to a record and a chat."""

PAYING = frozenset({State.AWAITING_PAYMENT, State.SUCCESS})
"""States that mean nothing without a record."""
CONCERNED = frozenset({State.AWAITING_PAYMENT, State.CANCELLED})
"""States in which a payment for the record is news."""


@dataclass(slots=True)
class UpdateRow:
    """One row of the inbox."""

    entry: Entry
    received_at: datetime
    batch_id: UUID
    handled_at: datetime | None
    parked_reason: str | None
    attempts: int = 0

    @property
    def unhandled(self) -> bool:
        """Neither handled nor parked."""
        return self.handled_at is None and self.parked_reason is None

    def stored(self) -> Stored:
        """The row as the gateway reads it."""
        return Stored(
            update_id=self.entry.update_id,
            body=self.entry.body,
            chat_id=self.entry.chat_id,
            attempts=self.attempts,
        )


class Tables:
    """Everything that is committed. `now` is the server's clock."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self.now = now
        self.updates: dict[UpdateId, UpdateRow] = {}
        """In the order of arrival."""
        self.unhandled: dict[UpdateId, UpdateRow] = {}
        """Those that are, in the same order: an index."""
        self.sessions: dict[ChatId, Session] = {}
        self.alarms: dict[ChatId, datetime] = {}
        """When the sessions that want to be woken up do: an index."""
        self.payments: set[Payment] = set()
        """Seen, and not recorded yet."""
        self.cursor: datetime | None = None

    def put_update(self, row: UpdateRow) -> None:
        """A new row, behind all others; it takes the place of an old one with its id."""
        update_id = row.entry.update_id
        self.updates.pop(update_id, None)
        self.updates[update_id] = row
        if row.unhandled:
            self.unhandled[update_id] = row

    def mark_handled(self, update_id: UpdateId, at: datetime) -> None:
        """Nothing happens to what is not unhandled."""
        row = self.unhandled.pop(update_id, None)
        if row is not None:
            row.handled_at = at

    def put_session(self, session: Session) -> None:
        """Raises `ValueError` for what PostgreSQL would refuse."""
        if session.state in PAYING and session.record_id is None:
            raise ValueError(f"a session in {session.state} has no record")
        check_texts((session.name, session.contact, session.first_name))
        self.sessions[session.chat_id] = session
        if session.due_at is None:
            self.alarms.pop(session.chat_id, None)
        else:
            self.alarms[session.chat_id] = session.due_at

    def concerned(self) -> dict[Payment, State]:
        """Whom a payment concerns, and where he stands."""
        return {
            (session.record_id, session.chat_id): session.state
            for session in self.sessions.values()
            if session.state in CONCERNED and session.record_id is not None
        }


def check_texts(texts: Iterable[str | None]) -> None:
    """Raise `ValueError` for NUL and half characters, which PostgreSQL's text cannot hold."""
    for text in texts:
        if text is not None and ("\0" in text or any("\ud800" <= c <= "\udfff" for c in text)):
            raise ValueError("a text holds NUL or half a character")
