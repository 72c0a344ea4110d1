"""The one way to define a message: frozen, slotted, keyword-only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from runtime.ref import ActorRef

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def message(cls: type[T]) -> type[T]:
    """Make `cls` an immutable message."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


class Asks(Generic[R_co]):
    """A message that is answered with an `R_co`."""

    __slots__ = ()


@message
class Terminated:
    """A watched actor has stopped for good; a restart is not the end of an actor.

    `reason` is `stopped`, `failed`, `killed` or, for a keyed actor, `asleep`; sent at once when
    it was dead already.
    """

    ref: ActorRef[Any]
    reason: str


@dataclass(slots=True, eq=False)
class TimerFired:
    """A timer's message on its way through the mailbox; stale once `live` is False.

    Wrapped so that a timer which is replaced or cancelled takes back even what already
    waits in the mailbox.
    """

    key: object
    message: Any
    live: bool = True
    every_seconds: float | None = None


@dataclass(slots=True, frozen=True)
class Coalesced:
    """A place in the queue whose newest message lies under `key` in the mailbox."""

    key: object


@dataclass(slots=True, frozen=True)
class Piped:
    """Slow work ended. Stale once its incarnation is gone.

    It becomes a message inside the actor, so that an error of `then` or `failed` is the
    actor's own; without `failed`, so is the error of the work.
    """

    incarnation: int
    result: Any
    error: Exception | None
    then: Callable[[Any], Any]
    failed: Callable[[Exception], Any] | None

    def translate(self) -> Any:
        """The message the actor gets; raises the work's error when nobody translates it."""
        if self.error is None:
            return self.then(self.result)
        if self.failed is None:
            raise self.error
        return self.failed(self.error)
