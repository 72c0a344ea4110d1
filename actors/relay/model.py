"""What goes out, and what can become of it. Pure.

```
the destination ...                      outcome     follows
took it, and may have an answer          Accepted    the event is delivered
has had enough for now (429)             Throttled   everything rests for 10 s at least
has no room (400 "Queue is full")        QueueFull   everything rests for minutes
says no for good (other 4xx)             Refused     the event is parked; the next one goes on
listens no more (410), or is forbidden   Gone        everything is paused, a person is told
does not answer, or is broken (5xx)      Failed      the event is sent again, under its id
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId, ProductId
from actors.kernel.money import Money
from actors.relay.messages import EventType

PAYLOAD_BYTES_MAX = 5 * 1024 * 1024
"""Make's own limit of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """An order that was paid; `name` and `phone` as the buyer has told them to us, or None."""

    order_id: OrderId
    product_id: ProductId
    title: str
    price: Money
    rail: Rail
    live: bool
    paid_at: datetime
    name: str | None
    phone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as it is kept: the `messages` of a batch as `debounce.model.flat` has them, how
    many were `dropped` from it as too many, or what was `paid`.
    """

    event_id: UUID
    event_type: EventType
    chat_id: ChatId
    created_at: datetime
    messages: tuple[Mapping[str, object], ...] = ()
    dropped: int = 0
    paid: Paid | None = None


class Pending(NamedTuple):
    """An event that is to be delivered. `place` only grows; a user's events go in its order."""

    place: int
    event_id: UUID
    chat_id: ChatId
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """It is there. `texts` are for its user; `later` means that more may come by itself, and
    `fault` says why an answer was not understood.
    """

    texts: tuple[str, ...] = ()
    later: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many requests; `retry_after_seconds` is what it asks for, or 0."""

    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class QueueFull:
    """It keeps what it could not work on yet, and has no room for more."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never take this event; `detail` says why, in one printable line."""

    detail: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Nobody listens there, or nobody may be sent there."""

    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, or none that says anything. It may have arrived all the same."""

    detail: str


Outcome = Accepted | Throttled | QueueFull | Refused | Gone | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing is sent, since when and why."""

    since: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many events wait, how many are parked, and since when the oldest waits."""

    pending: int
    parked: int
    pending_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One event as operators see it."""

    place: int
    event_id: UUID
    event_type: EventType
    chat_id: ChatId
    state: str
    detail: str
    created_at: datetime
    settled_at: datetime | None


def payload(event: Event) -> bytes:
    """The body of the request: one flat object that always has the same fields (docs/relay.md)."""
    paid = event.paid
    fields: dict[str, object] = {
        "event_id": str(event.event_id),
        "event_type": event.event_type.value,
        "created_at": _moment(event.created_at),
        "user_id": event.chat_id,
        "batch_size": len(event.messages),
        "messages_dropped": event.dropped,
        "text": "\n".join(filter(None, map(_words, event.messages))),
        "messages": list(event.messages),
        "order_id": paid.order_id if paid else "",
        "product_id": paid.product_id if paid else "",
        "title": paid.title if paid else "",
        "amount": paid.price.text if paid else "",
        "currency": paid.price.currency if paid else "",
        "rail": paid.rail.value if paid else "",
        "live": paid.live if paid else False,
        "paid_at": _moment(paid.paid_at) if paid else "",
        "customer_name": (paid.name if paid else None) or "",
        "customer_phone": (paid.phone if paid else None) or "",
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _words(message: Mapping[str, object]) -> str:
    return str(message.get("text") or message.get("caption") or "")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
