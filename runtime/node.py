"""The two faces of everything in the tree: towards its parent, and towards its children."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pykka

    from runtime.cell import Cell
    from runtime.ref import ActorRef
    from runtime.snapshot import Node as NodeSnapshot


class Parent(Protocol):
    """Who decides what becomes of a cell. Every method is one synchronous step."""

    @property
    def path(self) -> str:
        """Where it stands in the tree."""
        ...

    def factory(self, cell: Cell) -> Callable[[], pykka.Actor]:
        """What makes the cell's next instance."""
        ...

    def ref_to(self, cell: Cell) -> ActorRef[Any]:
        """A reference that outlives the cell's instances."""
        ...

    def start_seconds(self, cell: Cell) -> float:
        """How long `on_start` may take."""
        ...

    def sleep_seconds(self, cell: Cell) -> float:
        """How long `on_stop` may take before a sleep."""
        ...

    def retry_delay_seconds(self, cell: Cell) -> float:
        """How long a suspended cell waits before it looks again."""
        ...

    def start_after(self, cell: Cell, seconds: float) -> None:
        """Start the cell anew after a delay."""
        ...

    def speaks(self, error: BaseException) -> bool:
        """Whether one more failure of a child belongs into the log, or would flood it."""
        ...

    def child_failed(self, cell: Cell, error: BaseException) -> None:
        """An incarnation failed; the cell is `RESTARTING` and waits for a decision."""
        ...

    def child_exited(self, cell: Cell) -> bool:
        """An actor stopped itself; True when a fresh incarnation follows."""
        ...

    def child_asleep(self, cell: Cell) -> None:
        """A keyed actor has nothing left to do."""
        ...

    def child_finished(self, cell: Cell) -> None:
        """The cell stopped for good."""
        ...


class Child(Protocol):
    """What a supervisor can do with a child, be it an actor, a region or a supervisor."""

    @property
    def name(self) -> str:
        """Its name among its siblings."""
        ...

    @property
    def path(self) -> str:
        """Where it stands in the tree."""
        ...

    async def start(self) -> None:
        """Start, and wait until it is up, waits for a dependency, or has failed."""
        ...

    async def halt(self) -> None:
        """Stop its incarnation in order to start it again; queues are kept."""
        ...

    async def close(self) -> None:
        """Stop for good: queues are handled first, and what outstays its time is killed."""
        ...

    def end(self) -> None:
        """Stop for good at once, without waiting for anything."""
        ...

    def snapshot(self, now: float) -> NodeSnapshot:
        """How it is now, for people; `now` in monotonic seconds."""
        ...
