"""The whole tree in virtual time, in memory: what outlives a process, and its lives.

```
shop = MemoryShop(seed=0)                  # a database, a Telegram, a record table
async with shop.process():                 # one life of the process; several may follow
    await Phone(shop, 1).register_and_pay()
```
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import trio

from actors.broadcast.messages import Edit, Letter, Say
from actors.broadcast.model import Outcome, Sent
from actors.broadcast.tokens import Limits
from actors.gateway.ports import Menu, Webhook
from actors.ingress.model import SourceName
from actors.ingress.ports import Source
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, RecordId
from actors.kernel.language import Language, Phrase
from actors.payments.catalogue import Catalogue
from actors.payments.orders import Order
from actors.payments.ports import PreCheckoutAnswers, Till
from actors.sessions.model import Registration
from adapters.memory.broadcast import MemoryMessenger
from adapters.memory.database import Line, MemoryDatabase
from adapters.memory.gateway import MemoryUpdates
from adapters.memory.sessions import MemoryRecords
from adapters.memory.tracker import MemoryPaidRecords
from config.relay import RelayParts
from config.store import MemoryStore
from config.topology import topology, wire_events
from runtime import Actor, VirtualWorld
from runtime.testing import TestSystem

EPOCH = datetime(2026, 11, 21, 12, tzinfo=UTC)
INTERVAL_SECONDS = 20.0
LATENCY_SECONDS = 0.05
DATABASE_SECONDS = 0.004
STOP_SECONDS = 10.0


class Idle(Actor[Any]):
    """In the place of the HTTP port, and of the inspector of a table that has every column."""

    def on_receive(self, message: object) -> None:
        """Nobody talks to it."""


class Silent(PreCheckoutAnswers):
    """Nobody pays here."""

    async def answer(self, query_id: str, *, ok: bool, error: str) -> None:
        raise AssertionError("nobody has asked")


class Slate(Menu):
    """Takes whatever is put on it."""

    def __init__(self) -> None:
        self.commands: Mapping[str, Phrase] = {}

    async def show(self, commands: Mapping[str, Phrase]) -> str:
        self.commands = commands
        return ""


class Telegram(MemoryMessenger):
    """Chats in memory that say when they change."""

    def __init__(self) -> None:
        super().__init__(clock=trio.current_time, pause=trio.sleep, latency_seconds=LATENCY_SECONDS)
        self._changed: dict[ChatId, trio.Event] = {}

    async def deliver(self, letter: Letter) -> Outcome:
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


class DatabaseLine(Line):
    """The way to the database takes its time."""

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck

    async def sent(self) -> None:
        await trio.sleep(self._luck.uniform(0, DATABASE_SECONDS))

    async def acknowledged(self) -> None:
        await trio.sleep(self._luck.uniform(0, DATABASE_SECONDS))


class Table(MemoryRecords):
    """The record table, which sessions write, operators tick and the tracker asks."""

    def __init__(self) -> None:
        super().__init__()
        self.paid = MemoryPaidRecords(now=now)

    async def create(self, registration: Registration) -> RecordId:
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
    live = False
    admin_chat_id: ChatId | None = ChatId(1)
    admin_language = Language.EN
    time_zone = UTC
    webhook: Webhook | None = None
    limits = Limits()
    relay: RelayParts | None = None

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.updates, self.messenger, self.records = MemoryUpdates(), Telegram(), Table()
        self.database = MemoryDatabase(now=now)
        self.line = DatabaseLine(random.Random(f"database:{seed}"))
        self.store = MemoryStore(self.database.connect())
        self.paid_records = self.records.paid
        self.sources: dict[SourceName, Source] = {}
        self.tills: dict[Rail, Till] = {}
        self.catalogue = Catalogue(products=(), rails={})
        self.pre_checkout_answers, self.menu = Silent(), Slate()
        self.lives = 0
        self.system: TestSystem

    def http_server(self) -> Actor[Any]:
        return Idle()

    def inspector(self) -> Actor[Any]:
        return Idle()

    def success_url(self, order: Order) -> str:
        return "https://t.me"

    @asynccontextmanager
    async def process(self) -> AsyncIterator[TestSystem]:
        """One life, which drains at its end."""
        self.lives += 1
        self.store = MemoryStore(self.database.connect(self.line))
        world = VirtualWorld(seed=self.seed * 1_000 + self.lives, epoch=now())
        self.system = TestSystem(topology(self), world, stop_seconds=STOP_SECONDS)
        wire_events(self.system)
        async with self.system:
            yield self.system
        self.system.check_fates()


def now() -> datetime:
    """The wall clock of this world."""
    return EPOCH + timedelta(seconds=trio.current_time())
