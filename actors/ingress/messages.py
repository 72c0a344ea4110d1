"""What the actors of the ingress can be told and asked, and what they publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from actors.ingress.model import Delivery, Fact, SourceName, SubscriptionSeen
from actors.kernel.ids import EventId
from runtime import Asks, message


@message
class Stored:
    """The delivery is durable; `duplicate` when it was before."""

    duplicate: bool


@message
class Refused:
    """The delivery is not stored, and the same one will be refused again.

    Beside the reasons of `model.Rejected`: `unconfigured`, we have no credentials of this source
    to verify it with; once we have, it will be taken.
    """

    reason: Literal["signature", "stale", "address", "malformed", "size", "media", "unconfigured"]
    detail: str


@message
class Busy:
    """Not now, and nobody knows whether it was stored: deliver it again."""

    retry_after_seconds: int
    detail: str


Answer = Stored | Refused | Busy


@message
class Deliver(Asks[Answer]):
    """A provider delivers. `Stored` is answered once the event is durable, not before; told
    twice, it is stored once.
    """

    delivery: Delivery


@message
class Wake:
    """There may be events that nobody works on; `stored` of them came together."""

    stored: int = 1


@message
class Interpreted:
    """What an event means, as of now; or why nobody can say, `failure`."""

    fact: Fact | None = None
    failure: str = ""


@message
class DryRun(Asks[Interpreted | None]):
    """What would this event do? Nothing is changed. None: there is no such event.

    May take as long as the provider's API does.
    """

    event_id: EventId


@message
class Replay(Asks[bool]):
    """Try an event again, now, whatever its state: its effects are idempotent. False: there is
    no such event. Who and why is written down with it.
    """

    event_id: EventId
    who: str
    why: str


@message
class Park(Asks[bool]):
    """Put a pending event aside; False when it is not pending. Who and why is written down."""

    event_id: EventId
    who: str
    why: str


@message
class Prune(Asks[Mapping[SourceName, int]]):
    """Forget the finished events that are older than their source's retention; says how many.

    Only so many of each source at once (`desk.PRUNE_LIMIT`): ask until all are 0.
    """


@message
class EventParked:
    """Published when an event was put aside: it stays in the inbox, nobody works on it, and a
    person should look. `reason` says why in one line; nothing of the body is in it.
    """

    event_id: EventId
    source: SourceName
    kind: str
    reason: str


@message
class SubscriptionChanged:
    """Published for each event on a subscription, once it is kept, and again should it be
    replayed: handle it idempotently.
    """

    source: SourceName
    seen: SubscriptionSeen


Command = Deliver
Work = DryRun | Replay | Park | Prune
