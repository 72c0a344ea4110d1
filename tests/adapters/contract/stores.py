"""The stores together, as one process has them: on memory, or on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from uuid import uuid4

import pytest
import trio

from actors.debounce.ports import Batches
from actors.gateway.model import Entry
from actors.gateway.ports import Inbox
from actors.ingress.ports import Events
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.payments.ports import Books, Notices, Orders, Refunds
from actors.relay.ports import Notes, Outbox
from actors.sessions.model import Session, State
from actors.sessions.ports import Sessions
from actors.tracker.ports import OrderBook, Payments, Watches
from adapters.memory.database import Line, MemoryConnection, MemoryDatabase
from adapters.memory.debounce import MemoryBatches
from adapters.memory.gateway import MemoryInbox
from adapters.memory.ingress import MemoryEvents
from adapters.memory.notes import MemoryNotes
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryNotices, MemoryPayments
from adapters.memory.refunds import MemoryRefunds
from adapters.memory.relay import MemoryOutbox
from adapters.memory.sessions import MemorySessions
from adapters.memory.tables import Tables
from adapters.memory.tracker import MemoryWatches
from adapters.postgres.database import Database
from adapters.postgres.debounce import PostgresBatches
from adapters.postgres.gateway import PostgresInbox
from adapters.postgres.ingress import PostgresEvents
from adapters.postgres.notes import PostgresNotes
from adapters.postgres.orders import PostgresOrders
from adapters.postgres.payments import PostgresNotices, PostgresPayments
from adapters.postgres.refunds import PostgresRefunds
from adapters.postgres.relay import PostgresOutbox
from adapters.postgres.sessions import PostgresSessions
from adapters.postgres.tracker import PostgresWatches

T = TypeVar("T")

KINDS = (
    "memory",
    "memory over a line",
    pytest.param("postgres", marks=pytest.mark.postgres),  # `stores_of` asks for its database later
)
LATENCY_SECONDS = 0.0005
RECEIVED_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class PaymentsAndBooks(Payments, Books, Protocol):
    """One store, two ports: whoever books, and whoever looks."""


class OrdersAndBook(Orders, OrderBook, Protocol):
    """The same of orders."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that is durable."""

    inbox: Inbox
    sessions: Sessions
    watches: Watches
    events: Events
    payments: PaymentsAndBooks
    notices: Notices
    orders: OrdersAndBook
    refunds: Refunds = field(kw_only=True)
    batches: Batches
    outbox: Outbox
    notes: Notes

    async def receive(
        self,
        *update_ids: int,
        chat_id: int = 7,
        body: str = "{}",
        parked_reason: str | None = None,
        at: datetime = RECEIVED_AT,
    ) -> None:
        """These updates came, in a batch of their own."""
        entries = [
            Entry(UpdateId(number), body, chat_id=ChatId(chat_id), parked_reason=parked_reason)
            for number in update_ids
        ]
        await self.inbox.add(entries, batch_id=uuid4(), at=at)

    async def unhandled(self) -> list[int]:
        """Which updates nobody has handled, in their order."""
        return [update.update_id for update in await self.inbox.unhandled()]

    async def move(self, record_id: int, state: State) -> None:
        """The session that has this record is now in `state`."""
        await self.sessions.save(
            Session(chat_id=ChatId(-record_id), state=state, record_id=RecordId(record_id))
        )

    async def known(self) -> dict[int, bool]:
        """Who waits, and whether his payment is known."""
        return {watch.record_id: watch.paid for watch in await self.watches.waiting()}


class _SlowLine(Line):
    async def sent(self) -> None:
        await trio.sleep(LATENCY_SECONDS)

    async def acknowledged(self) -> None:
        await trio.sleep(LATENCY_SECONDS)


class _Served(MemoryConnection):
    """Its writer is a task beside the test."""

    _is_served = False

    async def write(self, operation: Callable[[Tables], T]) -> T:
        if not self._is_served:
            self._is_served = True
            trio.lowlevel.spawn_system_task(self.serve)
        return await super().write(operation)


def stores_of(request: pytest.FixtureRequest) -> Stores:
    """For a fixture whose `params` are `KINDS`."""
    if request.param == "postgres":
        database: Database = request.getfixturevalue("database")
        return Stores(
            PostgresInbox(database),
            PostgresSessions(database),
            PostgresWatches(database),
            PostgresEvents(database),
            PostgresPayments(database),
            PostgresNotices(database),
            PostgresOrders(database),
            PostgresBatches(database),
            PostgresOutbox(database),
            PostgresNotes(database),
            refunds=PostgresRefunds(database),
        )
    disk = MemoryDatabase()
    connection = disk.connect() if request.param == "memory" else _Served(disk.tables, _SlowLine())
    return Stores(
        MemoryInbox(connection),
        MemorySessions(connection),
        MemoryWatches(connection),
        MemoryEvents(connection),
        MemoryPayments(connection),
        MemoryNotices(connection),
        MemoryOrders(connection),
        MemoryBatches(connection),
        MemoryOutbox(connection),
        MemoryNotes(connection),
        refunds=MemoryRefunds(connection),
    )
