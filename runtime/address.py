"""Addresses are values, and the narrowest view of an actor is enough to write to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from runtime.message import Asks
    from runtime.ref import ActorRef

M_contra = TypeVar("M_contra", contravariant=True)
K_contra = TypeVar("K_contra", contravariant=True)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an actor lives: the path of its kind in the tree and, for keyed actors, its key.

    Never an object id, so that the same address can later be served by another machine.
    """

    kind: str
    key: Any = None

    def __str__(self) -> str:
        return self.kind if self.key is None else f"{self.kind}/{self.key}"


class Recipient(Protocol[M_contra]):
    """Whoever accepts `M`: an actor's reference, a region's view, a test probe."""

    def tell(self, message: M_contra, /) -> None:
        """Hand over the message and go on."""
        ...


class KeyedRecipient(Protocol[K_contra, M_contra]):
    """A family of actors, one per key: a region, or a probe."""

    def tell(self, key: K_contra, message: M_contra, /) -> None:
        """Hand the message to the actor of `key`, which wakes up for it."""
        ...


async def ask(ref: ActorRef[Any], question: Asks[R], /, *, timeout: float | None = None) -> R:  # noqa: ASYNC109 - a deadline that travels with the message, not a scope
    """Ask `question` and wait for its answer; for the edges, actors tell.

    Raises `pykka.Timeout` after `timeout` seconds (default 5), the exception of a handler
    that failed, `pykka.ActorDeadError`, `AskCycleError`.
    """
    answer: R = await ref.ask(question, timeout=timeout)
    return answer
