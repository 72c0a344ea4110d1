"""References: pykka's `ActorRef`, pointing at a cell instead of at an instance."""

from __future__ import annotations

from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import pykka
import trio

from runtime.cell import Cell, current_worker
from runtime.errors import ActorDeadError
from runtime.future import Future
from runtime.incarnation import InboxView, StoppedFlag
from runtime.lifecycle import kill, request_stop, wake_senders
from runtime.message import Terminated
from runtime.proxy import ActorProxy
from runtime.state import State

if TYPE_CHECKING:
    from runtime.address import Address
    from runtime.keyed import Region
    from runtime.system import ActorSystem

A = TypeVar("A", bound=pykka.Actor)

ASK_SECONDS = 5.0


class ActorRef(pykka.ActorRef[A]):
    """A reference to an actor; it stays good when the actor is restarted.

    Equal by address. `tell` and `ask` may be called from any thread.
    """

    __slots__ = ("_cell",)

    _cell: Cell

    def __init__(self, cell: Cell) -> None:
        # pykka's __init__ is skipped on purpose: it takes a snapshot of one instance.
        self._cell = cell

    # pykka's attributes

    @property
    def actor_class(self) -> type[A]:  # type: ignore[override]
        """The class of the actor; `pykka.Actor` before the first incarnation."""
        return self._cell.actor_class

    @property
    def actor_urn(self) -> str:  # type: ignore[override]
        """The actor's URN, made of its address."""
        return self._cell.urn

    @property
    def actor_inbox(self) -> InboxView:  # type: ignore[override]
        """The actor's inbox, to look at."""
        return InboxView(self._cell)

    @property
    def actor_stopped(self) -> StoppedFlag:  # type: ignore[override]
        """Set when the actor has stopped or was asked to."""
        return StoppedFlag(self._cell)

    @property
    def address(self) -> Address:
        """The actor's address as a value."""
        return self._cell.address

    @property
    def state(self) -> State:
        """Where the actor is in its life."""
        return self._cell.state

    def __str__(self) -> str:
        return str(self.address)

    def __repr__(self) -> str:
        return f"<ActorRef {self.address}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActorRef) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def is_alive(self) -> bool:
        """Whether the actor takes messages; True while it is being restarted."""
        return not self._cell.closing

    @property
    def _system(self) -> ActorSystem:
        return self._cell.system

    # Messages

    def tell(self, message: Any) -> None:
        """Queue `message` and go on.

        Outside an actor, raises `pykka.ActorDeadError` and `MailboxFullError`. Inside one, the
        message becomes a dead letter and the teller goes on: a full or dead recipient must
        not crash whoever writes to it.
        """
        cell = self._cell
        if not cell.accept(message) and current_worker.get() is None:
            raise cell.refuse_caller()

    def inform(self, message: Any) -> None:
        """Tell news: that it cannot be taken is a dead letter, and nobody's fault here."""
        self._cell.accept(message)

    @overload  # type: ignore[override]  # pykka's default blocks; ours never does
    def ask(
        self, message: Any, *, block: Literal[False] = False, timeout: float | None = None
    ) -> Future[Any]: ...

    @overload
    def ask(self, message: Any, *, block: Literal[True], timeout: float | None = None) -> Any: ...

    def ask(self, message: Any, *, block: bool = False, timeout: float | None = None) -> Any:
        """Queue `message` and answer a future of the handler's return value.

        The answer is due within `timeout` seconds, 5 by default (`math.inf` waits for ever),
        and never later than the deadline of the question that is being handled here: a
        question nobody waits for any more is not worked on. With `block=True`, which only
        another thread may use, the answer itself is returned.
        """
        cell = self._cell
        deadline = _due(cell.system, timeout)
        future: Future[Any] = Future(cell.system, cell, deadline)
        cell.accept(message, future, deadline)
        return future.get() if block else future

    async def send(self, message: Any) -> None:
        """Queue `message` as soon as there is room: back-pressure for whoever can wait.

        Waits while `Mailbox.send_below` or more messages are queued, first come first served.
        Raises `pykka.ActorDeadError` when the actor stops meanwhile.
        """
        await trio.lowlevel.checkpoint()
        waited = False
        cell = self._cell  # looked up after each wait: that of a key may be another by then
        while not cell.closing and (
            cell.queued >= cell.policy.send_below or (cell.send_waiters and not waited)
        ):
            await _wait_for_room(cell, first=waited)
            waited = True
            cell = self._cell
        if not cell.accept(message):
            raise cell.refuse_caller()

    # The end

    def stop(self, *, block: bool = False, timeout: float | None = None) -> Any:
        """Stop the actor for good once it has handled what is queued.

        Answers a future: True if it was alive, False if it was dead already. What is told
        from now on becomes a dead letter. `block` and `timeout` as for `ask`.
        """
        future: Future[bool] = Future(self._system, None)
        if not self._system.here_or_enter(self._stop, future):
            future.resolve(value=False)
        return future.get(timeout=timeout) if block else future

    def _stop(self, future: Future[bool]) -> None:
        request_stop(self._cell, future.resolve)

    def kill(self, error: Exception | None = None) -> None:
        """Stop the actor for good at once; a handler that waits is cancelled.

        With `error` only this incarnation ends, as if a handler had raised it.
        """
        self._system.here_or_enter(self._kill, error)

    def _kill(self, error: Exception | None) -> None:
        kill(self._cell, error)

    def watched_by(self, watcher: ActorRef[Any]) -> None:
        """Tell `watcher` when this actor stops for good; see `Actor.watch`."""
        cell = self._cell
        if cell.state is State.STOPPED:
            watcher.inform(Terminated(ref=self, reason="stopped"))
            return
        if cell.watchers is None:
            cell.watchers = {}  # no set: they hear of it in the order in which they asked
        cell.watchers[watcher] = None

    def unwatched_by(self, watcher: ActorRef[Any]) -> None:
        """Not tell `watcher` after all."""
        if self._cell.watchers is not None:
            self._cell.watchers.pop(watcher, None)

    def proxy(self) -> ActorProxy[A]:
        """A proxy: methods become asks, attributes become futures."""
        if not self.is_alive():
            msg = f"{self} not found"
            raise ActorDeadError(msg)
        return ActorProxy(actor_ref=self)


def _due(system: ActorSystem, timeout: float | None) -> float:
    """The deadline of a question asked here and now, in whichever thread."""
    deadline = system.world.monotonic() + (ASK_SECONDS if timeout is None else timeout)
    worker = current_worker.get()
    current = None if worker is None else worker.envelope
    if current is None or current[3] is None or current[3] > deadline:
        return deadline
    return current[3]


async def _wait_for_room(cell: Cell, *, first: bool) -> None:
    """Stand in line; who was called up in vain goes back to its head."""
    event = trio.Event()
    if cell.send_waiters is None:
        cell.send_waiters = deque()
    if first:
        cell.send_waiters.appendleft(event.set)
    else:
        cell.send_waiters.append(event.set)
    try:
        await event.wait()
    except BaseException:
        # Whoever gives up leaves the line, and hands on the call that may just have come.
        if not event.is_set() and cell.send_waiters is not None:
            cell.send_waiters.remove(event.set)
        wake_senders(cell)
        raise


class KeyedRef(ActorRef[A]):
    """A reference to the actor of one key: there is always one, awake or not."""

    __slots__ = ("_key", "_region")

    def __init__(self, region: Region, key: object) -> None:
        self._region = region
        self._key = key

    @property
    def _cell(self) -> Cell:  # type: ignore[override]
        return self._region.cell(self._key)

    @property
    def _system(self) -> ActorSystem:
        return self._region.system

    def tell(self, message: Any) -> None:
        """As for every reference; the actor wakes up for it."""
        self._region.tell(self._key, message)

    def ask(self, message: Any, *, block: bool = False, timeout: float | None = None) -> Any:
        """As for every reference; the actor wakes up for it."""
        system = self._system
        if get_ident() == system.thread_id:
            future = super().ask(message, timeout=timeout)
        else:
            deadline = _due(system, timeout)
            future = Future(system, None, deadline)
            self._region.enter(self._key, message, future, deadline)
        return future.get() if block else future

    @property
    def address(self) -> Address:
        """The region's path and the key; nobody is woken to tell it."""
        return self._region.address(self._key)

    def is_alive(self) -> bool:
        """A key can always be written to, unless its region has stopped."""
        return not self._region.closing
