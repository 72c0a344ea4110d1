"""The relay's outbox in memory, and a destination that lives in a list."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from actors.debounce.model import flat
from actors.payments.orders import Order
from actors.relay.messages import EventState, EventType
from actors.relay.model import Accepted, Counts, Event, Outcome, Paid, Pause, Pending, Summary
from actors.relay.ports import PAYMENTS_MAX, Destination, Outbox
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.relay_tables import EventRow, NoteRow
from adapters.memory.tables import Tables, check_texts


class MemoryOutbox(Outbox):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def open(self, *, at: datetime) -> Pause | None:
        def open_(tables: Tables) -> Pause | None:
            tables.relay.opened_at = tables.relay.opened_at or at
            return tables.relay.pause

        return await self.connection.write(open_)

    async def pending(self, *, after: int, limit: int) -> tuple[Pending, ...]:
        def pending(tables: Tables) -> tuple[Pending, ...]:
            rows = (row for row in tables.relay.pending.values() if row.place > after)
            return tuple(
                Pending(row.place, row.event_id, row.chat_id, row.created_at)
                for row in sorted(rows, key=lambda row: row.place)[:limit]
            )

        return await self.connection.write(pending)

    async def read(self, event_id: UUID) -> Event | None:
        def read(tables: Tables) -> Event | None:
            row = tables.relay.pending.get(event_id)
            return None if row is None else _event(tables, row)

        return await self.connection.read(read)

    async def deliver(
        self, event_id: UUID, *, texts: tuple[str, ...], detail: str = "", at: datetime
    ) -> None:
        def deliver(tables: Tables) -> None:
            check_texts(texts)
            row = tables.relay.events.get(event_id)
            if row is None or row.state is EventState.DELIVERED:
                return
            for part, text in enumerate(texts):
                tables.relay.put_note(
                    NoteRow(
                        place=tables.relay.place(),
                        note_id=uuid5(event_id, str(part)),
                        key=f"event:{event_id}:{part}",
                        chat_id=row.chat_id,
                        text=text,
                        created_at=at,
                    )
                )
            tables.relay.settle_event(event_id, EventState.DELIVERED, detail, at)

        await self.connection.write(deliver)

    async def park(self, event_id: UUID, *, detail: str, at: datetime) -> None:
        def park(tables: Tables) -> None:
            if event_id in tables.relay.pending:
                tables.relay.settle_event(event_id, EventState.PARKED, detail, at)

        await self.connection.write(park)

    async def replay(self, event_id: UUID | None) -> int:
        def replay(tables: Tables) -> int:
            parked = [
                row
                for row in tables.relay.events.values()
                if row.state is EventState.PARKED and event_id in (None, row.event_id)
            ]
            for row in sorted(parked, key=lambda row: row.place):
                row.state, row.settled_at = EventState.PENDING, None
                row.place = tables.relay.place()
                tables.relay.put_event(row)
            return len(parked)

        return await self.connection.write(replay)

    async def note_payments(self, *, limit: int = PAYMENTS_MAX) -> bool:
        return await self.connection.write(lambda tables: _note_payments(tables, limit))

    async def pause(self, pause: Pause | None) -> None:
        def remember(tables: Tables) -> None:
            tables.relay.pause = pause

        await self.connection.write(remember)

    async def counts(self) -> Counts:
        def counts(tables: Tables) -> Counts:
            rows = tables.relay.events.values()
            return Counts(
                pending=len(tables.relay.pending),
                parked=sum(row.state is EventState.PARKED for row in rows),
                pending_since=min(
                    (row.created_at for row in tables.relay.pending.values()), default=None
                ),
            )

        return await self.connection.read(counts)

    async def listing(
        self, state: EventState | None, *, before: int | None, limit: int
    ) -> tuple[Summary, ...]:
        def listing(tables: Tables) -> tuple[Summary, ...]:
            rows = [
                row
                for row in tables.relay.events.values()
                if state in (None, row.state) and (before is None or row.place < before)
            ]
            rows.sort(key=lambda row: row.place, reverse=True)
            return tuple(map(_summary, rows[:limit]))

        return await self.connection.read(listing)

    async def prune(self, *, before: datetime, limit: int) -> int:
        def prune(tables: Tables) -> int:
            relay = tables.relay
            old = [
                row.event_id
                for row in relay.events.values()
                if row.state is EventState.DELIVERED
                and row.settled_at is not None
                and max(row.settled_at, row.created_at) < before
            ][:limit]
            for event_id in old:
                del relay.events[event_id]
            gone = set(old)
            for member in [k for k, row in relay.messages.items() if row.event_id in gone]:
                del relay.messages[member]
            settled = [
                key
                for key, note in relay.notes.items()
                if note.settled_at is not None and note.settled_at < before
            ][:limit]
            for key in settled:
                del relay.notes[key]
            return len(old)

        return await self.connection.write(prune)


class MemoryDestination(Destination):
    """A webhook in a list. What it answers can be scripted, or made up by `answer`."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        """Every payload, those that were refused included."""
        self.script: deque[Outcome | Exception] = deque()
        """What the next requests are answered."""
        self.answer: Callable[[dict[str, Any]], Outcome] = lambda _: Accepted(later=True)

    async def send(self, event_id: UUID, body: bytes) -> Outcome:
        del event_id  # the payload has it
        told: dict[str, Any] = json.loads(body)
        self.received.append(told)
        outcome = self.script.popleft() if self.script else self.answer(told)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _note_payments(tables: Tables, limit: int) -> bool:
    relay, found = tables.relay, list[tuple[datetime, Order]]()
    for kept in tables.orders.values():
        order = kept.order
        if order.sold is None or order.paid_at is None or order.order_id in relay.relayed:
            continue
        if relay.opened_at is not None and order.paid_at >= relay.opened_at:
            found.append((order.paid_at, order))
    found.sort(key=lambda each: each[0])
    for paid_at, order in found[:limit]:
        relay.relayed.add(order.order_id)
        digest = hashlib.md5(f"payment:{order.order_id}".encode(), usedforsecurity=False)
        relay.put_event(
            EventRow(
                place=relay.place(),
                event_id=UUID(digest.hexdigest()),
                event_type=EventType.PAYMENT,
                chat_id=order.chat_id,
                created_at=paid_at,
                order_id=order.order_id,
            )
        )
    return len(found) > limit


def _event(tables: Tables, row: EventRow) -> Event:
    return Event(
        event_id=row.event_id,
        event_type=row.event_type,
        chat_id=row.chat_id,
        created_at=row.created_at,
        messages=tuple(flat(member.passed) for member in row.members if not member.flooded),
        dropped=sum(member.flooded for member in row.members),
        paid=None if row.order_id is None else _paid(tables, tables.orders[row.order_id].order),
    )


def _paid(tables: Tables, order: Order) -> Paid:
    assert order.paid_at is not None  # noqa: S101 - `_note_payments` has seen it
    session = tables.sessions.get(order.chat_id)
    return Paid(
        order_id=order.order_id,
        product_id=order.product_id,
        title=order.title,
        price=order.price,
        rail=order.rail,
        live=order.live,
        paid_at=order.paid_at,
        name=session.name if session else None,
        phone=session.contact if session else None,
    )


def _summary(row: EventRow) -> Summary:
    return Summary(
        place=row.place,
        event_id=row.event_id,
        event_type=row.event_type,
        chat_id=row.chat_id,
        state=row.state.value,
        detail=row.detail,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )
