"""What the tracker needs of the outside: the record table's answers, and our own memory."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from actors.kernel.charges import Payment, Rail
from actors.kernel.ids import EventId, OrderId, PaymentId, RecordId
from actors.kernel.ledger import KeyReused
from actors.tracker.model import Answer, Place, Requests, Watch
from actors.tracker.settlement import Observation, OrderView


class PaidRecords(Protocol):
    """The record table, asked who has paid. One call is one request; nothing is repeated.

    Raises `Unavailable` when no usable answer came: a time-out, a broken connection, a 5xx,
    anything that is not what the table's API answers. Every other outcome is a value.
    """

    @property
    def requests(self) -> Requests:
        """What was sent so far; survives the actor that asks."""
        ...

    @property
    def chunk_rows(self) -> int:
        """How many ids fit into one `read`; only ever shrinks."""
        ...

    async def changed(self, place: Place) -> Answer:
        """One page of the paid rows that changed after `place`, oldest change first."""
        ...

    async def read(self, record_ids: Collection[RecordId]) -> Answer:
        """These rows, at most `chunk_rows`. Without `last`, some of them were left out."""
        ...


class Watches(Protocol):
    """Whom which payment concerns, and which payments are known.

    Whom a payment concerns is what the sessions have stored: a session that recorded it is
    gone from here without being told to. All methods are idempotent and raise only
    `Unavailable`.
    """

    async def waiting(self) -> tuple[Watch, ...]:
        """Every session that waits for a payment, in one question, ordered by record.

        Also those that have cancelled a record that exists: whoever paid all the same is told.
        `paid` marks those whose payment is known and not yet recorded by the session.
        """
        ...

    async def mark_paid(self, watches: Collection[Watch]) -> None:
        """Know that these have paid, until a session has recorded it.

        By record and chat: another chat that waits for the same record is not meant.
        """
        ...

    async def forget_recorded(self) -> None:
        """Forget the payments that no session of `waiting` is left to record.

        A record that is waited for anew is then asked about anew.
        """
        ...

    async def cursor(self) -> datetime | None:
        """What was saved last, None before the first time."""
        ...

    async def save_cursor(self, after: datetime) -> None:
        """Keep up to where changes have been read (`Place.after`)."""
        ...


class OrderBook(Protocol):
    """Whose orders are whose."""

    async def find(self, order_id: OrderId) -> OrderView | None:
        """The order; None when there is none of this id. Raises `Unavailable`."""
        ...


class Payments(Protocol):
    """Every charge, as all reports on it together tell; what it moves is booked with it.

    All methods may be repeated after an outcome that is not known, and raise only `Unavailable`;
    `record` also `Conflict`.
    """

    async def load(self, rail: Rail, payment_id: PaymentId) -> Payment | None:
        """The charge; None when it was never reported.

        No `record` that was asked for before happens after it, whatever its caller was told.
        """
        ...

    async def record(
        self, seen: Observation, *, event_id: EventId | None, at: datetime
    ) -> KeyReused | None:
        """Keep what a report changed, book it, and mark the event that brought it as processed
        (nobody's, when the inbox does not know it): all of it, in one transaction, or nothing.

        Raises `Conflict` when the charge is not at the version before any more: load it again.
        The value is a refusal of the ledger, after which nothing was kept either.
        """
        ...

    async def unrecorded(
        self, *, limit: int, after: tuple[Rail, PaymentId] | None = None
    ) -> tuple[Payment, ...]:
        """Charges whose news their orders have yet to record, by rail and id, at most `limit`;
        `after` continues behind the last of the page before.
        """
        ...
