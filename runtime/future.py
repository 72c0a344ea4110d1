"""A pykka future that trio tasks await, other threads `get()`, and nobody blocks the loop on."""

from __future__ import annotations

import functools
import math
import queue
import sys
import types
from collections.abc import Awaitable, Callable, Generator, Iterable
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

import pykka
import trio

from runtime.cell import Cell, current_worker
from runtime.errors import AskCycleError, Timeout, WouldBlockError
from runtime.state import State

if TYPE_CHECKING:
    from types import TracebackType

    from runtime.system import ActorSystem

    OptExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

Waiter = trio.lowlevel.Task | Callable[[], None]
T = TypeVar("T")
M = TypeVar("M")
J = TypeVar("J")
R = TypeVar("R")


_AWAY = {
    State.RESTARTING: ": it failed, and is restarting",
    State.WAITING: ": it is suspended, and waits for what is unavailable",
}


class Future(pykka.Future[T]):
    """The answer to an ask: set once, read as often as one likes.

    `await future` raises the exception it was failed with, `pykka.Timeout` at its deadline,
    and `AskCycleError` when waiting would close a circle of actors that wait for each other.
    A trio in another thread cannot await it (`RuntimeError`).
    """

    # Defaults on the class: one is made for every ask, and most of them never change.
    _done = False
    _failed = False
    _value: Any = None
    _waiters: list[Waiter] | None = None
    _compute: Callable[[], Awaitable[T]] | None = None
    _waited_from = 0.0

    def __init__(
        self,
        system: ActorSystem,
        target: Cell | None = None,
        deadline: float | None = None,
    ) -> None:
        # pykka's __init__ is skipped on purpose: it sets up a hook that blocks.
        self.system = system
        self._target = target
        self._deadline = deadline

    def __repr__(self) -> str:
        state = "pending" if not self._done else "failed" if self._failed else "set"
        return f"<Future {state}>"

    @property
    def deadline(self) -> float | None:
        """When the answer is due, in monotonic seconds."""
        return self._deadline

    @property
    def done(self) -> bool:
        """An answer or an exception is there."""
        return self._done

    # The answering side

    def set(self, value: T | None = None) -> None:
        """Answer. Raises `RuntimeError` when it was answered before."""
        if self._done:
            msg = "the future has been set already"
            raise RuntimeError(msg)
        self.resolve(value)

    def set_exception(self, exc_info: OptExcInfo | None = None) -> None:
        """Fail with `exc_info`, or with the exception that is being handled."""
        if self._done:
            msg = "the future has been set already"
            raise RuntimeError(msg)
        error = (exc_info or sys.exc_info())[1]
        if error is None:
            msg = "no exception to set"
            raise RuntimeError(msg)
        self.fail(error)

    def resolve(self, value: object) -> None:
        """Answer, unless the asker has given up: a late answer is nobody's business."""
        if get_ident() != self.system.thread_id and self.system.enter(self.resolve, value):
            return  # trio's tasks are woken on their own thread
        if not self._done:
            self._value = value
            self._done = True  # last: another thread may look at any moment
            if self._waiters is not None:
                self._wake()

    def fail(self, error: BaseException) -> None:
        """Fail, unless the asker has given up."""
        if get_ident() != self.system.thread_id and self.system.enter(self.fail, error):
            return
        if not self._done:
            self._value = error
            self._failed = True
            self._done = True
            if self._waiters is not None:
                self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if isinstance(waiter, trio.lowlevel.Task):
                trio.lowlevel.reschedule(waiter)
            else:
                waiter()

    # The asking side

    def __await__(self) -> Generator[Any, Any, T]:
        if not self._done:
            if self._compute is None:
                yield from self._wait()
            else:
                self.resolve((yield from self._compute().__await__()))
        return self._result()

    __iter__ = __await__

    async def failure(self) -> BaseException | None:
        """Wait for the answer of an ask, and say what it was failed with; None when it was not.

        For an edge that answers every failure alike. Raises `AskCycleError` alone.
        """
        if not self._done:
            await self._wait()
        return self._value if self._failed else None

    def _result(self) -> T:
        if self._failed:
            raise self._value
        value: T = self._value
        return value

    @types.coroutine
    def _wait(self) -> Generator[Any, Any, None]:
        """Park until it is done, with the cycle check and the deadline of the ask."""
        if get_ident() != self.system.thread_id:
            msg = "another trio than that of the actors cannot await their answers: `get()` them"
            raise RuntimeError(msg)
        if self._target is not None and self.system.workers.help(self._target, self):
            return
        if self._done:  # with help, but the handler that asked was killed meanwhile
            yield from trio.lowlevel.checkpoint().__await__()  # noqa: ASYNC105 - as below
            return
        asker = self._asker()
        expiries = self.system.expiries
        if self._deadline is not None:
            expiries.add(self, self._deadline)
            self._waited_from = self.system.workers.now
        task = trio.lowlevel.current_task()
        if self._waiters is None:
            self._waiters = [task]
        else:
            self._waiters.append(task)

        def abort(_: object) -> trio.lowlevel.Abort:
            if self._waiters is not None:
                self._waiters.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        try:
            yield from trio.lowlevel.wait_task_rescheduled(abort).__await__()  # noqa: ASYNC105 - a generator awaits like this
        finally:
            if asker is not None:
                asker.waits_on = None
            if self._deadline is not None and not self._waiters:
                expiries.discard(self)

    def expire(self) -> None:
        target = self._target
        where = "the recipient" if target is None else target.path
        seconds = round((self._deadline or 0.0) - self._waited_from, 3)
        away = "" if target is None else _AWAY.get(target.state, "")
        self.fail(Timeout(f"{where} did not answer in {seconds:g} s{away}"))

    def _asker(self) -> Cell | None:
        """The actor that begins to wait here, noted as waiting; raises `AskCycleError`.

        A second wait inside one handler is not followed: the first edge is enough.
        """
        worker = current_worker.get()
        if worker is None or self._target is None or worker.cell.waits_on is not None:
            return None
        self._refuse_cycle(worker.cell)
        worker.cell.waits_on = self._target
        return worker.cell

    def _refuse_cycle(self, asker: Cell) -> None:
        path = [asker]
        waited_for = self._target
        while waited_for is not None:
            path.append(waited_for)
            if waited_for is asker:
                told = " -> ".join(cell.path for cell in path)
                msg = f"these actors would wait for each other for ever: {told}"
                raise AskCycleError(msg)
            waited_for = waited_for.waits_on

    def get(self, *, timeout: float | None = None) -> T:
        """The answer, for code outside the trio thread; blocks that thread.

        Raises `WouldBlockError` on the trio thread when there is no answer yet.
        """
        if self._done:
            return self._result()
        if get_ident() == self.system.thread_id:
            msg = "get() would block every actor: `await` the future instead"
            raise WouldBlockError(msg)
        if self._compute is not None:
            return trio.from_thread.run(self._settle, trio_token=self.system.token)
        if timeout is None and self._deadline is not None and self._deadline != math.inf:
            timeout = max(0.0, self._deadline - self.system.world.monotonic())
        asker = self._asker()
        answered: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.system.enter(self.when_done, lambda: answered.put(None))
        try:
            answered.get(timeout=timeout)
        except queue.Empty:
            msg = "no answer in time"
            raise Timeout(msg) from None
        finally:
            if asker is not None:
                asker.waits_on = None
        return self._result()

    async def _settle(self) -> T:
        return await self

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back on the trio thread when it is done; at once if it is."""
        if self._done:
            callback()
        elif self._waiters is None:
            self._waiters = [callback]
        else:
            self._waiters.append(callback)

    # pykka's combinators, without its blocking hooks

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Let `func(timeout)` find the value when it is wanted; it may block its thread."""
        if self._done:
            msg = "the future has been set already"
            raise RuntimeError(msg)
        self._compute = functools.partial(trio.to_thread.run_sync, func, None)

    def _derived(self, compute: Callable[[], Awaitable[Any]]) -> Future[Any]:
        """A future whose value is computed when it is awaited, and kept once it succeeded."""
        future: Future[Any] = Future(self.system)
        future._compute = compute
        return future

    def map(self, func: Callable[[T], M]) -> Future[M]:
        """A future of `func(value)`."""

        async def compute() -> M:
            return func(await self)

        return self._derived(compute)

    def filter(self: Future[Iterable[J]], func: Callable[[J], bool]) -> Future[Iterable[J]]:
        """A future of the list of items for which `func(item)` is true."""
        return self.map(lambda items: [item for item in items if func(item)])

    def join(self: Future[Any], *futures: pykka.Future[Any]) -> Future[Iterable[Any]]:
        """A future of the list of this one's value and the others'."""

        async def compute() -> list[Any]:
            return [await future for future in (self, *futures)]

        return self._derived(compute)

    def reduce(self: Future[Iterable[J]], func: Callable[[R, J], R], *args: R) -> Future[R]:
        """A future of `functools.reduce(func, value, *args)`."""
        return self.map(lambda items: functools.reduce(func, items, *args))


class ReplyLater:
    """The right to answer the current ask after its handler has returned.

    `set(value)` answers, `set_exception(error)` refuses, either of them from a later handler.
    Should the actor fail or stop first, the asker hears of it; nobody waits in vain.
    """

    __slots__ = ("_cell", "_future")

    def __init__(self, cell: Cell, future: Future[Any] | None) -> None:
        self._cell = cell
        self._future = future

    def set(self, value: object = None) -> None:
        """Answer with `value`."""
        self._close()
        if self._future is not None:
            self._cell.answer(self._future, value, None)

    def set_exception(self, error: BaseException) -> None:
        """Answer with a failure that is the asker's, not the actor's."""
        self._close()
        if self._future is not None:
            self._cell.answer(self._future, None, error)

    def break_off(self, error: BaseException) -> None:
        """The actor is gone: nobody else will answer."""
        if self._future is not None:
            self._future.fail(error)

    def _close(self) -> None:
        if self._cell.replies is not None:
            self._cell.replies.pop(self, None)
