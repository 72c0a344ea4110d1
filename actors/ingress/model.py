"""A provider's delivery, from the raw request to what it means. Pure.

```
Delivery --Source.verify--> Event --Events.add--> StoredEvent --Source.interpret--> Fact
                 |
                 +--> Rejected: counted, answered, not stored
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from actors.kernel.charges import PaymentReport
from actors.kernel.ids import EventId, OrderId, RecordId


class SourceName(StrEnum):
    """Who delivers to us; the last word of the route."""

    STRIPE = "stripe"
    YOOKASSA = "yookassa"
    NOWPAYMENTS = "nowpayments"
    NOCODB = "nocodb"
    TELEGRAM = "telegram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One HTTP request as it came. Header names are lower-case; `peer` is the address of the
    sender as our own edge saw it (behind a trusted proxy: as that one says), "" when unknown.
    """

    source: SourceName
    headers: Mapping[str, str]
    body: bytes
    peer: str

    @property
    def is_json(self) -> bool:
        """By its content type, whatever the charset; where none is named it counts as JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind in {"", "application/json"} or kind.endswith("+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A verified delivery. `key` is the same in every delivery of the same event, and in no
    other's (contract, section 0, "Dedupe key"); `kind` is the provider's own word for it
    (`payment_intent.succeeded`); `subject` the id of the object it is about, "" if none.
    `headers` is what of the request is worth keeping; never a secret, never a signature key.
    """

    source: SourceName
    key: str
    kind: str
    subject: str
    body: bytes
    headers: Mapping[str, str]
    at: datetime | None = None
    """The provider's own time of the event, where it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A delivery that is not stored.

    `signature`  the proof is missing or wrong (400)
    `stale`      the signed time is too far from ours (400)
    `address`    it comes from where this provider never sends (403)
    `malformed`  signed, and yet not what the provider's documents describe (400)
    `size`       larger than anything this provider sends (413)
    `media`      not JSON at all, by its content type (415)

    `detail` is one sentence for the sender's log; nothing of the body or of a secret is in it.
    """

    reason: Literal["signature", "stale", "address", "malformed", "size", "media"]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the inbox keeps it; `attempts` counts the failures to process it."""

    event_id: EventId
    event: Event
    received_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSeen:
    """The event reports on a charge."""

    report: PaymentReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsTouched:
    """Rows of the record table may have changed; they are read again before anything is done."""

    record_ids: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSeen:
    """A recurring subscription at a provider stands like this; `status` is its own word."""

    subscription_id: str
    order_id: OrderId | None
    status: str
    ends_at_period_end: bool
    period_end: datetime | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """An event there is nothing to do for; it is kept, acknowledged and ignored. `why` in a word
    or two: `unknown type`, `not paid yet`.
    """

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """An event that a person has to look at: it is parked at once, with `why` in one line
    (`test event on a live shop`, `no such payment at the provider: forged?`).
    """

    why: str


Fact = PaymentSeen | RecordsTouched | SubscriptionSeen | Nothing | Unusable
"""What an event means."""


class EventState(StrEnum):
    """Where a stored event stands."""

    PENDING = "pending"
    """Nobody has finished with it; after a failure it waits for its next attempt."""
    PROCESSED = "processed"
    """What it means was done, in the same transaction."""
    IGNORED = "ignored"
    """There was nothing to do."""
    PARKED = "parked"
    """A person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event on its way into the inbox. `delivery_id` is this delivery's and never another's."""

    event: Event
    delivery_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The inbox has the event; `duplicate` when it had it before this delivery."""

    event_id: EventId
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A stored event without its body, as an operator sees it in a list. `outcome` says in one
    line why it is ignored, parked or tried again, "" otherwise; `due_at` is when a pending one
    may be tried; `settled_at` when it left `pending` last.
    """

    event_id: EventId
    source: SourceName
    key: str
    kind: str
    subject: str
    state: EventState
    attempts: int
    outcome: str
    received_at: datetime
    due_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which events are meant; whatever is None or empty chooses nothing and excludes nothing."""

    event_ids: tuple[EventId, ...] = ()
    source: SourceName | None = None
    kind: str | None = None
    state: EventState | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What an operator did to an event: written down in the transaction that did it.

    `action_id` makes it one action however often it is told; `who` is the name of the token
    that was used, `why` what the operator wrote.
    """

    action_id: UUID
    event_id: EventId
    what: Literal["replay", "park"]
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that is known of one event."""

    summary: Summary
    stored: StoredEvent
    actions: tuple[Action, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What somebody still has to deal with; `oldest` is when the oldest pending event came."""

    pending: int = 0
    parked: int = 0
    oldest: datetime | None = None


NAME_MAX_CHARACTERS = 300
"""Of a key, a kind and a subject: they are columns of an index. Providers' have about 50."""
LINE_MAX_CHARACTERS = 300


def is_keepable(event: Event) -> bool:
    """Whether the inbox can hold the event's names: no NUL, no half characters, not too long."""
    return bool(event.key) and all(
        len(name) <= NAME_MAX_CHARACTERS and name.isprintable() and name == name.strip()
        for name in (event.key, event.kind, event.subject)
    )


def line(text: str) -> str:
    """`text` as one printable line of bounded length, fit for a log and for the inbox."""
    cut = text[: 4 * LINE_MAX_CHARACTERS]
    return "".join(c if c.isprintable() else " " for c in cut).strip()[:LINE_MAX_CHARACTERS]
