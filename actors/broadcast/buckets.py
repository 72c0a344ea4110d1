"""Exact counting against a monotonic clock: a pace, and a window. Pure.

Time is whole microseconds ("ticks"), rounded down, so that nothing drifts; each wait is one
tick longer than the rule asks, so that rounding never makes it shorter.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

TICKS_PER_SECOND = 1_000_000


def ticks(seconds: float) -> int:
    """The last tick that is over at `seconds` of the monotonic clock."""
    return math.floor(seconds * TICKS_PER_SECOND)


def span(seconds: float) -> int:
    """The least number of ticks that is not shorter than `seconds`."""
    return math.ceil(seconds * TICKS_PER_SECOND)


class Pace:
    """A token bucket: `burst` at once, then `per_second`; its whole state is one deadline."""

    __slots__ = ("_full_at", "_interval", "_slack")

    def __init__(self, *, per_second: int, burst: int) -> None:
        # One tick more: the real moments of two ticks are up to one tick closer together.
        self._interval = span(1 / per_second) + 1
        self._slack = (burst - 1) * self._interval
        self._full_at = 0

    def empty(self, now: int) -> None:
        """Have no token left at `now`."""
        self._full_at = max(self._full_at, now) + self._slack + self._interval

    def due(self, *, spare: int = 0) -> int:
        """The first tick at which a token is there, and `spare` more, as far as it holds them."""
        return self._full_at - max(0, self._slack - spare * self._interval)

    def spend(self, now: int) -> None:
        """Take a token, also one that is not there yet."""
        self._full_at = max(self._full_at, now) + self._interval

    def refund(self) -> None:
        """A token that was taken was not needed."""
        self._full_at -= self._interval

    def left(self, now: int) -> int:
        """Tokens there at `now`."""
        missing = max(0, self._full_at - now)
        return max(0, (self._slack + self._interval - missing) // self._interval)

    def idle(self, now: int) -> bool:
        """Whether it is full, so that a new one would be the same."""
        return self._full_at <= now


class Window:
    """At most so many in any `seconds`: remembers until when each of the last ones counts."""

    __slots__ = ("_ends", "_span")

    def __init__(self, *, seconds: float) -> None:
        self._span = span(seconds) + 1
        self._ends: deque[int] = deque()

    def due(self, now: int, *, room: int) -> int:
        """The first tick at which fewer than `room` (at least 1) of them count."""
        self._expire(now)
        excess = len(self._ends) - room
        return self._ends[excess] if excess >= 0 else 0

    def spend(self, now: int) -> None:
        """One was answered at `now`, which never goes back."""
        self._ends.append(now + self._span)

    def ends(self, now: int) -> tuple[int, ...]:
        """Until when each of those counts that still do."""
        self._expire(now)
        return tuple(self._ends)

    def restore(self, ends: Iterable[int]) -> None:
        """Others were answered, and count until then."""
        self._ends = deque(sorted((*self._ends, *ends)))

    def idle(self, now: int) -> bool:
        """Whether none of them counts any more."""
        self._expire(now)
        return not self._ends

    def _expire(self, now: int) -> None:
        while self._ends and self._ends[0] <= now:
            self._ends.popleft()


class Counter:
    """At most `ceiling` requests in any second of the receiver's, whatever the latencies.

    A client cannot know when a request is counted: somewhere between its start and its answer.
    So it counts here from its start until a whole second after its answer.
    """

    __slots__ = ("_ceiling", "_open", "_second")

    def __init__(self, ceiling: int) -> None:
        self._ceiling, self._open = ceiling, 0
        self._second = Window(seconds=1)

    def due(self, now: int, *, spare: int = 0) -> int | None:
        """When another may start, and `spare` more after it; None: not before an open one is
        answered.
        """
        room = self._ceiling - self._open - spare
        return None if room < 1 else self._second.due(now, room=room)

    def start(self) -> None:
        """A request starts."""
        self._open += 1

    def end(self, now: int, *, counted: bool) -> None:
        """It was answered; `counted` unless it certainly never arrived."""
        self._open -= 1
        if counted:
            self._second.spend(now)

    def idle(self, now: int) -> bool:
        """Whether nothing was sent in the last second."""
        return not self._open and self._second.idle(now)
