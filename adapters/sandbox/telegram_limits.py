"""Telegram's send limits, kept as it seems to keep them, and a count of who broke them.

Numbers: Bots FAQ, "My bot is hitting limits" (about 30 messages a second overall, 1 a second
in one chat with short bursts allowed, 20 a minute in one group) and `allow_paid_broadcast`
(1000 a second; only what exceeds the regular limits is billed, `TransactionPartnerTelegramApi`).
How long Telegram's bursts are is not published; ours is small on purpose. A chat with more than
310 requests under way is refused for a minute (telegram-bot-api, Client.h:73, Client.cpp:12889).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

OVERALL_PER_SECOND = 30
PAID_PER_SECOND = 1000
CHAT_PER_SECOND = 1
CHAT_BURST = 5
GROUP_PER_MINUTE = 20
SLACK = 1e-6
"""Of a token: rounding must not turn a sender that is exactly on time into a violator."""

PENDING_MAX = 310
PENDING_HELD_SECONDS = 3.0
PENDING_RETRY_SECONDS = 60


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
class _Closing:
    """A flood wait of one chat, and whether the bot was told of it."""

    until_seconds: float
    told: bool = False


@dataclass(slots=True)
class SendLimits:
    """Counts every violation; whether a violation is also refused is the server's choice."""

    violations: int = 0
    by_chat: dict[int, int] = field(default_factory=dict)
    """Violations per chat."""
    billed: int = 0
    """Messages above the free rate, 0.1 Star each."""
    too_early: int = 0
    """Messages to a chat in a flood wait that the bot knew of."""
    pending: Counter[str] = field(default_factory=Counter)
    """Requests under way, by the chat as they name it."""
    _buckets: dict[object, Bucket] = field(default_factory=dict)
    _closings: dict[int, _Closing] = field(default_factory=dict)
    _floods: list[int] = field(default_factory=list)

    def flood(self, chat_id: int, seconds: float, now_seconds: float) -> None:
        """This chat is in a flood wait from now on; the bot learns of it when it writes there."""
        self._closings[chat_id] = _Closing(now_seconds + seconds)

    def flood_next(self, times: int, seconds: int) -> None:
        """The next messages, wherever they go, find their chats in a flood wait of so long."""
        self._floods += [seconds] * times

    def wait_seconds(self, chat_id: int, now_seconds: float) -> int:
        """How long the chat's flood wait goes on, in whole seconds; counts who comes early."""
        if self._floods:
            self.flood(chat_id, self._floods.pop(0), now_seconds)
        closing = self._closings.get(chat_id)
        if closing is None or closing.until_seconds <= now_seconds + SLACK:
            return 0
        self.too_early += closing.told
        closing.told = True
        return math.ceil(closing.until_seconds - now_seconds)

    def spend(self, chat_id: int, now_seconds: float, *, paid: bool) -> int:
        """Take what one message costs: 0, or in how many whole seconds it would be allowed.

        A violation takes nothing, so that waiting as told is always enough. What may be `paid`
        for is billed only when the regular limit is used up.
        """
        overall = self._bucket("overall", OVERALL_PER_SECOND, OVERALL_PER_SECOND, now_seconds)
        is_free = overall.seconds_until_free(now_seconds) == 0
        buckets = [overall] if is_free or not paid else []
        if paid:
            rate = PAID_PER_SECOND
            buckets.append(self._bucket("paid", rate, rate, now_seconds))
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
        self.billed += paid and not is_free
        return 0

    def _bucket(
        self, key: object, capacity: float, per_second: float, now_seconds: float
    ) -> Bucket:
        full = Bucket(capacity, per_second, capacity, now_seconds)
        return self._buckets.setdefault(key, full)
