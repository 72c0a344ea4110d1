"""The world around a tracker under test: all that outlives a process, and one life of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import trio

from actors.kernel.charges import Payment, Rail
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import ChatId, EventId, OrderId, PaymentId, RecordId
from actors.kernel.ledger import KeyReused
from actors.operations import messages as operations
from actors.sessions.model import Session, State
from actors.tracker import messages as tracker
from actors.tracker.actor import PaymentTracker
from actors.tracker.model import Answer, Place, Watch
from actors.tracker.ports import OrderBook
from actors.tracker.settlement import Observation, OrderView
from adapters.memory.payments import MemoryPayments
from adapters.memory.sessions import MemorySessions
from adapters.memory.tracker import MemoryPaidRecords, MemoryWatches
from runtime import Actor, ActorRef, VirtualWorld
from runtime.testing import Probe, TestSystem, running

INTERVAL = 20.0
HOUR = 3_600.0


class Clerk(Actor[tracker.PaymentStatusChanged]):
    """All sessions in one: records that payments arrived."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self._shop = shop

    async def on_start(self) -> None:
        self.subscribe(tracker.PaymentStatusChanged)

    async def on_receive(self, message: tracker.PaymentStatusChanged) -> None:
        self._shop.told.append((message.record_id, self.monotonic()))
        assert (message.record_id, message.chat_id) in self._shop.waited
        self._shop.told_chats.append(message.chat_id)
        assert message.status is tracker.PaymentStatus.PAID
        if self._shop.deaf:
            self._shop.deaf -= 1
            return
        await self._shop.record(message.record_id, message.chat_id)


class FlakyWatches(MemoryWatches):
    """A store that is away for the next so many calls."""

    away = 0
    marks_away = 0
    """The same, for `mark_paid` only."""
    lose_answers = False
    """It is away only after it has done what it was asked for."""

    def _stumble(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("the database is away")

    async def waiting(self) -> tuple[Watch, ...]:
        self._stumble()
        return await super().waiting()

    async def mark_paid(self, watches: Collection[Watch]) -> None:
        if self.lose_answers:
            await super().mark_paid(watches)
        self._stumble()
        if self.marks_away > 0:
            self.marks_away -= 1
            raise Unavailable("the database is away")
        await super().mark_paid(watches)

    async def save_cursor(self, after: datetime) -> None:
        self._stumble()
        await super().save_cursor(after)


class FlakyPayments(MemoryPayments):
    """A store that is away for the next so many calls, or slow, or answers too late."""

    away = 0
    lost_answers = 0
    """So many records are kept, and nobody hears of it."""
    conflicts = 0
    """So many records are kept by somebody else a moment before."""
    latency_seconds = 0.0
    at_once_max = _under_way = 0
    """How many were being recorded at the same time, at most."""

    async def load(self, rail: Rail, payment_id: PaymentId) -> Payment | None:
        self._stumble()
        return await super().load(rail, payment_id)

    async def unrecorded(
        self, *, limit: int, after: tuple[Rail, PaymentId] | None = None
    ) -> tuple[Payment, ...]:
        self._stumble()
        return await super().unrecorded(limit=limit, after=after)

    async def record(
        self, seen: Observation, *, event_id: EventId | None, at: datetime
    ) -> KeyReused | None:
        self._stumble()
        self._under_way += 1
        self.at_once_max = max(self.at_once_max, self._under_way)
        try:
            await trio.sleep(self.latency_seconds)
        finally:
            self._under_way -= 1
        if self.conflicts > 0:
            self.conflicts -= 1
            await super().record(seen, event_id=event_id, at=at)
            raise Conflict("somebody was faster")
        recorded = await super().record(seen, event_id=event_id, at=at)
        if self.lost_answers > 0:
            self.lost_answers -= 1
            raise Unavailable("the answer got lost")
        return recorded

    def _stumble(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("the database is away")


class Orders(OrderBook):
    """Which order is whose."""

    def __init__(self) -> None:
        self.known: dict[OrderId, ChatId] = {}

    async def find(self, order_id: OrderId) -> OrderView | None:
        chat_id = self.known.get(order_id)
        return None if chat_id is None else OrderView(order_id=order_id, chat_id=chat_id)


class SlowRecords(MemoryPaidRecords):
    """A table that answers after a while, with what was true when it was asked."""

    latency_seconds = 0.0

    async def changed(self, place: Place) -> Answer:
        try:
            return await super().changed(place)
        finally:
            await trio.sleep(self.latency_seconds)

    async def read(self, record_ids: Collection[RecordId]) -> Answer:
        try:
            return await super().read(record_ids)
        finally:
            await trio.sleep(self.latency_seconds)


@dataclass
class Shop:
    """Everything that outlives a process: our stores, and the table of the operators."""

    world: VirtualWorld = field(default_factory=VirtualWorld)
    chunk_rows: int = 500
    page_rows: int = 1000
    inclusive: bool = False
    latency_seconds: float = 0.0
    server_skew_seconds: float = 0.0
    deaf: int = 0
    """So many events are heard and not recorded."""

    def __post_init__(self) -> None:
        self.sessions = MemorySessions()
        connection = self.sessions.connection
        self.watches = FlakyWatches(connection)
        self.payments, self.orders = FlakyPayments(connection), Orders()
        table = SlowRecords(
            now=lambda: self.world.now() + timedelta(seconds=self.server_skew_seconds),
            chunk_rows=self.chunk_rows,
            page_rows=self.page_rows,
            inclusive=self.inclusive,
        )
        table.latency_seconds = self.latency_seconds
        self.table: MemoryPaidRecords = table
        self.told: list[tuple[RecordId, float]] = []
        self.told_chats: list[int] = []
        self.waited: set[tuple[int, int]] = set()
        self.reports = Probe()

    async def wait(self, record_id: int, chat_id: int | None = None) -> None:
        """A chat, ten times its record unless said otherwise, has its row and waits."""
        chat_id = chat_id or record_id * 10
        self.table.insert(RecordId(record_id), ChatId(chat_id))
        self.waited.add((record_id, chat_id))
        await self._save(record_id, chat_id, State.AWAITING_PAYMENT)

    async def cancel(self, record_id: int) -> None:
        """The user has cancelled, and his session has saved it."""
        await self._save(record_id, record_id * 10, State.CANCELLED)

    async def resume(self, record_id: int) -> None:
        """He has changed his mind."""
        await self._save(record_id, record_id * 10, State.AWAITING_PAYMENT)

    async def record(self, record_id: int, chat_id: int | None = None) -> None:
        """The session has recorded the payment."""
        await self._save(record_id, chat_id or record_id * 10, State.SUCCESS)

    async def _save(self, record_id: int, chat_id: int, state: State) -> None:
        await self.sessions.save(
            Session(chat_id=ChatId(chat_id), state=state, record_id=RecordId(record_id))
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[TestSystem, ActorRef[PaymentTracker]]]:
        """One life of the process."""
        async with running(world=self.world) as system:
            system.events.subscribe(operations.Reported, self.reports)
            system.spawn(lambda: Clerk(self), name="clerk")
            await system.settle()
            ref = system.spawn(
                lambda: PaymentTracker(
                    store=self.watches,
                    records=self.table,
                    payments=self.payments,
                    orders=self.orders,
                    live=True,
                    interval_seconds=INTERVAL,
                ),
                name="tracker",
            )
            yield system, ref

    async def register(self, ref: ActorRef[PaymentTracker], record_id: int) -> None:
        await self.wait(record_id)
        ref.tell(tracker.Track(record_id=RecordId(record_id), chat_id=ChatId(record_id * 10)))

    @property
    def told_ids(self) -> list[int]:
        return [record_id for record_id, _ in self.told]

    @property
    def report(self) -> operations.Reported:
        newest: operations.Reported = self.reports.told[-1]
        return newest

    def figure(self, name: str) -> float:
        return next(each.value for each in self.report.measurements if each.name == name)
