"""How the tree looks right now, as plain values. Nothing is kept ready for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runtime.state import State

if TYPE_CHECKING:
    from runtime.cell import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One actor, supervisor or region.

    Counts are since the node started; `mailbox_depth` counts messages that wait or are being
    handled, for a supervisor or region those of everything below it. `busy_seconds` is the age
    of the message that is being handled. `state` is a value of `runtime.state.State`; for a
    region `running`, for a supervisor also `restarting`.
    """

    name: str
    path: str
    class_name: str
    kind: Literal["actor", "supervisor", "region"]
    state: str
    incarnation: int = 0
    mailbox_depth: int = 0
    mailbox_limit: int | None = None
    oldest_message_seconds: float = 0.0
    handled: int = 0
    failed: int = 0
    restarts_used: int = 0
    restarts_allowed: int = 0
    last_error: str | None = None
    busy_seconds: float = 0.0
    awake: int | None = None
    strategy: str | None = None
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What became of every message of a system: sent = handled + dead + expired + queued."""

    sent: int
    handled: int
    dead: int
    expired: int
    queued: int

    @property
    def lost(self) -> int:
        """Messages without a fate; anything but 0 is a bug of the runtime."""
        return self.sent - self.handled - self.dead - self.expired - self.queued


def of_cell(cell: Cell, now: float, *, restarts_allowed: int) -> Node:
    """One actor's line of the tree; `now` in monotonic seconds."""
    busy = head = cell.batch[0] if cell.batch else cell.current
    if head is None and cell.inbox:
        head = cell.inbox[0]
    return Node(
        name=cell.name,
        path=cell.path,
        class_name=cell.actor_class.__name__,
        kind="actor",
        state=cell.state.value,
        incarnation=cell.incarnation,
        mailbox_depth=cell.queued,
        mailbox_limit=cell.policy.limit,
        oldest_message_seconds=max(0.0, now - head[5]) if head else 0.0,
        handled=cell.handled,
        failed=cell.failed,
        restarts_used=cell.intensity.used(now) if cell.intensity else 0,
        restarts_allowed=restarts_allowed,
        last_error=cell.last_error,
        busy_seconds=max(0.0, now - busy[5]) if busy else 0.0,
    )


def state_of(children: tuple[Node, ...]) -> str:
    """The state of whatever holds these children: the worst of theirs that needs attention."""
    states = {child.state for child in children}
    for state in (State.RESTARTING, State.WAITING, State.STARTING):
        if state.value in states:
            return str(state.value)
    return str(State.RUNNING.value)
