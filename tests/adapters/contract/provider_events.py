"""Provider events in the contract suites of their inbox: how they are made, kept and looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from actors.ingress.model import Added, Arrival, Event, EventState, SourceName
from actors.ingress.ports import Events
from actors.kernel.ids import EventId
from adapters.memory.ingress import MemoryEvents
from adapters.postgres.ingress import PostgresEvents, processed

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
HOUR = timedelta(hours=1)
STRIPE, YOOKASSA = SourceName.STRIPE, SourceName.YOOKASSA
NOBODY = EventId(999_999)
ROOM = dict.fromkeys(SourceName, 999)
"""For everything."""

Add = Callable[..., Awaitable[EventId]]
Mark = Callable[[EventId], Awaitable[None]]


def event(key: str, subject: str = "", source: SourceName = STRIPE, **other: Any) -> Event:
    return Event(
        source=source,
        key=key,
        kind=other.get("kind", "payment_intent.succeeded"),
        subject=subject,
        body=other.get("body", b"{}"),
        headers=other.get("headers", {}),
        at=other.get("at"),
    )


async def due(
    events: Events,
    *,
    now: datetime = NOON,
    without: tuple[int, ...] = (),
    room: Mapping[SourceName, int] = ROOM,
) -> list[str]:
    found = await events.due(now=now, without=[EventId(i) for i in without], room=room)
    return [stored.event.key for stored in found]


async def state_of(events: Events, event_id: EventId) -> tuple[EventState, str, datetime | None]:
    found = await events.find(event_id)
    assert found is not None
    return found.summary.state, found.summary.outcome, found.summary.settled_at


async def delivered(events: Events, told: Event, number: int, at: datetime = NOON) -> Added:
    """What becomes of one delivery that comes alone."""
    (added,) = await events.add([Arrival(event=told, delivery_id=UUID(int=number), at=at)])
    return added


def adding(events: Events) -> Add:
    """Deliver an event; each call is a delivery of its own."""
    numbers = count(1_000)

    async def add(told: Event, *, at: datetime = NOON) -> EventId:
        return (await delivered(events, told, next(numbers), at)).event_id

    return add


def marking(events: Events) -> Mark:
    """What the transaction does that also has the effect."""

    async def mark(event_id: EventId) -> None:
        if isinstance(events, PostgresEvents):
            await events._database.write(processed(event_id, NOON))
        else:
            assert isinstance(events, MemoryEvents)
            await events.connection.write(
                lambda tables: tables.mark_event_processed(event_id, NOON)
            )

    return mark
