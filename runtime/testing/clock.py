"""A clock that jumps: virtual seconds pass when nothing else is left to do, and only then.

Trio asks its clock how long to sleep when no task can run. This one does not sleep: it moves
to the next deadline, exactly. With no deadline left nothing will ever happen again; trio would
wait for ever, this clock says who waits where.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import outcome
import trio
from trio._core import _run as trio_run

from runtime.testing.waiting import leaves, runnable, waiting

T = TypeVar("T")

VIRTUAL_DAYS_MAX = 400.0
"""A run that has not ended by then goes round in circles, unless it says otherwise."""
IDLE_SECONDS = 3600.0
"""What trio is told where it wakes itself up at once; it never sleeps that long."""
PASSES_AT_ONCE_MAX = 200_000
"""Passes of trio without the virtual clock moving, after which a run is a `Livelock`; twice that at
most. A pass is one step of each task that can run, or of one, as the scheduler says.
"""
HURRY_EVERY_PASSES = 100
HURRY_SECONDS = 60.0
"""So fast time goes by while a livelock ends: whose patience is over then cancels who spins."""
HURRIES_MAX = 100
"""Who goes on after so many cannot be stopped: the run is dropped as it stands."""
SPINNERS_MAX = 5
"""Tasks that a livelock names."""

ASK_EVERY_PASSES = 256
"""The kernel is asked so often while the outside world is not listened to: for Ctrl-C."""

NOTHING_CAN_RUN = (
    "deadlock: nothing can run any more, and no timer is set "
    "(a test that waits for the outside world is marked `real_clock`)"
)


class Stuck(AssertionError):  # noqa: N818 - a verdict on the run
    """A run that could not end; the text says what every task was waiting for."""


class Deadlock(Stuck):
    """Nothing can run, and no deadline will change that."""


class TimeIsUp(Stuck):
    """The virtual time that the run was given has passed."""


class Livelock(Stuck):
    """Something goes on and on, and never lets the virtual clock move."""


class JumpClock(trio.abc.Clock):
    """Starts at 0.0; each jump ends exactly on a deadline.

    Nothing outside of trio can be waited for: threads, real sockets and child processes need
    trio's own clock. `limit_seconds` of virtual time after which the run is `TimeIsUp`.
    """

    def __init__(self, *, limit_seconds: float = VIRTUAL_DAYS_MAX * 86_400) -> None:
        self.limit_seconds = limit_seconds
        self.failure: BaseException | None = None
        """Why the run was cancelled, if it was."""
        self.scope: trio.CancelScope | None = None
        """What is cancelled then; None while trio itself begins and ends."""
        self._now = 0.0

    def start_clock(self) -> None:
        """Nothing to start."""

    def current_time(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Jump to `deadline`; trio asks only when no task can run."""
        if trio_run.GLOBAL_RUN_CONTEXT.runner.waiting_for_idle:
            return IDLE_SECONDS  # `wait_all_tasks_blocked` comes first, and lets no time pass
        if self.scope is None and trio.lowlevel.current_statistics().run_sync_soon_queue_size:
            return IDLE_SECONDS  # as it ends, trio calls itself from outside
        if deadline == math.inf:
            self._give_up(Deadlock(NOTHING_CAN_RUN))
        elif deadline > self._now:
            if deadline > self.limit_seconds:
                self._give_up(TimeIsUp(f"no end after {self.limit_seconds:,.0f} virtual seconds"))
            self._now = deadline
        return 0.0

    def stall(self, seconds: float) -> None:
        """Let time pass although tasks could run: whatever is due meanwhile comes late."""
        self._now += seconds

    def fail(self, failure: BaseException) -> None:
        """End the run with `failure`, unless it is ending already. Callable from anywhere.

        Trio's clocks and instruments must not raise, so this cancels everything instead.
        """
        if self.failure is None and self.scope is not None:
            self.failure = failure
            self.scope.cancel()
            self.limit_seconds = math.inf

    def drop(self, stuck: Stuck) -> None:
        """End the run of whoever cannot even be cancelled: trio falls over its own clock."""

        def broken() -> float:
            raise stuck

        self.failure = self.failure or stuck
        self.current_time = broken  # type: ignore[method-assign]  # asked by trio in each pass

    def _give_up(self, stuck: Stuck) -> None:
        told = type(stuck)(f"{stuck}\n{waiting()}")
        if self.failure is None and self.scope is not None:
            self.fail(told)
        elif isinstance(stuck, Deadlock):
            # Cancelled they still wait, for they are shielded: nothing but an error wakes them.
            self.failure = self.failure or told
            for task in leaves():
                trio.lowlevel.reschedule(task, outcome.Error(stuck))
        else:
            self.drop(told)


class Patience:
    """Counts what happens while the virtual clock stands still, up to `most` of `what`."""

    def __init__(self, clock: Callable[[], float], most: int, what: str) -> None:
        self.until = most
        """Who counts further than this asks `lost`."""
        self._clock = clock
        self._most = most
        self._what = what
        self._moved_at = 0.0

    def lost(self, count: int, last: Sequence[str]) -> Livelock | None:
        """Why the run must end, which `last` came to; None if the clock has moved meanwhile."""
        now = self._clock()
        self.until = count + self._most
        if now == self._moved_at:
            spins = f"livelock: {self._most:,} {self._what} without the virtual clock moving"
            return Livelock("\n  ".join([f"{spins}; the last:", *last]))
        self._moved_at = now
        return None


class _Spinning(trio.abc.Instrument):
    """Notices who keeps the clock from moving; ends the run, and drops it if it does not end."""

    def __init__(self, clock: JumpClock, passes_max: int) -> None:
        self._clock = clock
        self._passes = 0
        self._patience = Patience(clock.current_time, passes_max, "passes of trio")
        self._hurries = 0

    def before_io_wait(self, _: float) -> None:
        """Once in each pass."""
        self._passes += 1
        if self._passes <= self._patience.until:
            return
        if self._hurries:
            self._hurry()
            return
        stuck = self._patience.lost(self._passes, runnable(SPINNERS_MAX))
        if stuck is not None:
            self._clock.fail(stuck)
            self._hurry()

    def _hurry(self) -> None:
        """Give it some passes more, in which time passes although tasks could run."""
        self._hurries += 1
        self._patience.until = self._passes + HURRY_EVERY_PASSES
        if self._hurries <= HURRIES_MAX:
            self._clock.stall(HURRY_SECONDS)
        else:
            who = runnable(SPINNERS_MAX)
            self._clock.drop(Livelock("\n  ".join(["livelock that nothing can stop:", *who])))


class _Deaf:
    """Stands where trio keeps what it asks the kernel with, before each pass and for nothing."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._passes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    def get_events(self, timeout: float) -> Any:
        """What has happened outside: nothing, unless trio could sleep, or it is time to ask."""
        self._passes += 1
        if timeout > 0 or not self._passes % ASK_EVERY_PASSES:
            return self._kernel.get_events(timeout)
        return ()

    def process_events(self, events: Any) -> None:
        """Pass on what has happened, if anything has."""
        if events:
            self._kernel.process_events(events)


def stop_listening() -> None:
    """From here on the present trio run is rarely asked for anything from outside: where no real
    socket, thread or child process is, that is a system call before each pass for nothing.
    """
    runner = trio_run.GLOBAL_RUN_CONTEXT.runner
    runner.io_manager = _Deaf(runner.io_manager)  # type: ignore[assignment]


def run(
    async_fn: Callable[..., Awaitable[T]],
    *args: object,
    clock: JumpClock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
    passes_max: int = PASSES_AT_ONCE_MAX,
) -> T:
    """`trio.run` in virtual time. Raises `Stuck` for a run that cannot end.

    `passes_max` passes without the clock moving make it a `Livelock`.

    >>> run(trio.sleep, 86_400)  # a day, at once
    """
    clock = clock or JumpClock()

    async def scoped() -> T:
        try:
            with trio.CancelScope() as clock.scope:
                result = await async_fn(*args)
                if clock.failure is None:  # else it came to its end before it was cancelled
                    return result
        finally:
            clock.scope = None
        assert clock.failure is not None
        raise clock.failure

    try:
        watch = [*instruments, _Spinning(clock, passes_max)]
        return trio.run(scoped, clock=clock, instruments=watch)
    except BaseException as error:
        if clock.failure is not None and error is not clock.failure:
            raise clock.failure from error
        raise
