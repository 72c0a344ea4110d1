"""What the runtime tells about itself, and the stream on which everybody may listen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pykka
import structlog

from runtime.errors import ActorDeadError, MailboxFullError
from runtime.message import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.address import Recipient

log = structlog.get_logger("runtime.events")

Reason = Literal["failed", "killed", "stopped", "refused", "dropped", "coalesced"]


@message
class DeadLetter:
    """A message that nobody will handle.

    `failed`     its handler raised `error`
    `killed`     its handler was cancelled because it held up a stop
    `stopped`    the recipient stopped first, or had stopped already
    `refused`    the mailbox was at its limit
    `dropped`    the mailbox keeps only the newest messages
    `coalesced`  a newer message of the same key took its place
    """

    message: Any
    recipient: str
    sender: str | None
    reason: Reason
    error: BaseException | None = None
    correlation: str | None = None


@message
class ActorStarted:
    """An incarnation is up; `incarnation` counts from 1."""

    path: str
    incarnation: int


@message
class ActorFailed:
    """An incarnation failed with `error` and is gone."""

    path: str
    incarnation: int
    error: BaseException


@message
class ActorSuspended:
    """A dependency is away: the actor waits `delay_seconds` before it looks again."""

    path: str
    error: BaseException
    delay_seconds: float


@message
class ActorRestarting:
    """The supervisor will build a fresh incarnation in `delay_seconds`."""

    path: str
    delay_seconds: float
    used: int
    allowed: int


@message
class ActorStopped:
    """The actor is gone for good (or asleep, for a keyed one)."""

    path: str
    reason: Literal["stopped", "failed", "killed", "asleep"]


@message
class Escalated:
    """A supervisor gave up because `child` used up its budget."""

    path: str
    child: str
    error: BaseException


Incident = ActorFailed | ActorSuspended | ActorRestarting | Escalated
"""The supervision events that an operator wants to see."""


class EventStream:
    """Publish and subscribe by type; a subscription to a base class hears its subclasses."""

    def __init__(self) -> None:
        self._by_type: dict[type, dict[Any, Callable[[Any], None]]] = {}

    def subscribe(self, event_type: type, recipient: Recipient[Any]) -> None:
        """Tell `recipient` every event of `event_type` from now on; twice is once."""
        self._by_type.setdefault(event_type, {})[recipient] = recipient.tell

    def unsubscribe(self, recipient: Recipient[Any], event_type: type | None = None) -> None:
        """Stop telling `recipient` about `event_type`, or about anything."""
        for known in [event_type] if event_type else list(self._by_type):
            subscribers = self._by_type.get(known)
            if subscribers is not None:
                subscribers.pop(recipient, None)
                if not subscribers:
                    del self._by_type[known]

    def wanted(self, event_type: type) -> bool:
        """Whether anybody would hear an event of this type."""
        return bool(self._by_type) and any(base in self._by_type for base in event_type.__mro__)

    def publish(self, event: object) -> None:
        """Tell every subscriber once; one that has died is forgotten, and stops nobody."""
        told: set[Any] = set()
        for base in type(event).__mro__:
            for recipient, tell in list(self._by_type.get(base, {}).items()):
                if recipient in told:
                    continue
                told.add(recipient)
                if isinstance(recipient, pykka.ActorRef) and not recipient.is_alive():
                    continue  # on its way out: news is nothing it has to answer for
                try:
                    tell(event)
                except ActorDeadError:
                    self.unsubscribe(recipient)
                    log.info("subscriber.gone", subscriber=str(recipient))
                except MailboxFullError:
                    continue  # its dead letter has been written; the others still hear it
