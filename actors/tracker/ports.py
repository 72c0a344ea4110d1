"""What the tracker needs of the outside: the record table's answers, and our own memory."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from actors.kernel.ids import RecordId
from actors.tracker.model import Answer, Place, Requests, Watch


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
