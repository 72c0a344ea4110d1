"""Helping: whoever awaits an answer runs the turn that gives it, in his own step.

Two switches of trio's tasks cost more than the rest of an ask. They are spared where nobody
can tell the difference: the leader, who is only waiting to run, has nothing to do but this one
question; its actor is at rest and handles it in one step, since its `on_receive` is a plain
function; and it does so in a context of the pool's, as everybody's handlers. The leader finds
nothing left and rests. What cannot be ended in that step, a failure or a coroutine, is handed
over to him. Nobody helps for longer than the leader himself would keep trio's tasks waiting.
"""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from runtime.cell import current_worker
from runtime.state import State
from runtime.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextvars import Context

    from runtime.cell import Cell
    from runtime.future import Future

_RUNNING = State.RUNNING


class Helper(Worker):
    """The worker of a handler that runs in the step of whoever asked; it cannot be killed."""

    __slots__ = ("context", "handed", "helped")

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.handed: tuple[Any, Exception | None] | None = None
        """A coroutine, or the failure, of the cell that is handed over; one at a time."""
        self.helped = 0
        """How often, since the lead was begun."""
        context.run(current_worker.set, self)

    def hand_over(self) -> tuple[Any, Exception | None, bool]:
        """The coroutine or the failure, and whether the answer comes later."""
        assert self.handed is not None
        (result, error), self.handed = self.handed, None
        return result, error, self.replied_later

    def close(self) -> None:
        """The system ends: nobody will take over any more."""
        if self.handed is not None and self.handed[0] is not None:
            self.handed[0].close()
        self.handed = None


def alone(cell: Cell, question: Future[Any], special: Collection[type]) -> bool:
    """Whether all that `cell` has to do is to answer `question`, in one step."""
    inbox = cell.inbox
    if (
        cell.state is not _RUNNING
        or inbox is None
        or len(inbox) != 1
        or cell.worker is not None
        or cell.thread is not None
        or cell.latest is not None
        or cell.signals
    ):
        return False
    message, reply_to, _, _, _, _ = inbox[0]
    if reply_to is not question or type(message) in special:
        return False
    if cell.plain is None:
        receive: Callable[..., Any] = cell.instance.on_receive  # type: ignore[union-attr]  # a running cell has one
        cell.plain = not iscoroutinefunction(receive)
    return cell.plain
