"""A provider whose every answer is in the test's hand, and the inbox its events go to."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import trio

from actors.ingress.model import (
    Added,
    Arrival,
    Delivery,
    Event,
    EventState,
    Fact,
    Nothing,
    PaymentSeen,
    Rejected,
    SourceName,
    StoredEvent,
)
from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId, PaymentId
from actors.kernel.money import Money
from adapters.memory.ingress import MemoryEvents

SECRET = "whsec_canary_secret"


class Provider:
    """Believes whoever sends its secret in the header `signature`; a body is `key kind subject`.

    `facts` says what an event of a kind means: a fact, an error to raise, or a function of the
    stored event that is awaited.
    """

    def __init__(self, name: SourceName = SourceName.STRIPE) -> None:
        self.name = name
        self.facts: dict[str, Fact | Exception | Callable[[StoredEvent], Awaitable[Fact]]] = {}
        self.asked: list[str] = []
        """The keys of the events that were interpreted, in order."""

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:
        if delivery.headers.get("signature") != SECRET:
            return Rejected(reason="signature", detail="the signature is not ours")
        words = delivery.body.decode("utf-8", "replace").split(" ")
        if len(words) != 3:
            return Rejected(reason="malformed", detail="a body is three words")
        key, kind, subject = words
        return Event(
            source=self.name,
            key=key,
            kind=kind,
            subject=subject,
            body=delivery.body,
            headers={"content-type": "application/json"},
            at=now,
        )

    async def interpret(self, stored: StoredEvent) -> Fact:
        self.asked.append(stored.event.key)
        meaning = self.facts.get(stored.event.kind, Nothing(why="unknown type"))
        if isinstance(meaning, Exception):
            raise meaning
        if callable(meaning):
            return await meaning(stored)
        return meaning


class SlowEvents(MemoryEvents):
    """An inbox whose next additions and looks take as long, or fail as, the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.full = False
        """Nothing can be written down, and that is said at once."""
        self.failures: deque[Exception] = deque()
        """What the next calls raise."""
        self.poison: set[str] = set()
        """Events of these keys take everything down that is stored with them."""
        self.adding = self.adding_most = 0
        self.looks = 0
        self.batches: list[list[str]] = []
        """The keys of each call."""
        self.ignorings: list[int] = []
        """How many events each call has settled."""

    async def _suffer(self) -> None:
        if self.seconds:
            await trio.sleep(self.seconds)
        if self.failures:
            raise self.failures.popleft()

    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        self.adding += len(arrivals)
        self.adding_most = max(self.adding_most, self.adding)
        self.batches.append([arrival.event.key for arrival in arrivals])
        try:
            await self._suffer()
            if any(arrival.event.key in self.poison for arrival in arrivals):
                raise ZeroDivisionError("with a secret in it")
            return await super().add(arrivals)
        finally:
            self.adding -= len(arrivals)

    async def due(self, **how: Any) -> tuple[StoredEvent, ...]:
        self.looks += 1
        await self._suffer()
        return await super().due(**how)

    async def ignored(self, reasons: Mapping[EventId, str], *, at: datetime) -> None:
        if self.full:
            raise Unavailable("disk full")
        self.ignorings.append(len(reasons))
        await super().ignored(reasons, at=at)

    def states(self) -> dict[str, str]:
        """How each event stands, by its key."""
        rows = self.connection.tables.events.values()
        return {row.event.key: row.state.value for row in rows}

    def outcome(self, key: str) -> str:
        """Why it stands so."""
        rows = self.connection.tables.events.values()
        return next(row.outcome for row in rows if row.event.key == key)

    def count(self, state: EventState) -> int:
        return list(self.states().values()).count(state.value)


def delivery(
    body: str,
    *,
    source: SourceName = SourceName.STRIPE,
    signature: str = SECRET,
    peer: str = "203.0.113.7",
) -> Delivery:
    return Delivery(
        source=source,
        headers={"signature": signature},
        body=body.encode("utf-8", "surrogatepass"),
        peer=peer,
    )


def paid(payment_id: str = "pi_1") -> PaymentSeen:
    return PaymentSeen(
        report=PaymentReport(
            rail=Rail.STRIPE,
            payment_id=PaymentId(payment_id),
            standing=Standing.PAID,
            amount=Money.of("19.99", "USD"),
            live=True,
        )
    )
