"""The life of an incarnation: start, failure, suspension, sleep, stop.

Everything that may wait runs inside a worker's turn, so that a hook never overlaps a handler
of the same actor. What happens next is the parent's decision, made in one synchronous step.
"""

from __future__ import annotations

from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Literal

import structlog
from pykka.messages import _ActorStop

from runtime.cell import Cell
from runtime.errors import ActorDeadError, Timeout, Unavailable
from runtime.events import ActorFailed, ActorStarted, ActorStopped, ActorSuspended
from runtime.incarnation import incarnate
from runtime.message import Piped, Terminated, TimerFired
from runtime.state import Signal, State
from runtime.worker import forward

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.cell import Envelope

log = structlog.get_logger("runtime.lifecycle")

_STOPS_IN_TURN = frozenset({State.STARTING, State.RUNNING, State.STOPPING})
_STARTABLE = frozenset({State.NEW, State.STARTING, State.RESTARTING, State.WAITING, State.DORMANT})


async def obey(cell: Cell) -> None:
    """Do what supervision asked for, in order; start what is to be started.

    That is a child whose start has just begun, and a dormant actor that has messages.
    """
    while cell.signals:
        signal = cell.signals.popleft()
        if cell.state is State.STOPPED:
            continue
        if signal is Signal.KILL:
            killed(cell)
        elif signal is Signal.HALT:
            await _halt(cell)
        elif signal is Signal.SLEEP:
            await _sleep(cell)
        elif cell.state in _STARTABLE:
            await _start(cell)
    if cell.state is State.STARTING or (cell.state is State.DORMANT and cell.inbox):
        await _start(cell)


# Start


async def _start(cell: Cell) -> None:
    cell.become(State.STARTING)
    cancel_start(cell)
    system = cell.system
    _, error = await system.workers.attempt(_incarnate_and_start, cell)
    if error is None:
        cell.become(State.RUNNING)
        cell.last_active = system.world.monotonic()
        if system.events.wanted(ActorStarted):
            system.events.publish(ActorStarted(path=cell.path, incarnation=cell.incarnation))
    elif isinstance(error, Unavailable):
        _suspended(cell, error)
    else:
        await _failed(cell, error)


async def _incarnate_and_start(cell: Cell) -> None:
    if cell.instance is None:
        incarnate(cell)
    assert cell.instance is not None
    started = cell.call(cell.instance.on_start)
    if started is None:
        return
    if type(started) is CoroutineType:
        try:
            trap = started.send(None)
        except StopIteration:
            return
        started = forward(started, trap)  # most starts do not wait, and owe no timer
    system, seconds = cell.system, cell.parent.start_seconds(cell)
    late = Timeout(f"{cell.path} was not up after {seconds} s")
    timer = system.timers.call_at(system.world.monotonic() + seconds, partial(kill, cell, late))
    try:
        await started
    finally:
        system.timers.cancel(timer)  # also when it was killed: its next life owes nothing


# Failure


async def crash(cell: Cell, envelope: Envelope, error: Exception) -> None:
    """A handler raised: the message is dead, the asker hears why, supervision decides."""
    cell.current = None
    cell.bury(envelope, "failed", error)
    await _failed(cell, error)


async def _failed(cell: Cell, error: Exception) -> None:
    instance: Any = cell.instance
    _fell(cell, error)
    if instance is not None:
        told = (type(error), error, error.__traceback__)
        _, second = await cell.system.workers.attempt(cell.call, instance.on_failure, *told)
        close_thread(cell)
        if second is not None:
            log.error("actor.on_failure_failed", actor=cell.path, exc_info=second)
    _report(cell, error)


def _report(cell: Cell, error: BaseException) -> None:
    if cell.state is State.STOPPED:
        return  # it was stopped while it looked at its failure
    if cell.closing:
        finish(cell, "failed")
    else:
        cell.parent.child_failed(cell, error)


def _fell(cell: Cell, error: BaseException) -> None:
    cell.failed += 1
    cell.last_error = repr(error)  # not the error: its traceback would keep the instance alive
    incarnation = cell.incarnation
    _dismantle(cell, error)
    cell.become(State.RESTARTING)
    if cell.parent.speaks(error):
        log.error("actor.failed", actor=cell.path, incarnation=incarnation, exc_info=error)
    system = cell.system
    if system.events.wanted(ActorFailed):
        system.events.publish(ActorFailed(path=cell.path, incarnation=incarnation, error=error))


async def suspend(cell: Cell, envelope: Envelope, error: Unavailable) -> None:
    """A dependency is away. What was told is done again later; an asker is told now."""
    cell.current = None
    if type(envelope[0]) in (TimerFired, Piped):
        cell.expire(envelope)  # they end with their incarnation; `on_start` begins anew
    elif envelope[1] is None:
        cell.put_back(envelope)
    else:
        cell.bury(envelope, "failed", error)
    _suspended(cell, error)


def _suspended(cell: Cell, error: Unavailable) -> None:
    cell.last_error = repr(error)
    _dismantle(cell, error)
    close_thread(cell)
    cell.become(State.WAITING)
    delay = cell.parent.retry_delay_seconds(cell)
    if error.retry_after_seconds is not None:
        delay = max(delay, error.retry_after_seconds)
    if cell.parent.speaks(error):
        log.warning("actor.suspended", actor=cell.path, seconds=round(delay, 3), reason=str(error))
    system = cell.system
    if system.events.wanted(ActorSuspended):
        event = ActorSuspended(path=cell.path, error=error, delay_seconds=delay)
        system.events.publish(event)
    cell.parent.start_after(cell, delay)
    if cell.closing:
        finish(cell, "stopped")


# Kill: for what does not stop, or does not start, in time


class OverdueError(TimeoutError):
    """Not halted in time. What comes next has been decided by whoever halts it."""


def kill(cell: Cell, error: Exception | None = None) -> None:
    """End the incarnation now, cancelling a handler that waits.

    Without `error` it is the end of the actor; with it, it is a failure like any other.
    """
    if cell.state is State.STOPPED:
        return
    cell.kill_error = error
    if error is None:
        cell.closing = True
    if cell.suspended:
        assert cell.worker is not None
        cell.worker.kill()
    elif cell.worker is not None:
        cell.signal(Signal.KILL)  # its handler is on the stack right now; after it
    else:
        killed(cell)


def killed(cell: Cell) -> None:
    """The handler, if one ran, is gone: write its fate and go on."""
    if cell.state is State.STOPPED:
        return
    envelope, cell.current = cell.current, None
    if envelope is not None:
        cell.bury(envelope, "killed")
    while cell.batch:
        cell.bury(cell.batch.popleft(), "killed")
    error, cell.kill_error = cell.kill_error, None
    if error is None:
        finish(cell, "killed")
    else:
        _fell(cell, error)
        close_thread(cell)
        if cell.closing or not isinstance(error, OverdueError):
            _report(cell, error)
        elif cell.signals and Signal.HALT in cell.signals:
            cell.signals.remove(Signal.HALT)  # done: it must not undo what comes next


# Stop


def request_stop(cell: Cell, stopped: Callable[[bool], None]) -> None:
    """Handle what is queued, then stop for good; `stopped(False)` if it was dead already."""
    if cell.state is State.STOPPED:
        stopped(False)  # noqa: FBT003 - pykka's answer: was it alive?
        return
    if cell.stop_waiters is None:
        cell.stop_waiters = []
    cell.stop_waiters.append(lambda: stopped(True))  # noqa: FBT003
    if cell.closing:
        return
    if cell.state in _STOPS_IN_TURN or (cell.state is State.DORMANT and cell.inbox):
        cell.fire(_ActorStop())
        cell.closing = True
    else:
        finish(cell, "stopped")


async def stop_in_turn(cell: Cell, envelope: Envelope) -> None:
    """The poison pill's turn: it is counted first, for a cell that ended gave its counts away."""
    cell.current = None
    cell.handled += 1
    await stop(cell)
    if envelope[1] is not None:
        envelope[1].resolve(None)


async def stop(cell: Cell) -> None:
    """The stop's turn in the queue has come: everything told before it has been handled."""
    cell.become(State.STOPPING)
    await _leave(cell)
    if not cell.closing and cell.parent.child_exited(cell):
        _dismantle(cell, None)
        close_thread(cell)
        cell.become(State.RESTARTING)
        return
    if not cell.closing and cell.key is not None and _has_work(cell):
        _dismantle(cell, None)
        close_thread(cell)
        cell.become(State.DORMANT)  # what is queued behind is for the key's next incarnation
        return
    finish(cell, "stopped")


async def _halt(cell: Cell) -> None:
    if cell.instance is not None:
        cell.become(State.STOPPING)
        await _leave(cell)
        _dismantle(cell, None)
        close_thread(cell)
    cancel_start(cell)
    cell.become(State.RESTARTING)


async def _sleep(cell: Cell) -> None:
    if cell.state is State.DORMANT and not cell.inbox:
        cell.parent.child_asleep(cell)
        return
    if cell.state is not State.RUNNING or _has_work(cell):
        return
    if cell.pipes or cell.stash or cell.replies:
        return
    cell.become(State.STOPPING)
    seconds = cell.parent.sleep_seconds(cell)
    system = cell.system
    late = Timeout(f"{cell.path} did not fall asleep within {seconds} s")
    timer = system.timers.call_at(system.world.monotonic() + seconds, partial(kill, cell, late))
    try:
        await _leave(cell)
    finally:
        system.timers.cancel(timer)
    _dismantle(cell, None)
    close_thread(cell)
    # What arrived meanwhile is for the next incarnation; timers ended with this one.
    cell.become(State.DORMANT)
    if not _has_work(cell):
        while cell.inbox:
            cell.expire(cell.take())
        cell.parent.child_asleep(cell)


def _has_work(cell: Cell) -> bool:
    """Whether anything is queued but the actor's own timers."""
    return any(type(envelope[0]) is not TimerFired for envelope in cell.inbox or ())


async def _leave(cell: Cell) -> None:
    assert cell.instance is not None
    _, error = await cell.system.workers.attempt(cell.call, cell.instance.on_stop)
    if error is not None:
        cell.last_error = repr(error)
        log.error("actor.on_stop_failed", actor=cell.path, exc_info=error)


def finish(cell: Cell, reason: Literal["stopped", "failed", "killed", "asleep"]) -> None:
    """The end of the actor: nothing waits any more, and everybody who watches hears it."""
    cell.closing = True
    close_thread(cell)
    cancel_start(cell)
    _dismantle(cell, None)
    cell.bury_queue("killed" if reason == "killed" else "stopped")
    cell.become(State.STOPPED)
    wake_senders(cell)
    system = cell.system
    if cell.subscribed:
        system.events.unsubscribe(cell.ref)
    watchers, cell.watchers = cell.watchers, None
    for watcher in watchers or ():
        if watcher.is_alive():
            watcher.inform(Terminated(ref=cell.ref, reason=reason))
    waiters, cell.stop_waiters = cell.stop_waiters, None
    for wake in waiters or ():
        wake()
    if system.events.wanted(ActorStopped):
        system.events.publish(ActorStopped(path=cell.path, reason=reason))
    cell.parent.child_finished(cell)


def _dismantle(cell: Cell, error: BaseException | None) -> None:
    """Take down what belonged to the incarnation: timers, slow work, promised replies."""
    cell.instance = None
    cell.stashing = False
    for fired, handle in (cell.timers or {}).values():
        fired.live = False
        cell.system.timers.cancel(handle)
    cell.timers = None
    for scope in cell.pipes or ():
        scope.cancel()
    cell.pipes = None
    replies, cell.replies = cell.replies, None
    for reply in tuple(replies or ()):
        reply.break_off(error or ActorDeadError(f"{cell.path} stopped before it answered"))
    cell.unstash()


# Small steps shared with the workers


def put_aside(cell: Cell, envelope: Envelope) -> None:
    """The handler has stashed its message: it waits until `unstash`."""
    cell.stashing = False
    assert cell.stash is not None
    if type(envelope[0]) is TimerFired:
        envelope = (envelope[0].message, *envelope[1:])  # it has fired, and fires no more
    cell.stash.append(envelope)


def close_thread(cell: Cell) -> None:
    """Let the incarnation's own thread end once it has done what it was told."""
    if cell.thread is not None:
        cell.thread.close()
        cell.thread = None


def cancel_start(cell: Cell) -> None:
    """Forget a start that was planned."""
    if cell.start_timer is not None:
        cell.system.timers.cancel(cell.start_timer)
        cell.start_timer = None


def rearm(cell: Cell, fired: TimerFired) -> None:
    """A timer's message is being handled: repeat it, with a fixed delay, or forget it."""
    if fired.every_seconds is None:
        if cell.timers is not None:
            cell.timers.pop(fired.key, None)
        return
    when = cell.system.world.monotonic() + fired.every_seconds
    assert cell.timers is not None
    cell.timers[fired.key] = (fired, cell.system.timers.call_at(when, partial(cell.fire, fired)))


def wake_senders(cell: Cell) -> None:
    """Let those in whom back-pressure held up, as far as there is room again."""
    room = cell.policy.send_below - cell.queued
    while cell.send_waiters and (room > 0 or cell.closing):
        room -= 1
        cell.send_waiters.popleft()()
    if not cell.send_waiters:
        cell.send_waiters = None
