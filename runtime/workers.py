"""The actor loop: a few trio tasks drain every actor that has something to do.

No actor has a task of its own. Cells that became ready queue up; one worker, the *leader*,
gives each its turn. A handler that has to wait takes its worker with it: in that moment the
lead goes to another worker, so that one slow handler never holds up anybody else.

This is the one file of the project where `except Exception` stands: a failure of a handler
is turned into a dead letter, an answer to the asker and a decision of the supervisor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Coroutine
from contextvars import Context
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import structlog
import trio
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from runtime import batch, helping, lifecycle
from runtime.cell import Cell, Envelope, current_worker
from runtime.dispatch import DEFAULT_DISPATCH, Dispatch
from runtime.errors import Unavailable
from runtime.message import Piped, TimerFired
from runtime.state import Signal, State
from runtime.worker import Worker, forward

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.future import Future
    from runtime.world import World

LEAD_SECONDS = 0.001
"""How long actors run before trio's other tasks get a look in."""
LOOK_EVERY_MESSAGES = 8
"""How often a turn looks at the stopwatch."""
WORKERS_PARKED_MAX = 64
SPARE_INBOXES_MAX = 1024

log = structlog.get_logger("runtime.workers")

_WRAPPED = frozenset({ProxyCall, ProxyGetAttr, ProxySetAttr, TimerFired, Piped})
_NEVER_HELPED = _WRAPPED | {_ActorStop}
_STALE = object()
_RUNNING = State.RUNNING
"""Found in its enum for every message, it would cost a tenth of the way (Python 3.11)."""


class Workers:
    """The pool, and the queue of cells that wait for a turn."""

    def __init__(
        self, nursery: trio.Nursery, world: World, dispatch: Dispatch = DEFAULT_DISPATCH
    ) -> None:
        self._nursery = nursery
        self._clock = world.monotonic
        self._stopwatch = world.stopwatch
        self._context = Context()
        self._ready = dispatch.ready()
        self._turn_messages_max = dispatch.turn_messages_max
        self._lead_turns_max = dispatch.lead_turns_max
        self._helps = dispatch.helps
        self.helper = helping.Helper(self._context.copy())
        self._parked: list[Worker] = []
        self._spare: list[deque[Envelope]] = []
        self.leader: Worker | None = None
        """Whoever gives turns now, or has been woken to; None while every worker rests or waits."""
        self._began = 0.0
        self.busy = 0
        """Workers that are not parked."""
        self.now = self._clock()
        """The monotonic time, as of the last look; at most a turn old while actors run."""

    # Cells come in

    def schedule(self, cell: Cell) -> None:
        """Give `cell` a turn; the caller has made sure that it is not queued already."""
        self._ready.append(cell)
        if self.leader is None:
            self._wake()

    def look(self) -> float:
        """Look at the clock, because something came in while no actor ran."""
        self.now = now = self._clock()
        return now

    def _wake(self) -> None:
        self._begin()
        if self._parked:
            self.leader = worker = self._parked.pop()
            trio.lowlevel.reschedule(worker.task)
        else:
            self.leader = worker = Worker()
            # A clean context: whoever happens to need a worker must not lend it his own.
            self._context.copy().run(self._nursery.start_soon, self._work, worker)
        self.busy += 1

    def _begin(self) -> None:
        """From here on a lead is measured, which trio's other tasks have to sit out."""
        self._began = self._stopwatch()
        self.helper.helped = 0

    def spare_inbox(self) -> deque[Envelope]:
        """An empty queue; idle actors have none, so that a million of them cost nothing."""
        return self._spare.pop() if self._spare else deque()

    # Workers

    async def _work(self, worker: Worker) -> None:
        current_worker.set(worker)
        worker.task = trio.lowlevel.current_task()

        def unpark(_: object) -> trio.lowlevel.Abort:
            self._parked.remove(worker)
            return trio.lowlevel.Abort.SUCCEEDED

        while True:
            try:
                with trio.CancelScope() as worker.scope:
                    while True:
                        await self._lead(worker)
                        if worker.killed:
                            break
                        self.busy -= 1
                        if len(self._parked) >= WORKERS_PARKED_MAX:
                            return
                        self._parked.append(worker)
                        await trio.lowlevel.wait_task_rescheduled(unpark)
            except Exception as error:
                if not worker.killed:
                    raise
                # What the handler's own tasks raised while they were being cancelled.
                log.warning("actor.killed_untidily", actor=worker.cell.path, exc_info=error)
            # Somebody killed the actor whose handler ran here; the worker itself is unharmed.
            worker.killed = False
            lifecycle.killed(worker.cell)
            self._release(worker.cell)

    async def _lead(self, worker: Worker) -> None:
        """Give turns until nothing is ready, or until somebody else has the lead."""
        self._take_the_lead(worker)
        ready = self._ready
        turns = 0
        self._begin()
        while ready and self.leader is worker:
            cell = ready.popleft()
            worker.cell = cell
            handed = cell.worker is not None
            cell.worker = worker
            if handed:
                await self._take_over(worker, cell)
            elif cell.signals or cell.state is not _RUNNING:
                await self._run(worker, lifecycle.obey(cell))
            if not handed and cell.state is _RUNNING and cell.inbox:
                if cell.thread is None:
                    await self._turn(worker, cell)
                else:
                    await self._run(worker, batch.turn(cell))
            if worker.killed:
                return
            self._release(cell)
            self._take_the_lead(worker)
            turns += 1
            if not ready:
                break  # whoever rests lets the others have their look in anyway
            if turns >= self._lead_turns_max or self._stopwatch() - self._began > LEAD_SECONDS:
                turns = 0
                await trio.lowlevel.checkpoint()
                self._begin()
                self.now = self._clock()
        if self.leader is worker:
            self.leader = None

    def _take_the_lead(self, worker: Worker) -> None:
        if self.leader is None:
            self.leader = worker

    async def _turn(self, worker: Worker, cell: Cell) -> None:
        """Handle some messages of one actor; every message taken here gets its fate here."""
        inbox = cell.inbox
        receive = cell.instance.on_receive  # type: ignore[union-attr]  # a running cell has one
        left = self._turn_messages_max
        worker.replied_later = False  # whoever failed here before may have promised something
        while inbox and left and not cell.signals:
            left -= 1
            envelope = cell.current = inbox.popleft() if cell.latest is None else cell.take()
            message, reply_to, _, deadline, _, _ = envelope
            if deadline is not None and self._clock() >= deadline:
                cell.current = None
                cell.expire(envelope)
                continue
            if type(message) is _ActorStop:
                await self._run(worker, lifecycle.stop_in_turn(cell, envelope))
                return
            try:
                if type(message) in _WRAPPED:
                    result = self._unwrap(cell, message)
                    if result is _STALE:
                        cell.current = None
                        cell.expired += 1
                        continue
                else:
                    result = receive(message)
                if type(result) is CoroutineType:
                    # What `_run` does, without a coroutine more: few handlers have to wait.
                    try:
                        trap = result.send(None)
                    except StopIteration as finished:
                        result = finished.value
                    else:
                        result = await self._go_on(worker, result, trap)
            except Exception as error:  # noqa: BLE001 - the actor loop: see the head of this file
                await self._fall(worker, envelope, error)
                return
            if cell.stashing or worker.replied_later or reply_to is not None:
                _close(worker, envelope, result)
            else:  # the same, for nearly every message
                cell.current = cell.correlation = None
                cell.handled += 1
            late = not left % LOOK_EVERY_MESSAGES and self._stopwatch() - self._began > LEAD_SECONDS
            if late or worker.killed or cell.state is not _RUNNING:
                return

    async def _fall(self, worker: Worker, envelope: Envelope, error: Exception) -> None:
        if isinstance(error, Unavailable):
            await self._run(worker, lifecycle.suspend(worker.cell, envelope, error))
        elif not worker.killed:  # else it made an error of its cancellation: one is enough
            await self._run(worker, lifecycle.crash(worker.cell, envelope, error))

    # Helping: the turn of one question, in the step of whoever asked

    def help(self, cell: Cell, question: Future[Any]) -> bool:
        """Answer `question` now, if that is all there is to do; False: wait as usual."""
        ready, helper = self._ready, self.helper
        if not self._helps or len(ready) != 1 or ready[0] is not cell:
            return False
        helper.helped += 1
        if helper.helped >= self._lead_turns_max or (
            not helper.helped % LOOK_EVERY_MESSAGES
            and self._stopwatch() - self._began > LEAD_SECONDS
        ):
            helper.helped = self._lead_turns_max
            return False
        if not helping.alone(cell, question, _NEVER_HELPED):
            return False
        deadline = question.deadline
        self.now = now = self._clock()
        if deadline is not None and now >= deadline:
            return False
        asker = current_worker.get()
        if asker is None or asker.cell.worker is not asker:
            self._handle_here(cell)
            return question.done
        if asker.killed:
            return False
        # It waits, as far as anybody can see: who kills it now cancels it.
        suspended, asker.cell.suspended = asker.cell.suspended, True
        try:
            self._handle_here(cell)
        finally:
            asker.cell.suspended = suspended
        return question.done and not asker.killed

    def _handle_here(self, cell: Cell) -> None:
        helper = self.helper
        self._ready.popleft()
        cell.worker, helper.cell, helper.replied_later = helper, cell, False
        assert cell.inbox is not None
        envelope = cell.current = cell.inbox.popleft()
        try:
            result = helper.context.run(cell.instance.on_receive, envelope[0])  # type: ignore[union-attr]  # it runs
        except Exception as error:  # noqa: BLE001 - the actor loop: see the head of this file
            helper.handed = (None, error)
        except BaseException:
            lifecycle.killed(cell)
            self._release(cell)
            raise
        else:
            if type(result) is not CoroutineType:
                _close(helper, envelope, result)
                self._release(cell)
                return
            helper.handed = (result, None)
        self._ready.append(cell)

    async def _take_over(self, worker: Worker, cell: Cell) -> None:
        """Go on where whoever helped had to stop: with a coroutine, or a failure."""
        envelope = cell.current
        assert envelope is not None
        result, error, worker.replied_later = self.helper.hand_over()
        if error is None and cell.signals and Signal.KILL in cell.signals:
            result.close()  # it never began: it must not make whoever killed it wait
            return
        try:
            if error is None:
                result = await self._run(worker, result)
        except Exception as failure:  # noqa: BLE001 - the actor loop: see the head of this file
            error = failure
        if error is None:
            _close(worker, envelope, result)
        else:
            await self._fall(worker, envelope, error)

    async def attempt(
        self, call: Callable[..., Any], *args: object
    ) -> tuple[Any, Exception | None]:
        """Call a hook or slow work, sync or async; answer its result or its failure."""
        try:
            result = call(*args)
            if type(result) is CoroutineType or isinstance(result, Awaitable):
                result = await result
        except Exception as error:  # noqa: BLE001 - the actor loop: see the head of this file
            return None, error
        return result, None

    async def beside(
        self, scope: trio.CancelScope, work: Callable[..., Any]
    ) -> tuple[Any, Exception | None] | None:
        """Do slow work until `scope` is cancelled; answer as `attempt`, or None if it was."""
        try:
            with scope:
                return await self.attempt(work)
        except Exception as error:  # what its tasks raised while they were cancelled
            log.warning("pipe.cancelled_untidily", exc_info=error)
        return None

    def _unwrap(self, cell: Cell, message: Any) -> Any:
        """Handle what is not a plain message: a proxy's call, a timer, the end of slow work."""
        instance: Any = cell.instance
        kind = type(message)
        if kind is TimerFired:
            if not message.live:
                return _STALE
            lifecycle.rearm(cell, message)
            return instance.on_receive(message.message)
        if kind is Piped:
            if message.incarnation != cell.incarnation:
                return _STALE
            return instance.on_receive(message.translate())
        return instance._handle_receive(message)  # noqa: SLF001 - pykka's hook for new runtimes

    async def _run(self, worker: Worker, handler: Coroutine[Any, Any, Any]) -> Any:
        """Run a handler; when it has to wait, the lead goes to somebody else meanwhile."""
        try:
            trap = handler.send(None)
        except StopIteration as finished:
            return finished.value
        return await self._go_on(worker, handler, trap)

    async def _go_on(self, worker: Worker, handler: Coroutine[Any, Any, Any], trap: Any) -> Any:
        cell = worker.cell
        cell.suspended = True
        if self.leader is worker:
            self.leader = None
            if self._ready:
                self._wake()
        try:
            return await forward(handler, trap)
        finally:
            cell.suspended = False
            self._begin()
            self.now = self._clock()

    def _release(self, cell: Cell) -> None:
        """Queue the cell again, or let it rest and take its empty inbox back."""
        cell.worker = None
        cell.correlation = None
        inbox = cell.inbox
        if cell.send_waiters is not None:
            lifecycle.wake_senders(cell)
        if cell.signals or (inbox and cell.state in _READY):
            self._ready.append(cell)
            if self.leader is None:
                self._wake()
            return
        cell.scheduled = False
        if inbox is not None and not inbox:
            cell.inbox = None
            if len(self._spare) < SPARE_INBOXES_MAX:
                self._spare.append(inbox)


_READY = frozenset({State.RUNNING, State.DORMANT})


def _close(worker: Worker, envelope: Envelope, result: Any) -> None:
    """The handler has ended well: write the fate of its message, and answer."""
    cell = worker.cell
    cell.current = cell.correlation = None
    later, worker.replied_later = worker.replied_later, False
    if cell.stashing:
        lifecycle.put_aside(cell, envelope)
        return
    cell.handled += 1
    if envelope[1] is not None and not later:
        envelope[1].resolve(result)
