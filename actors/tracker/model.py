"""What is known about payments: watches, answers of the record table, and up to where it was read.

Nothing here does I/O or looks at a clock: times come in as values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from actors.kernel.ids import ChatId, RecordId

OVERLAP_SECONDS = 5
"""How much of the newest changes is read again: a change becomes visible a little after the
time it is stamped with, and the stamps have second resolution (measured on NocoDB 0.262 and
0.301)."""

FIRST_LOOK_BACK_SECONDS = 120
"""How far before the server's own time the first look at changes begins. It stands for the
difference between the clocks of the web server and of its database; whatever is older is
found by the reconciliation."""

CLOCK_TRUST_SECONDS = 86_400
"""A server's clock that differs more than this from ours is not used to correct anything:
one that says 1970 must not make us read everything again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One user whom a payment concerns, as our own store knows him.

    `cancelled`: he has cancelled, and may have paid all the same.
    `paid`: his payment is known, and his session has not recorded it yet.
    """

    record_id: RecordId
    chat_id: ChatId
    cancelled: bool = False
    paid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the record table. None is "unknown", and changes nothing.

    `chat_id` is the person the row belongs to, as the row itself says; a row that names nobody
    belongs to whoever waits for its id.
    """

    record_id: RecordId
    paid: bool | None
    updated_at: datetime | None = None
    chat_id: ChatId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The table answered.

    `size` counts the rows that were sent, readable or not; `last` says that no further page
    exists; `server_time` is the server's own clock (HTTP `Date`), when it told.
    `nameless` says why none of the rows names its chat, empty when they can.
    """

    rows: tuple[Row, ...]
    size: int
    last: bool
    server_time: datetime | None = None
    nameless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The table will refuse this question until a person has done something.

    `token`     it is not accepted
    `table`     there is no such table
    `paid`      the column that says who has paid is missing
    `updated`   the column that says when a row changed is missing
    `chat`      the column that says whose row it is is missing; it is not asked for again soon
    `question`  anything else; one of the asked ids may be to blame

    `detail` says in one sentence what was refused and what a person can do about it.
    """

    reason: Literal["token", "table", "paid", "updated", "chat", "question"]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """HTTP 429, or its pause is not over yet: ask again after `retry_after_seconds`."""

    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class TooLong:
    """HTTP 414 or 431: `chunk_rows` has been halved, ask again with fewer ids."""


Answer = Page | Refused | Throttled | TooLong


@dataclass(slots=True, kw_only=True)
class Requests:
    """Requests that were really sent, since the process started."""

    total: int = 0
    ok: int = 0
    failed: int = 0
    """Neither answered well nor throttled: refused, broken, too slow, unreadable."""
    throttled: int = 0
    latency_seconds: float = 0.0
    """Of the newest request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Up to where changes have been read, on the record table's own clock.

    A question reads `UpdatedAt > after`, oldest first, without the first `skip` rows. On
    sqlite, NocoDB takes that for `>=` (seen on 0.262.5): either must do.
    `newest` is the newest change seen, None before the first.
    """

    after: datetime
    skip: int = 0
    newest: datetime | None = None

    @classmethod
    def first(cls, server_time: datetime) -> Place:
        """Where somebody starts who has never read changes."""
        return cls(after=_seconds(server_time) - timedelta(seconds=FIRST_LOOK_BACK_SECONDS))

    def turn(self, page: Page) -> Place:
        """Where the page after `page` begins.

        By time where that moves on, because rows that change meanwhile would shift every
        count; by count where one second holds more rows than a page.
        """
        newest = _latest(self.newest, page)
        if newest is not None and newest - timedelta(seconds=1) > self.after:
            return Place(after=newest - timedelta(seconds=1), newest=newest)
        return replace(self, skip=self.skip + page.size, newest=newest)

    def end(self, page: Page, *, reached: Place, quiet: bool, now: datetime) -> Place:
        """Where the next look begins, after this one ended on `page` at `reached`.

        `quiet`: `newest` has been the newest for longer than `OVERLAP_SECONDS`, so nothing
        older can still appear and it need not be read again. A server whose clock is behind
        what it stamped was set back, or stamped nonsense: its clock wins. `now` is ours.
        """
        newest, clock = _latest(reached.newest, page), page.server_time
        if newest is None and page.rows and clock is not None:
            # Changed, and not told when: the server's clock has to do.
            after = max(self.after, Place.first(clock).after)
        elif newest is None:
            after = self.after
        elif quiet and newest == self.newest:
            after = max(self.after, newest + timedelta(seconds=1))
        else:
            after = max(self.after, newest - timedelta(seconds=OVERLAP_SECONDS))
        clock = clock or after
        if clock < after and abs(now - clock) < timedelta(seconds=CLOCK_TRUST_SECONDS):
            return Place(after=_seconds(clock) - timedelta(seconds=OVERLAP_SECONDS))
        return Place(after=after, newest=newest)


def _latest(newest: datetime | None, page: Page) -> datetime | None:
    stamps = [row.updated_at for row in page.rows if row.updated_at is not None]
    if newest is not None:
        stamps.append(newest)
    return _seconds(max(stamps)) if stamps else None


def _seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
