"""Putting a fresh instance into a cell, whatever kind of pykka actor it is."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pykka

from runtime.mailbox import DEFAULT_MAILBOX
from runtime.thread import ActorThread, InlineThread

if TYPE_CHECKING:
    from pykka._envelope import Envelope as PykkaEnvelope

    from runtime.cell import Cell

incarnating: ContextVar[Cell | None] = ContextVar("incarnating", default=None)
"""The cell whose factory runs: its actor's `__init__` may already use `self.actor_ref`."""


class InboxView:
    """A cell's inbox as pykka shows it to an actor: `empty()`, `put()`, `get()`."""

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def empty(self) -> bool:
        """Whether nothing is queued behind the current message."""
        thread = self._cell.thread
        return not self._cell.inbox and (thread is None or not thread.worker.left)

    def put(self, envelope: PykkaEnvelope[Any], /) -> None:
        """Queue an envelope, as a reference does."""
        self._cell.accept(envelope.message, envelope.reply_to)  # type: ignore[arg-type]

    def get(self) -> PykkaEnvelope[Any]:
        """Not for an actor to call: the runtime takes messages."""
        msg = "the runtime takes the messages of this actor"
        raise RuntimeError(msg)


class StoppedFlag:
    """A cell's end, where pykka's users expect a `threading.Event`."""

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def is_set(self) -> bool:
        """Whether the actor has stopped, or was asked to."""
        return self._cell.closing


def incarnate(cell: Cell) -> None:
    """Make an instance by the parent's factory and let it move in; raises what that raises."""
    token = incarnating.set(cell)
    try:
        instance: Any = cell.parent.factory(cell)()
    finally:
        incarnating.reset(token)
    if getattr(instance, "_cell", None) is not cell:
        if hasattr(instance, "_adopt"):  # one of ours, which was not made here and now
            msg = (
                f"{type(instance).__name__}.__init__ has to call super().__init__(), "
                "and the factory has to make a fresh instance each time"
            )
            raise TypeError(msg)
        # A plain pykka.ThreadingActor: give it our identity instead of the one it made itself.
        instance.actor_urn = cell.urn
        instance.actor_inbox = InboxView(cell)
        instance.actor_stopped = StoppedFlag(cell)
        instance._actor_ref = cell.ref  # noqa: SLF001 - pykka's own attribute of its actors
    if cell.incarnation == 0:
        policy = getattr(type(instance), "mailbox", DEFAULT_MAILBOX)
        if policy is not cell.policy:
            cell.policy = policy
            cell.threshold = policy.threshold(len(cell.inbox or ()))
    if (
        pykka.ThreadingActor in type(instance).__mro__
    ):  # an ABC's isinstance takes five times as long
        real = cell.system.threads == "real"
        cell.thread = ActorThread(cell.system, cell) if real else InlineThread(cell)
    cell.instance = instance
    cell.actor_class = type(instance)
    cell.plain = None
    cell.incarnation += 1
    cell.system.registry.register(cell)
