"""The tables of the database in memory, and what PostgreSQL's own refuse to hold.

The twin of `adapters/postgres/migrations`. Rows are changed in place and never handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from actors.broadcast.ports import Unreachable
from actors.broadcasts.model import Action as BroadcastAction
from actors.broadcasts.model import Broadcast, Recipient
from actors.gateway.model import Entry, Stored
from actors.ingress.model import Action, Event, EventState, SourceName, SubscriptionSeen
from actors.kernel.charges import Payment as Charge
from actors.kernel.charges import Rail
from actors.kernel.ids import BroadcastId, ChatId, EventId, OrderId, PaymentId, RecordId, UpdateId
from actors.kernel.ledger import Ledger
from actors.kernel.money import Money
from actors.payments.deeds import Deed, Refund
from actors.payments.looks import LOOK_FIRST_SECONDS
from actors.payments.orders import UNSETTLED, Order
from actors.payments.ports import NoticeState
from actors.sessions.model import Session, State
from adapters.memory.relay_tables import RelayTables

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
    arrival: int = 0

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


@dataclass(slots=True)
class EventRow:
    """One event of a provider."""

    event: Event
    received_at: datetime
    due_at: datetime
    delivery_id: UUID
    state: EventState = EventState.PENDING
    attempts: int = 0
    outcome: str = ""
    settled_at: datetime | None = None


@dataclass(slots=True)
class NoticeRow:
    """What administrators are to be told of a charge, or were."""

    noted_at: datetime
    moved_at: datetime
    state: NoticeState = "pending"
    detail: str = ""


@dataclass(slots=True)
class OrderRow:
    """One order, which save made its version, and when its checkout is looked at."""

    order: Order
    saved_by: object
    saved_at: datetime
    look_at: datetime | None = None
    looks: int = 0


@dataclass(slots=True)
class BroadcastRow:
    """One pass of a broadcast, and which save made its version."""

    broadcast: Broadcast
    saved_by: object
    stopped: bool = False
    recipients: dict[ChatId, Recipient] = field(default_factory=dict)
    chat_ids: list[ChatId] = field(default_factory=list)
    """Theirs, in order."""
    actions: list[BroadcastAction] = field(default_factory=list)


class Tables:
    """Everything that is committed. `now` is the server's clock."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self.now = now
        self.updates: dict[UpdateId, UpdateRow] = {}
        """In the order of arrival."""
        self.update_count = 0
        """What counts their arrivals."""
        self.unhandled: dict[UpdateId, UpdateRow] = {}
        self.parked: set[UpdateId] = set()
        """Those that are, in the same order: an index."""
        self.sessions: dict[ChatId, Session] = {}
        self.alarms: dict[ChatId, datetime] = {}
        """When the sessions that want to be woken up do: an index."""
        self.payments: set[Payment] = set()
        """Seen, and not recorded yet."""
        self.cursor: datetime | None = None
        self.events: dict[EventId, EventRow] = {}
        """In the order of arrival."""
        self.pending_events: dict[EventId, EventRow] = {}
        """Those that are, in any order: an index."""
        self.event_keys: dict[tuple[SourceName, str], EventId] = {}
        self.event_count = 0
        """What counts the events; it never gives a number twice."""
        self.event_actions: dict[UUID, Action] = {}
        self.subscriptions: dict[tuple[SourceName, str], tuple[SubscriptionSeen, EventId]] = {}
        """How it stands, and which event said so."""
        self.charges: dict[tuple[Rail, PaymentId], Charge] = {}
        """In the order in which they were first reported."""
        self.ledger = Ledger()
        self.notices: dict[tuple[Rail, PaymentId], NoticeRow] = {}
        """In the same order."""
        self.orders: dict[OrderId, OrderRow] = {}
        """In the order in which they were made."""
        self.relay = RelayTables()
        self.deeds: dict[UUID, Deed] = {}
        self.refunds: dict[tuple[Rail, PaymentId, Money], Refund] = {}
        """In the order in which they were first wanted."""
        self.broadcasts: dict[BroadcastId, BroadcastRow] = {}
        """In the same order."""
        self.broadcast_creations: dict[UUID, BroadcastId] = {}
        self.session_saved_at: dict[ChatId, datetime] = {}
        self.unreachable: dict[ChatId, Unreachable] = {}
        """Chats that cannot be written to."""
        self.moved_chats: dict[ChatId, ChatId] = {}
        self.flood_waits: dict[ChatId, datetime] = {}
        self.bulk_closed_until: datetime | None = None
        self.stars_tenths = 0
        self.dispatcher_is_new = True
        self.dispatcher_quiet_since: datetime | None = None
        self.group_minutes: dict[ChatId, tuple[datetime, ...]] = {}

    def put_update(self, row: UpdateRow) -> None:
        """A new row, behind all others; it takes the place of an old one with its id."""
        update_id = row.entry.update_id
        self.updates.pop(update_id, None)
        self.parked.discard(update_id)
        self.updates[update_id] = row
        self.update_count += 1
        row.arrival = self.update_count
        if row.unhandled:
            self.unhandled[update_id] = row
        if row.parked_reason is not None:
            self.parked.add(update_id)

    def mark_handled(self, update_id: UpdateId, at: datetime) -> None:
        """Nothing happens to what is not unhandled."""
        row = self.unhandled.pop(update_id, None)
        if row is not None:
            row.handled_at = at

    def mark_event_processed(self, event_id: EventId, at: datetime) -> None:
        """For the transaction of its effect; nothing happens to what is processed or unknown."""
        row = self.events.get(event_id)
        if row is not None and row.state is not EventState.PROCESSED:
            self.settle_event(event_id, EventState.PROCESSED, "", at)

    def settle_event(
        self, event_id: EventId, state: EventState, outcome: str, at: datetime
    ) -> None:
        """A known event is pending no more."""
        row = self.events[event_id]
        row.state, row.outcome, row.settled_at = state, outcome, at
        self.pending_events.pop(event_id, None)

    def mark_charge_recorded(self, rail: Rail, payment_id: PaymentId, version: int) -> None:
        """For the transaction in which its order records it; nothing is ever taken back."""
        charge = self.charges.get((rail, payment_id))
        if charge is not None and charge.recorded_version < version:
            version = min(version, charge.news_version)
            self.charges[rail, payment_id] = replace(charge, recorded_version=version)

    def put_order(self, order: Order, *, saved_by: object) -> None:
        """The newest version of a new order or of a known one."""
        row = self.orders.get(order.order_id)
        before = None if row is None else row.order
        if row is None:
            row = self.orders[order.order_id] = OrderRow(order, saved_by, self.now())
        row.order, row.saved_by, row.saved_at = order, saved_by, self.now()
        opened = before is None or before.checkout_id is None
        settled = order.state not in UNSETTLED and (before is None or before.state in UNSETTLED)
        if order.checkout_id is not None and (opened or settled):
            row.look_at = row.saved_at + timedelta(seconds=LOOK_FIRST_SECONDS)

    def write_down(self, deed: Deed) -> None:
        """For the transaction that does it; written down twice, it is there once. Raises
        `ValueError` for what PostgreSQL would refuse.
        """
        check_texts((deed.who, deed.why))
        self.deeds.setdefault(deed.deed_id, deed)

    def put_session(self, session: Session) -> None:
        """Raises `ValueError` for what PostgreSQL would refuse."""
        if session.state in PAYING and session.record_id is None:
            raise ValueError(f"a session in {session.state} has no record")
        check_texts((session.name, session.contact, session.first_name))
        self.sessions[session.chat_id] = session
        self.session_saved_at[session.chat_id] = self.now()
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
