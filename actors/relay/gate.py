"""Whether the destination may be sent anything now: its rate, its rests, and a circuit breaker.

```
listening   as many requests as the rate allows
resting     it asked for a rest (429, queue full)
broken      it failed `FAILURES_MAX` times in a row, and not for one user alone
paused      nobody listens there (410), or nobody may be sent there
```

When the time of one of the last three is over, a single request finds out how it is. Whatever a
request says that began before the last change is not about now, and is ignored. Pure; times are
seconds of a clock that never jumps.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, assert_never

from actors.kernel.ids import ChatId
from actors.relay.model import Accepted, Failed, Gone, Outcome, QueueFull, Refused, Throttled

REQUESTS_MAX, WINDOW_SECONDS = 270, 10.0
"""Make takes 300 in 10 s; on their way there requests may come closer to each other."""

FAILURES_MAX = 5
BROKEN_FIRST_SECONDS, BROKEN_MAX_SECONDS = 10.0, 300.0
REST_FIRST_SECONDS, REST_MAX_SECONDS = 10.0, 300.0
"""After a 429, at least; providers.md section 6."""
FULL_FIRST_SECONDS, FULL_MAX_SECONDS = 60.0, 900.0
PROBE_SECONDS = 600.0
"""How often somebody is looked for where nobody listened."""
ASKED_MAX_SECONDS = 3_600.0
"""A longer `Retry-After` is taken for this."""
JITTER = 0.1

State = Literal["listening", "resting", "broken", "paused"]


class Gate:
    """One destination."""

    def __init__(self) -> None:
        self.state: State = "listening"
        self.detail = ""
        """Why it is in this state, in one line."""
        self.until = 0.0
        self._round = self._failures = self._doublings = 0
        self._failed_for: set[ChatId] = set()
        self._probing = False
        self._starts: deque[float] = deque()

    @property
    def is_failing(self) -> bool:
        """Whether nothing has arrived since it failed `FAILURES_MAX` times; while that was for one
        user alone, it listens for others: his events may be at fault, and he waits by himself.
        """
        return self._failures >= FAILURES_MAX

    def may_send(self, now: float) -> bool:
        """Whether a request may begin now."""
        if self.state != "listening" and (self._probing or now < self.until):
            return False
        return self._rate_allows_at(now) <= now

    def wake_at(self, now: float) -> float | None:
        """When it is worth to ask again; None while the answer of a request decides."""
        if self.state == "listening":
            return self._rate_allows_at(now)
        return None if self._probing else max(self.until, self._rate_allows_at(now))

    def began(self, now: float) -> int:
        """A request begins; what its outcome is to be told with."""
        self._starts.append(now)
        if self.state != "listening":
            self._probing = True
        return self._round

    def ended(
        self, began: int, outcome: Outcome, now: float, *, chat_id: ChatId, jitter: float
    ) -> None:
        """What became of a request for this user. `jitter` is in [0, 1)."""
        if began != self._round:
            return
        match outcome:
            case Accepted() | Refused():
                self._listens()
            case Throttled(retry_after_seconds=asked):
                wait = max(_doubled(REST_FIRST_SECONDS, REST_MAX_SECONDS, self._doublings), asked)
                self._close("resting", min(wait, ASKED_MAX_SECONDS), "it asked for a rest", now)
            case QueueFull():
                wait = _doubled(FULL_FIRST_SECONDS, FULL_MAX_SECONDS, self._doublings)
                self._close("resting", wait, "its queue is full", now)
            case Gone(detail=detail):
                self._close("paused", PROBE_SECONDS, detail, now)
            case Failed(detail=detail):
                self._failures += 1
                self._failed_for.add(chat_id)
                self.detail = detail
                if self.state != "listening" or (self.is_failing and len(self._failed_for) > 1):
                    wait = _doubled(BROKEN_FIRST_SECONDS, BROKEN_MAX_SECONDS, self._doublings)
                    state: State = "paused" if self.state == "paused" else "broken"
                    self._close(state, wait if state == "broken" else PROBE_SECONDS, detail, now)
            case _:
                assert_never(outcome)
        self.until += (self.until - now) * JITTER * jitter if self.until > now else 0.0

    def released(self, began: int) -> None:
        """A request was not made after all."""
        if began == self._round:
            self._probing = False

    def pause(self, detail: str) -> None:
        """It was paused before we came; the first request finds out whether it still is."""
        self._close("paused", 0.0, detail, 0.0)

    def resume(self) -> None:
        """Somebody says that it listens."""
        self._listens()

    def _listens(self) -> None:
        if self.state != "listening":
            self._round += 1
        self.state, self.detail, self.until = "listening", "", 0.0
        self._failures = self._doublings = 0
        self._failed_for.clear()
        self._probing = False

    def _close(self, state: State, seconds: float, detail: str, now: float) -> None:
        self._doublings = self._doublings + 1 if self.state == state else 1
        self.state, self.detail, self.until = state, detail, now + seconds
        self._round += 1
        self._probing = False

    def _rate_allows_at(self, now: float) -> float:
        while self._starts and self._starts[0] + WINDOW_SECONDS <= now:
            self._starts.popleft()
        return now if len(self._starts) < REQUESTS_MAX else self._starts[0] + WINDOW_SECONDS


def _doubled(first: float, most: float, doublings: int) -> float:
    return min(most, first * 2.0 ** min(doublings, 16))
