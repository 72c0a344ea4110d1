"""What the ingress needs from the outside: providers that prove and explain their events, and an
inbox to keep them in.

How an event travels:

```
Source.verify --> Events.add --> Source.interpret --> its effect --> processed
                                       |                              ignored
                                       +-- Unavailable: postponed,    parked
                                           at last
```

What a payment event means is done by the payment tracker, which marks the event processed in the
transaction of that effect; so whoever is told twice does it once, and nothing is done and
forgotten. Only what has no effect of its own is settled here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from actors.ingress.model import (
    Action,
    Added,
    Arrival,
    Backlog,
    Chosen,
    Delivery,
    Event,
    Fact,
    Found,
    Rejected,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
    Summary,
)
from actors.kernel.ids import EventId


class Source(Protocol):
    """One provider: how its deliveries prove themselves, and what they mean."""

    @property
    def name(self) -> SourceName: ...

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:
        """Whether the exact bytes are the provider's own, in constant time; never raises.

        Accepts any of several secrets. Strict: duplicate keys, NaN, depth, size.
        """
        ...

    async def interpret(self, stored: StoredEvent) -> Fact:
        """What the event means. Where the provider signs nothing, the object is read again
        from its API, and only that answer counts. Raises `Unavailable` (try again later).
        """
        ...


class Events(Protocol):
    """The inbox of verified events, so that none is lost and none is done twice.

    Every method is one transaction, may be repeated after an outcome that is not known, and
    raises only `Unavailable`, and `ValueError` for texts that hold NUL or half a character.
    """

    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        """Keep each event, unless its source has one of its key already: all of them or none,
        in this order. What became of each, in the same order; the second of a key is a duplicate
        also of one that came with it.

        Told again under the same `delivery_id`, it says the same again. Raises `Conflict` when
        somebody else is storing one of them at this moment.
        """
        ...

    async def due(
        self, *, now: datetime, without: Collection[EventId], room: Mapping[SourceName, int]
    ) -> tuple[StoredEvent, ...]:
        """Pending events whose time has come, in the order of arrival, without `without`: of each
        source the first ones that there is `room` for, of one that has none there nothing.

        Of the events on one subject only the oldest pending one, whether it is due or not: the
        others wait for it. Events on nothing ("") wait for nobody.
        """
        ...

    async def next_due(self, *, after: datetime) -> datetime | None:
        """When the first pending event comes due that is not due at `after`; None: none does."""
        ...

    async def processed(self, event_id: EventId, *, at: datetime) -> None:
        """What the event means is done, also if it was put aside meanwhile.

        For effects that need no transaction with this; those that do have the same as a part of
        their own (`adapters/postgres/ingress.py`).
        """
        ...

    async def ignored(self, reasons: Mapping[EventId, str], *, at: datetime) -> None:
        """There is nothing to do for these pending events, each with its reason."""
        ...

    async def postponed(
        self, event_id: EventId, why: str, *, attempts: int, due_at: datetime
    ) -> None:
        """A pending event failed for the `attempts`-th time and is due again at `due_at`."""
        ...

    async def parked(self, event_id: EventId, why: str, *, at: datetime) -> bool:
        """Put a pending event aside. False when it is not parked for this reason now."""
        ...

    async def subscribed(self, event_id: EventId, seen: SubscriptionSeen, *, at: datetime) -> None:
        """Keep how a subscription stands, unless newer is known, and the event is processed."""
        ...

    async def subscription(
        self, source: SourceName, subscription_id: str
    ) -> SubscriptionSeen | None:
        """How a subscription stands; None when nobody told."""
        ...

    async def find(self, event_id: EventId) -> Found | None:
        """One event, whatever its state; None when it is unknown or forgotten."""
        ...

    async def listing(
        self, chosen: Chosen, *, limit: int, before: EventId | None = None
    ) -> tuple[Summary, ...]:
        """The newest of the chosen events, newest first; `before` turns the page."""
        ...

    async def replayed(self, action: Action) -> bool:
        """An operator wants an event tried again, now and from the first attempt on, whatever
        its state; False when there is none.
        """
        ...

    async def put_aside(self, action: Action) -> bool:
        """An operator parks a pending event; False when it is not pending, and nothing is noted."""
        ...

    async def backlog(self) -> Backlog:
        """How much is pending and parked."""
        ...

    async def prune(self, source: SourceName, *, settled_before: datetime, limit: int) -> int:
        """Forget what was processed or ignored before that, at most `limit` events; says how
        many. What is pending or parked is never forgotten; what operators did stays written.
        """
        ...
