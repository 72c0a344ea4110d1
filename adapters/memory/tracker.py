"""The tracker's two ports in memory: for simulation, and for tests in virtual time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import State
from actors.tracker.model import Answer, Page, Place, Requests, Row, Throttled, TooLong, Watch
from actors.tracker.ports import PaidRecords, Watches
from adapters.memory.database import MemoryConnection
from adapters.memory.tables import Tables


class MemoryWatches(Watches):
    """Who waits is what the sessions in the same database say."""

    def __init__(self, connection: MemoryConnection) -> None:
        self.connection = connection

    async def waiting(self) -> tuple[Watch, ...]:
        return await self.connection.read(
            lambda tables: tuple(
                Watch(
                    record_id=record_id,
                    chat_id=chat_id,
                    cancelled=state is State.CANCELLED,
                    paid=(record_id, chat_id) in tables.payments,
                )
                for (record_id, chat_id), state in sorted(tables.concerned().items())
            )
        )

    async def mark_paid(self, watches: Collection[Watch]) -> None:
        paid = {(watch.record_id, watch.chat_id) for watch in watches}
        await self.connection.write(lambda tables: tables.payments.update(paid))

    async def forget_recorded(self) -> None:
        await self.connection.write(
            lambda tables: tables.payments.intersection_update(tables.concerned())
        )

    async def cursor(self) -> datetime | None:
        return await self.connection.read(lambda tables: tables.cursor)

    async def save_cursor(self, after: datetime) -> None:
        def save(tables: Tables) -> None:
            tables.cursor = after

        await self.connection.write(save)


@dataclass(slots=True)
class _Entry:
    """One row of the record table."""

    chat_id: ChatId | None = None
    paid: bool = False
    updated_at: datetime | None = None


class MemoryPaidRecords(PaidRecords):
    """A record table in a dict, moved by a test or a simulation as an operator would.

    `now` is the table's own clock. Each question takes the first of `outcomes`, if any: an
    answer to give, an error to raise, or None to answer truthfully. `inclusive` takes "after"
    for "not before", as NocoDB does on sqlite.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        chunk_rows: int = 500,
        page_rows: int = 1000,
        inclusive: bool = False,
    ) -> None:
        self._now, self._page_rows = now, page_rows
        self._chunk_rows, self._inclusive = chunk_rows, inclusive
        self._rows: dict[RecordId, _Entry] = {}
        self._requests = Requests()
        self.questions: list[Place | tuple[RecordId, ...]] = []
        """Everything that was asked, in order: a place of changes, or a chunk of ids."""
        self.outcomes: deque[Answer | Exception | None] = deque()

    def insert(self, record_id: RecordId, chat_id: ChatId | None = None) -> None:
        """A new row, not paid; None is a row that names nobody."""
        self._rows[record_id] = _Entry(chat_id=chat_id)

    def tick(self, record_id: RecordId, *, paid: bool = True) -> None:
        """The box is ticked, or cleared; raises KeyError for an unknown row."""
        self._rows[record_id].paid = paid
        self._rows[record_id].updated_at = self._now().replace(microsecond=0)

    def delete(self, record_id: RecordId) -> None:
        """Remove a row; raises KeyError for an unknown one."""
        del self._rows[record_id]

    @property
    def requests(self) -> Requests:
        return self._requests

    @property
    def chunk_rows(self) -> int:
        return self._chunk_rows

    async def changed(self, place: Place) -> Answer:
        self.questions.append(place)
        after = place.after - timedelta(seconds=1) if self._inclusive else place.after
        changed = sorted(
            (entry.updated_at, record_id)
            for record_id, entry in self._rows.items()
            if entry.paid and entry.updated_at is not None and entry.updated_at > after
        )
        found = [record_id for _, record_id in changed[place.skip :]]
        return self._answered(self._page(found))

    async def read(self, record_ids: Collection[RecordId]) -> Answer:
        self.questions.append(tuple(record_ids))
        found = [record_id for record_id in sorted(record_ids) if record_id in self._rows]
        answer = self._page(found)
        if not answer.last:
            self._chunk_rows = min(self._chunk_rows, answer.size)
        return self._answered(answer)

    def _page(self, found: list[RecordId]) -> Page:
        rows = tuple(
            Row(
                record_id=record_id,
                paid=self._rows[record_id].paid,
                updated_at=self._rows[record_id].updated_at,
                chat_id=self._rows[record_id].chat_id,
            )
            for record_id in found[: self._page_rows]
        )
        last = len(rows) == len(found)
        return Page(rows=rows, size=len(rows), last=last, server_time=self._now())

    def _answered(self, truth: Page) -> Answer:
        outcome = self.outcomes.popleft() if self.outcomes else None
        tally, answer = self._requests, truth if outcome is None else outcome
        tally.total += 1
        match answer:
            case Page():
                tally.ok += 1
            case Throttled():
                tally.throttled += 1
            case _:
                tally.failed += 1
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, TooLong):
            self._chunk_rows = max(1, self._chunk_rows // 2)
        return answer
