"""A trio run that goes one step at a time, whenever somebody outside of trio wants it to.

Trio's guest mode lends it another event loop; here that loop is a queue, from which ticks are
taken only while something is to be done. Its clock stands still until it is moved.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import outcome
import trio
from trio._core import _run as trio_run

from runtime.testing.amounts import amount
from runtime.testing.clock import (
    HURRIES_MAX,
    HURRY_SECONDS,
    IDLE_SECONDS,
    Deadlock,
    Livelock,
    Stuck,
)
from runtime.testing.waiting import waiting

TICKS_MAX = 100_000
"""More than this without time passing is a circle."""
HURRY_TICKS = 100
"""After so many more of them a run that is dropped sees time pass."""


class StillClock(trio.abc.Clock):
    """Stands still, and notes when trio has nothing to do."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.idle = False
        """Trio has asked how long to sleep since this was last cleared, and nothing was due."""
        self.deadline = math.inf
        """What it would sleep for."""

    def start_clock(self) -> None:
        """Nothing to start."""

    def current_time(self) -> float:
        """Virtual seconds since the start."""
        return self.seconds

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Never sleep: a guest that sleeps needs a thread."""
        if trio_run.GLOBAL_RUN_CONTEXT.runner.waiting_for_idle:
            return IDLE_SECONDS  # `wait_all_tasks_blocked` is next, and lets no time pass
        self.idle = deadline > self.seconds
        self.deadline = deadline
        return 0.0


class Guest:
    """One run of `async_fn`. `ordered` surrounds every step, to say in which order tasks go.

    `ticks_max` of them without time passing are a `Livelock`.
    """

    def __init__(
        self,
        async_fn: Callable[[], Awaitable[None]],
        *,
        ordered: Callable[[], AbstractContextManager[None]] = nullcontext,
        ticks_max: int = TICKS_MAX,
    ) -> None:
        self.clock = StillClock()
        self.outcome: outcome.Outcome[None] | None = None
        """How it ended, once it has."""
        self._ordered = ordered
        self._ticks_max = ticks_max
        self._ticks: deque[Callable[[], object]] = deque()
        with ordered():
            trio.lowlevel.start_guest_run(
                async_fn,
                run_sync_soon_threadsafe=self._ticks.append,
                done_callback=self._done,
                host_uses_signal_set_wakeup_fd=True,
                clock=self.clock,
            )

    def _done(self, how: outcome.Outcome[Any]) -> None:
        self.outcome = how

    def settle(self) -> None:
        """Go on until nothing can without the clock. Raises what the run has ended with."""
        self._settle()
        if isinstance(self.outcome, outcome.Error):
            raise self.outcome.error

    def advance(self, seconds: float) -> None:
        """Let time pass; whatever comes due happens at its own time. Raises as `settle`, and
        `ValueError` for seconds by which time cannot go on.
        """
        amount("seconds", seconds)
        self.settle()
        end = self.clock.seconds + seconds
        while self.outcome is None and self.clock.deadline <= end:
            self._jump(self.clock.deadline)
            self.settle()
        self._jump(end)

    def until(self, done: Callable[[], object]) -> None:
        """Go on, through as much time as it takes. Raises as `settle`, and `Deadlock`."""
        self.settle()
        while not done():
            self._pass_time()
            self.settle()

    def end(self) -> outcome.Outcome[None]:
        """Go on until the run is over. Raises `Deadlock`."""
        self._settle()
        while self.outcome is None:
            self._pass_time()
            self._settle()
        return self.outcome

    def drop(self) -> None:
        """Get out of the run, whoever spins in it: time passes for him, then all falls as it is."""
        for _ in range(HURRIES_MAX):
            self._tick(HURRY_TICKS)
            if self.outcome is not None:
                return
            self._jump(self.clock.seconds + HURRY_SECONDS)

        def broken() -> float:
            raise Livelock("livelock that nothing can stop")

        self.clock.current_time = broken  # type: ignore[method-assign]  # trio falls over it
        self._tick(HURRY_TICKS)

    def _pass_time(self) -> None:
        if self.outcome is not None:
            raise Stuck("the run is over, and what was waited for has not happened")
        if self.clock.deadline == math.inf:
            raise Deadlock(f"deadlock: nothing can run, and no timer is set\n{waiting()}")
        self._jump(self.clock.deadline)

    def _jump(self, when: float) -> None:
        self.clock.seconds = max(when, self.clock.seconds)

    def _settle(self) -> None:
        if not self._tick(self._ticks_max):
            rest = f"no rest after {self._ticks_max:,} ticks, and no time has passed"
            raise Livelock(f"{rest}\n{waiting()}")

    def _tick(self, most: int) -> bool:
        """Go on until nothing can; whether that was within so many ticks."""
        idle = 0
        with self._ordered():
            for _ in range(most):
                # Twice: what came in from outside is seen at the beginning of the next tick.
                if idle == 2 or self.outcome is not None:  # noqa: PLR2004
                    return True
                self.clock.idle = False
                self._ticks.popleft()()
                idle = idle + 1 if self.clock.idle else 0
        return False
