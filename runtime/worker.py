"""A worker: one task of the pool, and whose handler it runs."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import trio

    from runtime.cell import Cell, Envelope


class Worker:
    """One trio task that runs handlers; `cell` is whose handler runs now."""

    __slots__ = ("cell", "killed", "replied_later", "scope", "task")

    cell: Cell
    scope: trio.CancelScope
    task: trio.lowlevel.Task

    def __init__(self) -> None:
        self.replied_later = False
        self.killed = False
        """The scope was cancelled; a flag of our own, for trio's looks at the clock."""

    @property
    def envelope(self) -> Envelope | None:
        """The message that is handled here."""
        return self.cell.current

    def kill(self) -> None:
        """Cancel the handler that waits here."""
        self.killed = True
        self.scope.cancel()


@coroutine
def forward(handler: Coroutine[Any, Any, Any], trap: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine whose first step has been taken already and yielded `trap`."""
    try:
        while True:
            sent = yield trap
            trap = handler.send(sent)
    except StopIteration as finished:
        return finished.value
    finally:
        handler.close()
