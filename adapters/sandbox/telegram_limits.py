"""Telegram's send limits, kept as it seems to keep them, and a count of who broke them.

Numbers: Bots FAQ, "My bot is hitting limits" (about 30 messages a second overall, 1 a second
in one chat with short bursts allowed, 20 a minute in one group) and `allow_paid_broadcast`
(1000 a second). How long Telegram's bursts are is not published; ours is small on purpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

OVERALL_PER_SECOND = 30
PAID_PER_SECOND = 1000
CHAT_PER_SECOND = 1
CHAT_BURST = 5
GROUP_PER_MINUTE = 20
SLACK = 1e-6
"""Of a token: rounding must not turn a sender that is exactly on time into a violator."""


@dataclass(slots=True)
class Bucket:
    """A token bucket; full at first."""

    capacity: float
    per_second: float
    tokens: float
    at_seconds: float

    def seconds_until_free(self, now_seconds: float) -> float:
        """0 when a token can be taken now."""
        elapsed = max(0.0, now_seconds - self.at_seconds)
        self.tokens = min(self.capacity, self.tokens + elapsed * self.per_second)
        self.at_seconds = now_seconds
        return 0.0 if self.tokens >= 1 - SLACK else (1 - self.tokens) / self.per_second


@dataclass(slots=True)
class SendLimits:
    """Counts every violation; whether a violation is also refused is the server's choice."""

    violations: int = 0
    by_chat: dict[int, int] = field(default_factory=dict)
    """Violations per chat."""
    _buckets: dict[object, Bucket] = field(default_factory=dict)

    def spend(self, chat_id: int, now_seconds: float, *, paid: bool) -> int:
        """Take what one message costs: 0, or in how many whole seconds it would be allowed.

        A violation takes nothing, so that waiting as told is always enough.
        """
        overall = PAID_PER_SECOND if paid else OVERALL_PER_SECOND
        buckets = [self._bucket(("overall", paid), overall, overall, now_seconds)]
        if chat_id < 0:
            per_second = GROUP_PER_MINUTE / 60
            buckets.append(self._bucket(chat_id, GROUP_PER_MINUTE, per_second, now_seconds))
        else:
            buckets.append(self._bucket(chat_id, CHAT_BURST, CHAT_PER_SECOND, now_seconds))
        wait_seconds = max(bucket.seconds_until_free(now_seconds) for bucket in buckets)
        if wait_seconds > 0:
            self.violations += 1
            self.by_chat[chat_id] = self.by_chat.get(chat_id, 0) + 1
            return math.ceil(wait_seconds)
        for bucket in buckets:
            bucket.tokens -= 1
        return 0

    def _bucket(
        self, key: object, capacity: float, per_second: float, now_seconds: float
    ) -> Bucket:
        full = Bucket(capacity, per_second, capacity, now_seconds)
        return self._buckets.setdefault(key, full)
