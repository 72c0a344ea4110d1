"""The whole tree in virtual time, on stores in memory: what outlives a process, and its lives.

```
async with memory_shop() as shop:          # stores, a Telegram, a record table
    async with shop.process():             # one life of the process; several may follow
        await shop.phone(1).register_and_pay()
```
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import trio

from actors.broadcast.messages import Edit, Letter, Say
from actors.broadcast.model import Outcome, Sent
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import Registration
from adapters.memory.broadcast import MemoryMessenger
from adapters.memory.gateway import MemoryInbox, MemoryUpdates
from adapters.memory.sessions import MemoryRecords, MemorySessions
from adapters.memory.tracker import MemoryPaidRecords, MemoryWatches
from config.topology import topology, wire_events
from runtime import Actor, ChildSpec, VirtualWorld
from runtime.testing import TestSystem

EPOCH = datetime(2026, 11, 21, 12, tzinfo=UTC)
INTERVAL_SECONDS = 20.0
LATENCY_SECONDS = 0.05
STOP_SECONDS = 10.0


class Idle(Actor[Any]):
    """In the place of the HTTP port, and of the inspector of a table that has every column."""

    def on_receive(self, message: object) -> None:
        """Nobody talks to it."""


class Telegram(MemoryMessenger):
    """Chats in memory that say when they change, and may be away."""

    def __init__(self) -> None:
        super().__init__(clock=trio.current_time, pause=trio.sleep, latency_seconds=LATENCY_SECONDS)
        self.away = False
        self._changed: dict[ChatId, trio.Event] = {}

    async def deliver(self, letter: Letter) -> Outcome:
        if self.away:
            raise Unavailable("Telegram is away")
        outcome = await super().deliver(letter)
        self._changed.pop(letter.chat_id, trio.Event()).set()
        return outcome

    async def changes(self, chat_id: ChatId) -> None:
        """Wait for the next request of a chat."""
        await self._changed.setdefault(chat_id, trio.Event()).wait()

    def told(self, chat_id: ChatId, text: str) -> int:
        """How often a chat was shown this text, by a new message or by an edit."""
        return sum(
            one.letter.chat_id == chat_id and isinstance(one.outcome, Sent) and text in shown
            for one in self.received
            if isinstance(one.letter, Say | Edit) and (shown := one.letter.text)
        )


class Table(MemoryRecords):
    """The record table, which sessions write, operators tick and the tracker asks."""

    def __init__(self) -> None:
        super().__init__()
        self.paid = MemoryPaidRecords(now=now)
        self.away = False

    async def create(self, registration: Registration) -> RecordId:
        if self.away:
            raise Unavailable("NocoDB is away")
        known = set(self.rows)
        record_id = await super().create(registration)
        if record_id not in known:
            self.paid.insert(record_id, registration.chat_id)
        return record_id

    def tick(self, chat_id: ChatId) -> None:
        """An operator ticks the box of this user."""
        (record_id,) = [i for i, row in self.rows.items() if row.chat_id == chat_id]
        self.paid.tick(record_id)


class MemoryShop:
    """Everything that outlives a process, as `config.topology.Parts`."""

    interval_seconds = INTERVAL_SECONDS

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.updates, self.messenger, self.records = MemoryUpdates(), Telegram(), Table()
        self.inbox = MemoryInbox()
        self.sessions_store = MemorySessions(inbox=self.inbox)
        self.watches = MemoryWatches(sessions=self.sessions_store)
        self.paid_records = self.records.paid
        self.lives = 0
        self.system: TestSystem

    def http_server(self) -> Actor[Any]:
        return Idle()

    def inspector(self) -> Actor[Any]:
        return Idle()

    def store_children(self) -> tuple[ChildSpec, ...]:
        return ()

    @asynccontextmanager
    async def process(self) -> AsyncIterator[TestSystem]:
        """One life; cancelled from outside it is a kill -9, left in order it drains."""
        self.lives += 1
        world = VirtualWorld(seed=self.seed * 1_000 + self.lives, epoch=now())
        self.system = TestSystem(topology(self), world, STOP_SECONDS)
        wire_events(self.system)
        async with self.system:
            yield self.system
        fates = self.system.fates()
        assert (fates.lost, fates.queued) == (0, 0), fates

    async def dies_after(self, seconds: float) -> None:
        """One life that ends without a warning."""
        with trio.move_on_after(seconds):
            async with self.process():
                await trio.sleep_forever()


def now() -> datetime:
    """The wall clock of this world."""
    return EPOCH + timedelta(seconds=trio.current_time())
