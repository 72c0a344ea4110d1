"""Broadcasts whose recipients could not be looked up, and when that is tried again. Pure.

A look costs what the audience costs, and one that takes too long is broken off by the store. So
each failure doubles the pause to the next try, and somebody hears of the third.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.kernel.ids import BroadcastId

PAUSE_FIRST_SECONDS = 5.0
PAUSE_MAX_SECONDS = 300.0
FAILURES_SHOWN = 3
_DOUBLINGS_MAX = 10


@dataclass(frozen=True, slots=True)
class _Failure:
    """So many in a row; the last one, and until when it is left alone."""

    times: int
    why: str
    until: float


class PutOff:
    """Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._failures: dict[BroadcastId, _Failure] = {}

    def __bool__(self) -> bool:
        return bool(self._failures)

    def __contains__(self, broadcast_id: BroadcastId) -> bool:
        return broadcast_id in self._failures

    def failed(self, broadcast_id: BroadcastId, why: str, *, now: float) -> None:
        """It could not be looked up."""
        known = self._failures.get(broadcast_id)
        times = known.times + 1 if known else 1
        pause = PAUSE_FIRST_SECONDS * 2.0 ** min(times - 1, _DOUBLINGS_MAX)
        self._failures[broadcast_id] = _Failure(times, why, now + min(pause, PAUSE_MAX_SECONDS))

    def forget(self, broadcast_id: BroadcastId) -> None:
        """It was looked up, or there is no more need to."""
        self._failures.pop(broadcast_id, None)

    def due(self, broadcast_id: BroadcastId, *, now: float) -> bool:
        """Whether it may be looked up now."""
        known = self._failures.get(broadcast_id)
        return known is None or known.until <= now

    def told(self) -> list[str]:
        """What a person should look at."""
        return [
            f"broadcast {broadcast_id} cannot begin, its recipients are not found in time: "
            f"cancel it, or send it to fewer ({each.why})"
            for broadcast_id, each in self._failures.items()
            if each.times >= FAILURES_SHOWN
        ]
