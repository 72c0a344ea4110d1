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
from runtime.lifecycle import kill, request_stop
from runtime.message import Terminated
from runtime.proxy import ActorProxy
from runtime.state import State

if TYPE_CHECKING:
    from runtime.address import Address
    from runtime.keyed import Region

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
        system = cell.system
        seconds = ASK_SECONDS if timeout is None else timeout
        if get_ident() != system.thread_id:
            future: Future[Any] = Future(system, cell)
            system.enter(self._ask_from_thread, message, future, seconds)
            return future.get(timeout=None if seconds == _FOREVER else seconds) if block else future
        deadline = system.world.monotonic() + seconds
        worker = current_worker.get()
        if worker is not None and worker.cell.current is not None:
            inherited = worker.cell.current[3]
            if inherited is not None and inherited < deadline:
                deadline = inherited
        future = Future(system, cell, deadline)
        cell.accept(message, future, deadline)
        return future.get() if block else future

    def _ask_from_thread(self, message: Any, future: Future[Any], seconds: float) -> None:
        deadline = self._cell.system.world.monotonic() + seconds
        self._cell.accept_from_thread(message, future, deadline, None)

    async def send(self, message: Any) -> None:
        """Queue `message` as soon as there is room: back-pressure for whoever can wait.

        Waits while `Mailbox.send_below` or more messages are queued, first come first served.
        Raises `pykka.ActorDeadError` when the actor stops meanwhile.
        """
        cell = self._cell
        await trio.lowlevel.checkpoint()
        waited = False
        while not cell.closing and (
            cell.queued >= cell.policy.send_below or (cell.send_waiters and not waited)
        ):
            await _wait_for_room(cell, first=waited)
            waited = True
        if not cell.accept(message):
            raise cell.refuse_caller()

    # The end

    def stop(self, *, block: bool = False, timeout: float | None = None) -> Any:
        """Stop the actor for good once it has handled what is queued.

        Answers a future: True if it was alive, False if it was dead already. What is told
        from now on becomes a dead letter. `block` and `timeout` as for `ask`.
        """
        cell = self._cell
        future: Future[bool] = Future(cell.system, None)
        cell.system.here_or_enter(request_stop, cell, future.resolve)
        return future.get(timeout=timeout) if block else future

    def kill(self, error: Exception | None = None) -> None:
        """Stop the actor for good at once; a handler that waits is cancelled.

        With `error` only this incarnation ends, as if a handler had raised it.
        """
        self._cell.system.here_or_enter(kill, self._cell, error)

    def watched_by(self, watcher: ActorRef[Any]) -> None:
        """Tell `watcher` when this actor stops for good; see `Actor.watch`."""
        cell = self._cell
        if cell.state is State.STOPPED:
            watcher.tell(Terminated(ref=self, reason="stopped"))
            return
        if cell.watchers is None:
            cell.watchers = set()
        cell.watchers.add(watcher)

    def unwatched_by(self, watcher: ActorRef[Any]) -> None:
        """Not tell `watcher` after all."""
        if self._cell.watchers is not None:
            self._cell.watchers.discard(watcher)

    def proxy(self) -> ActorProxy[A]:
        """A proxy: methods become asks, attributes become futures."""
        if not self.is_alive():
            msg = f"{self} not found"
            raise ActorDeadError(msg)
        return ActorProxy(actor_ref=self)


_FOREVER = float("inf")


async def _wait_for_room(cell: Cell, *, first: bool) -> None:
    """Stand in line; who was called up in vain goes back to its head."""
    event = trio.Event()
    if cell.send_waiters is None:
        cell.send_waiters = deque()
    if first:
        cell.send_waiters.appendleft(event.set)
    else:
        cell.send_waiters.append(event.set)
    await event.wait()


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
    def address(self) -> Address:
        """The region's path and the key; nobody is woken to tell it."""
        return self._region.address(self._key)

    def is_alive(self) -> bool:
        """A key can always be written to, unless its region has stopped."""
        return not self._region.closing
