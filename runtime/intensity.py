"""Pure: how many restarts in how long are allowed, and how long to wait before each.

The budget is counted per child, never per supervisor: a thousand children that crash once
are not one child that crashes a thousand times. Both forget after a quiet period.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

RESTARTS_MAX = 5
RESTARTS_WITHIN_SECONDS = 60.0
BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_LAST_SECONDS = 30.0
BACKOFF_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Budget:
    """`restarts` in any window of `within_seconds`; the next failure is one too many."""

    restarts: int = RESTARTS_MAX
    within_seconds: float = RESTARTS_WITHIN_SECONDS


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from `first_seconds` to `last_seconds`.

    Each is spread by a random share of up to `jitter` above or below, so that a crowd that
    fell together does not come back together.
    """

    first_seconds: float = BACKOFF_FIRST_SECONDS
    last_seconds: float = BACKOFF_LAST_SECONDS
    jitter: float = BACKOFF_JITTER

    def delay_seconds(self, attempt: int, random: Random) -> float:
        """How long to wait before restart number `attempt` (from 0)."""
        # 2**1000 would overflow long after the cap is reached.
        doubled = self.first_seconds * 2.0 ** min(attempt, 64)
        spread = 1.0 + self.jitter * (2.0 * random.random() - 1.0)
        return min(doubled, self.last_seconds) * spread


DEFAULT_BUDGET = Budget()
DEFAULT_BACKOFF = Backoff()


class Intensity:
    """What one child has used of its budget."""

    __slots__ = ("_attempt", "_backoff", "_budget", "_failures", "_last")

    def __init__(self, budget: Budget, backoff: Backoff) -> None:
        self._budget = budget
        self._backoff = backoff
        self._failures: deque[float] = deque()
        self._attempt = 0
        self._last = float("-inf")

    def failed(self, now: float) -> bool:
        """Count a failure at `now` (monotonic seconds); False when it was one too many."""
        self._forget(now)
        self._failures.append(now)
        return len(self._failures) <= self._budget.restarts

    def delay_seconds(self, now: float, random: Random) -> float:
        """How long to wait before trying again, and count the attempt.

        A quiet period of twice the longest delay starts the doubling anew.
        """
        if now - self._last > 2.0 * self._backoff.last_seconds:
            self._attempt = 0
        delay = self._backoff.delay_seconds(self._attempt, random)
        self._attempt += 1
        self._last = now + delay
        return delay

    def forgive(self) -> None:
        """Forget the failures, and go on with the back-off."""
        self._failures.clear()

    def used(self, now: float) -> int:
        """Failures that still count."""
        self._forget(now)
        return len(self._failures)

    def quiet(self, now: float) -> bool:
        """Nothing left to remember."""
        return self.used(now) == 0 and now - self._last > 2.0 * self._backoff.last_seconds

    def _forget(self, now: float) -> None:
        while self._failures and now - self._failures[0] >= self._budget.within_seconds:
            self._failures.popleft()
