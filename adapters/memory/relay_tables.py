"""The tables of the relay in memory: the twin of `0012_relay.sql` and `0017_relayed_orders.sql`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from actors.debounce.messages import Collect, Passed
from actors.kernel.ids import ChatId, MessageId, OrderId, UpdateId
from actors.relay.messages import EventState, EventType, NoteState
from actors.relay.model import Pause


@dataclass(slots=True)
class MessageRow:
    """One message that a session has passed on; `event_id` None waits for its user to finish."""

    passed: Passed
    received_at: datetime
    event_id: UUID | None = None
    flooded: bool = False


@dataclass(slots=True, kw_only=True)
class EventRow:
    """One event, and where it stands."""

    place: int
    event_id: UUID
    event_type: EventType
    chat_id: ChatId
    created_at: datetime
    order_id: OrderId | None = None
    members: list[MessageRow] = field(default_factory=list)
    state: EventState = EventState.PENDING
    detail: str = ""
    settled_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class NoteRow:
    """One text that has to reach a user."""

    place: int
    note_id: UUID
    key: str
    chat_id: ChatId
    text: str
    created_at: datetime
    state: NoteState = NoteState.PENDING
    detail: str = ""
    message_id: MessageId | None = None
    settled_at: datetime | None = None


class RelayTables:
    """Everything of the relay that is committed."""

    def __init__(self) -> None:
        self.messages: dict[tuple[ChatId, UpdateId], MessageRow] = {}
        self.waiting: dict[tuple[ChatId, UpdateId], MessageRow] = {}
        """Those of no batch: an index."""
        self.events: dict[UUID, EventRow] = {}
        self.pending: dict[UUID, EventRow] = {}
        """Those that are, by place: an index."""
        self.notes: dict[str, NoteRow] = {}
        """By key, in the order of their places."""
        self.unsent: dict[UUID, NoteRow] = {}
        """Those that nobody has confirmed, in the same order: an index."""
        self.relayed: set[OrderId] = set()
        """Orders of which there is an event, or was."""
        self.opened_at: datetime | None = None
        self.pause: Pause | None = None
        self.places = 0
        """What counts events and notes; it never gives a number twice."""

    def place(self) -> int:
        """The next one."""
        self.places += 1
        return self.places

    def pass_on(self, told: Collect) -> None:
        """For the transaction of the session that passes it on; known, it stays as it is, unless
        it has left: Telegram may count its updates anew.
        """
        key = (told.chat_id, told.passed.update_id)
        known = self.messages.get(key)
        if known is None or known.event_id is not None:
            self.messages[key] = self.waiting[key] = MessageRow(told.passed, told.received_at)

    def put_event(self, row: EventRow) -> None:
        """A new event, which is to be delivered, or one that is again."""
        self.events[row.event_id] = self.pending[row.event_id] = row

    def settle_event(self, event_id: UUID, state: EventState, detail: str, at: datetime) -> None:
        """A known event is pending no more."""
        row = self.events[event_id]
        row.state, row.detail, row.settled_at = state, detail, at
        self.pending.pop(event_id, None)

    def put_note(self, row: NoteRow) -> None:
        """A new note, unless there is one under its key."""
        if row.key not in self.notes:
            self.notes[row.key] = self.unsent[row.note_id] = row
