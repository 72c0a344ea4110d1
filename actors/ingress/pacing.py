"""How much one source may deliver, and how long an event waits for its next attempt. Pure."""

from __future__ import annotations

DELIVERIES_PER_SECOND = 2_000.0
DELIVERIES_BURST = 4_000.0
"""What one source may deliver, and how much of it at once after a pause: twenty times the volume
that we promise. It protects the other sources and the store from one that has gone mad."""

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
