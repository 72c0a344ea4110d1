"""What an actor did, as values: a `Behaviour` answers them in the order in which it was done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

E = TypeVar("E")

SELF = "self"
"""The recipient's name where an actor tells itself something."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody was told `message`; `key` if it was one of a family."""

    recipient: str
    message: Any
    key: object = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody was asked `question`."""

    recipient: str
    question: Any
    key: object = None


@dataclass(frozen=True, slots=True)
class TimerSet:
    """`message` will come in `seconds`; with `every`, again and again.

    `key` is None where the actor named none. One that replaces a timer of its key is only this.
    """

    seconds: float
    message: Any
    key: object = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class TimerCancelled:
    """`message` will not come."""

    message: Any
    key: object = None


@dataclass(frozen=True, slots=True)
class Published:
    """Whoever subscribed hears `event`."""

    event: Any


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Events of this type are wanted."""

    event_type: type


@dataclass(frozen=True, slots=True)
class Watched:
    """`Terminated` is wanted from that recipient."""

    recipient: str
    key: object = None


@dataclass(frozen=True, slots=True)
class Unwatched:
    """It is wanted no more."""

    recipient: str
    key: object = None


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A recipient was asked to stop (or, by `kill`, made to)."""

    recipient: str
    key: object = None


@dataclass(frozen=True, slots=True)
class Spawned:
    """An actor was started outside the tree; the recipient of that name stands for it."""

    name: str


@dataclass(frozen=True, slots=True)
class Piped:
    """Slow work was begun; `Behaviour.finish` ends it. `work` is its name, such as `Bank.pay`."""

    work: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Stashed:
    """The message was put aside."""

    message: Any


@dataclass(frozen=True, slots=True)
class Unstashed:
    """What had been put aside is in front of the queue again."""

    messages: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Replied:
    """A question was answered."""

    question: Any
    answer: Any


@dataclass(frozen=True, slots=True)
class ReplyPromised:
    """A question will be answered later (`reply_later`)."""

    question: Any


@dataclass(frozen=True, slots=True)
class Stopped:
    """The actor is gone for good."""


@dataclass(frozen=True, slots=True, eq=False)
class _Blame:
    """Errors are equal here when their types and arguments are."""

    error: BaseException

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _value(other.error) == _value(self.error)

    def __hash__(self) -> int:
        return hash((type(self), type(self.error)))


@dataclass(frozen=True, slots=True, eq=False)
class Failed(_Blame):
    """The incarnation failed with `error` and is gone; `Behaviour.restart` makes the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Suspended(_Blame):
    """A dependency is away; `Behaviour.restart` looks again.

    What was told is kept for then, and a question was refused with the error.
    """


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """A question's asker got `error` instead of an answer; errors are equal as in `Failed`."""

    question: Any
    error: BaseException

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash((Refused, type(self.error)))

    def _value(self) -> tuple[object, ...]:
        return (self.question, *_value(self.error))


Effect = (
    Told
    | Asked
    | TimerSet
    | TimerCancelled
    | Published
    | Subscribed
    | Watched
    | Unwatched
    | StopRequested
    | Spawned
    | Piped
    | Stashed
    | Unstashed
    | Replied
    | ReplyPromised
    | Refused
    | Stopped
    | Failed
    | Suspended
)


class Effects(list[Effect]):
    """A list of effects, equal to any list of the same ones."""

    def of(self, kind: type[E]) -> list[E]:
        """Only those of one kind."""
        return [effect for effect in self if isinstance(effect, kind)]

    def told(self, recipient: str) -> list[Any]:
        """The messages that one recipient was told."""
        return [told.message for told in self.of(Told) if told.recipient == recipient]

    def published(self, event_type: type[E]) -> list[E]:
        """The events of one type."""
        events: Iterable[Any] = (published.event for published in self.of(Published))
        return [event for event in events if isinstance(event, event_type)]


def _value(error: BaseException) -> tuple[type, tuple[object, ...]]:
    return type(error), error.args
