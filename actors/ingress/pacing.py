"""How much one source may deliver, who of those that wait is next, when the work on events makes
room for deliveries, and how long an event waits for its next attempt. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")

DELIVERIES_PER_SECOND = 2_000.0
DELIVERIES_BURST = 4_000.0
"""What one source may deliver, and how much of it at once after a pause: twenty times the volume
that we promise. It protects the other sources and the store from one that has gone mad."""

BURST_EVENTS = 4
"""So many that are stored together came faster than the store is: more will follow."""
YIELD_SECONDS = 0.05
"""How long after a part of a burst its next part is waited for."""
YIELD_MAX_SECONDS = 3.0
"""How long one burst may hold up the work on events: some thousands of deliveries."""
APART_SECONDS = 1.0
"""What lies between two bursts; a shorter pause is a part of one, which has only one such time."""

RETRY_FIRST_SECONDS = 1.0
RETRY_MAX_SECONDS = 600.0
ATTEMPTS_MAX = 150
"""The first ten attempts take about 17 minutes, the others 10 minutes each: a provider's API may
be away for a day before its events wait for a person."""

_DOUBLINGS_MAX = 16


class Bucket:
    """Tokens that come back at `per_second`, up to `burst`; times are monotonic seconds."""

    __slots__ = ("_burst", "_level", "_per_second", "_seen_at")

    def __init__(self, *, per_second: float, burst: float) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a bucket gives at least one token, sooner or later")
        self._per_second, self._burst = per_second, burst
        self._level, self._seen_at = burst, 0.0

    def take(self, now: float) -> float:
        """Take a token. 0 when there was one, else in how many seconds there will be."""
        if now > self._seen_at:
            refilled = self._level + (now - self._seen_at) * self._per_second
            self._level, self._seen_at = min(self._burst, refilled), now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._per_second


class Turns(Generic[T]):
    """Whoever waits, in one line for each source: inside a line nobody overtakes, and the lines
    take turns, so that the longest does not hold up the others.
    """

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[tuple[T, int]]] = {}
        """None of them empty; whose turn it is comes first."""

    def __bool__(self) -> bool:
        return bool(self._lines)

    def put(self, line: Hashable, item: T, *, size: int) -> None:
        """Wait in `line`."""
        waiting = self._lines.get(line)
        if waiting is None:
            self._lines[line] = deque([(item, size)])
        else:
            waiting.append((item, size))

    def take(self, *, items_max: int, size_max: int) -> tuple[T, ...]:
        """Those that go together: at most so many, and of so much size; the first one goes
        however large it is. Empty when nobody waits.
        """
        taken: list[T] = []
        room = size_max
        while self._lines and len(taken) < items_max:
            line, waiting = next(iter(self._lines.items()))
            item, size = waiting[0]
            if taken and size > room:
                break
            waiting.popleft()
            del self._lines[line]
            if waiting:
                self._lines[line] = waiting  # behind the others
            taken.append(item)
            room -= size
        return tuple(taken)


class Courtesy:
    """Deliveries come first: what is not acknowledged in time is delivered once more, and costs
    twice. So the work on events waits while they come in a burst, though not for long.
    """

    __slots__ = ("_last", "_since", "_until")

    def __init__(self) -> None:
        self._last = self._since = self._until = -inf

    def told(self, stored: int, now: float) -> None:
        """So many events were stored together."""
        if stored < BURST_EVENTS:
            return  # also in the middle of a burst few may come together
        if now - self._last > APART_SECONDS:
            self._since = now
        self._last = now
        self._until = min(now + YIELD_SECONDS, self._since + YIELD_MAX_SECONDS)

    def seconds(self, now: float) -> float:
        """How long the work still waits; 0 when it need not."""
        return max(0.0, self._until - now)


def retry_seconds(attempts: int, *, jitter: float, asked_seconds: float | None = None) -> float:
    """Wait after the `attempts`-th failure: 1 s doubling to 10 minutes, of which the upper half
    is random (`jitter` in [0, 1)); at least what the other side asked for, if that is sane.
    """
    doublings = min(max(attempts - 1, 0), _DOUBLINGS_MAX)
    full = min(RETRY_MAX_SECONDS, RETRY_FIRST_SECONDS * 2.0**doublings)
    wait = full * (1 + jitter) / 2
    if asked_seconds is None:
        return wait
    # The constant comes first: `min` and `max` keep their first argument when the other is NaN.
    return max(wait, min(RETRY_MAX_SECONDS, asked_seconds))
