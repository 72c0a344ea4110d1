"""What is known about payments: watches, answers of the record table, and two pure decisions.

`Place`   up to where the changes of the record table have been read
`Roster`  who waits, and whose turn it is to be reconciled

Nothing here does I/O or looks at a clock: times come in as values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
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

ABSENCES_UNTIL_MISSING = 2
"""A row is called missing when it was absent so many times in a row."""

NEW_SHARE = 0.75
"""At most this part of a reconciliation chunk goes to users who have just begun to wait, so
that a stream of new users never stops the pass over the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One user who waits, as our own store knows him.

    `paid`: his payment is known, and his session has not recorded it yet.
    """

    record_id: RecordId
    chat_id: ChatId
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


class Roster:
    """Who waits, in which order they are reconciled, and whose row is missing.

    A chat waits for one record. Two chats may wait for the same: NocoDB on sqlite gives the id
    of a deleted newest row to the next one (measured on NocoDB 0.262 and 0.301). Whose payment
    a row tells is therefore decided by the chat it names, and by its id only if it names none.

    A pass visits everybody who waited when it began; whoever comes later is visited next,
    ahead of the rest of the pass.
    """

    def __init__(self) -> None:
        self._records: dict[ChatId, RecordId] = {}
        self._chats: dict[RecordId, tuple[ChatId, ...]] = {}
        self._new: deque[RecordId] = deque()
        self._pass: deque[RecordId] = deque()
        self._absent: dict[ChatId, int] = {}
        self._nameless: set[ChatId] = set()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def missing(self) -> int:
        """Watches whose row is not in the table: deleted, never there, or another's by now."""
        return sum(times >= ABSENCES_UNTIL_MISSING for times in self._absent.values())

    @property
    def nameless(self) -> int:
        """Watches whose row names no chat, so that its id alone decides."""
        return len(self._nameless)

    def add(self, record_id: RecordId, chat_id: ChatId, *, restored: bool = False) -> bool:
        """`chat_id` waits for `record_id`, and for no other; False when it does already.

        Who is `restored` has waited before, and takes his turn at the end of the pass.
        """
        before = self._records.get(chat_id)
        if before == record_id:
            return False
        if before is not None:
            self.remove(before, chat_id)
        self._records[chat_id] = record_id
        self._chats[record_id] = (*self._chats.get(record_id, ()), chat_id)
        (self._pass if restored else self._new).append(record_id)
        return True

    def remove(self, record_id: RecordId, chat_id: ChatId | None = None) -> None:
        """Nobody waits for the record any more, or this chat does not."""
        waiting = self._chats.pop(record_id, ())
        staying = tuple(chat for chat in waiting if chat_id is not None and chat != chat_id)
        if staying:
            self._chats[record_id] = staying
        for chat in waiting:
            if chat not in staying:
                del self._records[chat]
                self._absent.pop(chat, None)
                self._nameless.discard(chat)

    def paid_by(self, rows: Iterable[Row]) -> tuple[Watch, ...]:
        """Whose payments these rows tell: each watch once, under the record it waits for."""
        paid: dict[ChatId, None] = {}
        for row in rows:
            if not row.paid:
                continue
            if row.chat_id is None:
                paid |= dict.fromkeys(self._chats.get(row.record_id, ()))
            elif row.chat_id in self._records:
                paid[row.chat_id] = None
        return tuple(Watch(record_id=self._records[chat], chat_id=chat) for chat in paid)

    def take(self, count: int) -> tuple[RecordId, ...]:
        """The next `count` records to reconcile, each at most once.

        Begins a new pass when one is over.
        """
        taken: dict[RecordId, None] = {}
        self._move(self._new, taken, ceil(count * NEW_SHARE) if self._pass else count)
        if not self._pass and not self._new and len(taken) < count:
            self._pass.extend(record for record in self._chats if record not in taken)
        self._move(self._pass, taken, count)
        return tuple(taken)

    def put_back(self, record_ids: Iterable[RecordId]) -> None:
        """These were taken and not answered: they are next."""
        self._new.extendleft(reversed(tuple(record_ids)))

    def answered(self, asked: Iterable[RecordId], rows: Iterable[Row]) -> None:
        """Remember who of those who wait for `asked` has a row of his own among `rows`."""
        names = {row.record_id: row.chat_id for row in rows}
        for record_id in asked:
            for chat_id in self._chats.get(record_id, ()):
                self._nameless.discard(chat_id)
                if record_id not in names or names[record_id] not in {None, chat_id}:
                    self._absent[chat_id] = self._absent.get(chat_id, 0) + 1
                    continue
                self._absent.pop(chat_id, None)
                if names[record_id] is None:
                    self._nameless.add(chat_id)

    def _move(self, source: deque[RecordId], taken: dict[RecordId, None], count: int) -> None:
        while source and len(taken) < count:
            record_id = source.popleft()
            if record_id in self._chats:
                taken[record_id] = None
