"""A relay, a courier and what they talk to, in virtual time and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import trio

from actors.broadcast import messages as broadcast
from actors.debounce.messages import Collect, Passed
from actors.debounce.ports import Batch
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, MessageId, OrderId, UpdateId
from actors.kernel.language import Language
from actors.operations.messages import Reported
from actors.payments.orders import State
from actors.relay import messages as relay
from actors.relay.actor import Relay
from actors.relay.courier import Courier
from actors.relay.model import Accepted, Event, Failed, Outcome
from actors.relay.ports import PAYMENTS_MAX
from actors.sessions.model import Session
from adapters.memory.database import MemoryDatabase
from adapters.memory.debounce import MemoryBatches
from adapters.memory.notes import MemoryNotes
from adapters.memory.orders import MemoryOrders
from adapters.memory.relay import MemoryDestination, MemoryOutbox
from adapters.memory.sessions import MemorySessions
from adapters.memory.tables import Tables
from runtime import ActorRef, VirtualWorld
from runtime.testing import Probe, TestSystem, running
from tests.actors.payments.orders import ORDER

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANNA, BOB = ChatId(1), ChatId(2)
ADMIN = ChatId(-100)


class Webhook(MemoryDestination):
    """A destination that takes its time, and says when each payload came."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.2
        self.times: list[float] = []
        self.under_way: dict[int, int] = {}
        self.most_of_one = self.most = 0
        self.lost = 0
        """So many of the next answers get lost."""

    async def send(self, event_id: UUID, body: bytes) -> Outcome:
        self.times.append(trio.current_time())
        outcome = await super().send(event_id, body)
        user = self.received[-1]["user_id"]
        self.under_way[user] = self.under_way.get(user, 0) + 1
        self.most_of_one = max(self.most_of_one, self.under_way[user])
        self.most = max(self.most, sum(self.under_way.values()))
        try:
            await trio.sleep(self.seconds)
        finally:
            self.under_way[user] -= 1
        if self.lost:
            self.lost -= 1
            raise Unavailable("did not answer")
        return outcome

    def ids(self, user_id: int | None = None) -> list[str]:
        """Ids of events in the order of their arrival."""
        return [told["event_id"] for told in self.received if user_id in (None, told["user_id"])]


class Store(MemoryOutbox):
    """An outbox that can be away."""

    away = False
    breaks: UUID | None = None
    payments_max = PAYMENTS_MAX

    async def note_payments(self, *, limit: int = PAYMENTS_MAX) -> bool:
        return await super().note_payments(limit=min(limit, self.payments_max))

    async def read(self, event_id: UUID) -> Event | None:
        if self.away:
            raise Unavailable("the store is away")
        if event_id == self.breaks:
            raise RuntimeError("a bug")
        return await super().read(event_id)


class Post:
    """What outlives the process, and one process at a time."""

    def __init__(self) -> None:
        self.connection = MemoryDatabase(now=lambda: self.clock).connect()
        self.outbox, self.notes = Store(self.connection), MemoryNotes(self.connection)
        self.batches, self.sessions = (
            MemoryBatches(self.connection),
            MemorySessions(self.connection),
        )
        self.orders = MemoryOrders(self.connection)
        self.webhook = Webhook()
        self.dispatcher: Probe = Probe()
        self.reports: Probe = Probe()
        self.answered: Probe = Probe()
        self.parked: Probe = Probe()
        self.clock = NOON
        self.numbers = 0
        self.system: TestSystem
        self.relay: ActorRef[Any]
        self.courier: ActorRef[Any]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TestSystem]:
        self.dispatcher, self.reports = Probe(), Probe()
        async with running(world=VirtualWorld(epoch=self.clock)) as self.system:
            self.system.events.subscribe(Reported, self.reports)
            self.system.events.subscribe(relay.Answered, self.answered)
            self.system.events.subscribe(relay.EventParked, self.parked)
            self.courier = self.system.spawn(self._courier, name="courier")
            self.relay = self.system.spawn(self._relay, name="relay")
            await self.system.settle()
            yield self.system
            self.clock = self.system.world.now()

    def _relay(self) -> Relay:
        return Relay(
            outbox=self.outbox,
            destination=self.webhook,
            courier=self.courier,
            dispatcher=self.dispatcher,
            admin_chat_id=ADMIN,
        )

    def _courier(self) -> Courier:
        return Courier(notes=self.notes, dispatcher=self.dispatcher)

    async def put(self, chat_id: ChatId = ANNA, text: str = "Hi", *, tell: bool = True) -> str:
        """A batch of one message is closed; the id of its event."""
        self.numbers += 1
        number = UpdateId(self.numbers)
        passed = Passed(update_id=number, message_id=MessageId(number), kind="text", text=text)
        now = self.clock
        told = Collect(chat_id=chat_id, received_at=now, language=Language.EN, passed=passed)
        await self.sessions.save(Session(chat_id=chat_id), passed=told)
        event_id = UUID(int=self.numbers)
        await self.batches.close([Batch(event_id, chat_id, (number,), ())], at=now)
        if tell:
            self.relay.tell(relay.Look())
        return str(event_id)

    async def sell(self, order_id: str = "a" * 32) -> None:
        """Somebody has paid."""
        paid = replace(
            ORDER,
            order_id=OrderId(order_id),
            state=State.PAID,
            checkout_id="cs",
            url="https://pay.example",
            sold=ORDER.price,
            paid_at=self.system.world.now(),
        )
        await self.orders.save(paid)

    async def rest(self, seconds: float) -> None:
        await trio.sleep(seconds)
        await self.system.settle()

    def says(self) -> list[broadcast.Say]:
        return [letter for letter in self.dispatcher.told if isinstance(letter, broadcast.Say)]

    def deliver(self, say: broadcast.Say) -> None:
        """Telegram has taken it."""
        assert say.notify is not None
        say.notify.tell(
            broadcast.Delivered(
                letter_id=say.letter_id, chat_id=say.chat_id, message_id=MessageId(77)
            )
        )

    def report(self, component: str = "relay.destination") -> Reported:
        told: list[Reported] = [r for r in self.reports.told if r.component == component]
        return told[-1]

    def figure(self, name: str, component: str = "relay.destination") -> float:
        return next(m.value for m in self.report(component).measurements if m.name == name)

    @property
    def tables(self) -> Tables:
        return self.connection.tables

    def states(self) -> list[str]:
        return [row.state.value for row in self.tables.relay.events.values()]


def answering(text: str) -> Callable[[dict[str, Any]], Outcome]:
    """A scenario with a webhook response."""
    return lambda _: Accepted(texts=(text,))


def down(_: dict[str, Any]) -> Outcome:
    """A server that is broken."""
    return Failed("HTTP 503")
