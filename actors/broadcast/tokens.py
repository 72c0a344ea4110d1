"""Telegram's rate limits as exact decisions over a monotonic clock. Pure.

Rules (core.telegram.org/bots/faq, "My bot is hitting limits"):

- about 30 requests in any second over all chats;
- about one message a second in one chat, short bursts allowed;
- at most 20 messages a minute in one group (negative chat id).

Telegram counts a request somewhere between its start and its answer, and a client cannot
know where. Therefore a request counts here *from its start until a whole window after its
answer*: whatever the latencies, no window of the receiver ever holds more than is allowed,
as long as one process uses the token. Slow lines cost a few percent of the rate: at most
`overall_ceiling / (1 + latency)` requests a second.

Time is whole microseconds ("ticks"), rounded down, so that nothing drifts; each wait is one
tick longer than the rule asks, so that rounding never makes it shorter.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from actors.kernel.ids import ChatId

TICKS_PER_SECOND = 1_000_000

CHATS_SWEPT_AT_LEAST = 1_024
"""Chats remembered before the first look for idle ones."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much Telegram is asked to bear; the defaults keep away from its own limits.

    `overall_per_second` is the steady rate; `overall_burst` may go at once after a pause;
    `overall_ceiling` is never exceeded in any second, bursts included.
    """

    overall_per_second: int = 28
    overall_burst: int = 10
    overall_ceiling: int = 30
    chat_per_second: int = 1
    chat_burst: int = 3
    group_per_minute: int = 20

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")


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

    def due(self) -> int:
        """The first tick at which a token is there."""
        return self._full_at - self._slack

    def spend(self, now: int) -> None:
        """Take a token, also one that is not there yet."""
        self._full_at = max(self._full_at, now) + self._interval

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

    def idle(self, now: int) -> bool:
        """Whether none of them counts any more."""
        self._expire(now)
        return not self._ends

    def _expire(self, now: int) -> None:
        while self._ends and self._ends[0] <= now:
            self._ends.popleft()


class _Chat:
    """One chat that was written to lately, or that is closed for a while."""

    __slots__ = ("closed_until", "minute", "pace")

    def __init__(self, limits: Limits, chat_id: ChatId) -> None:
        self.pace = Pace(per_second=limits.chat_per_second, burst=limits.chat_burst)
        self.minute = Window(seconds=60) if chat_id < 0 else None
        self.closed_until = 0

    def idle(self, now: int) -> bool:
        return (
            self.closed_until <= now
            and self.pace.idle(now)
            and (self.minute is None or self.minute.idle(now))
        )


class Tokens:
    """What may be sent when. One request of a chat is open at a time; the caller sees to it.

    Memory is bounded by the limits themselves: a chat is forgotten when its tokens are back,
    so about `overall_per_second` x 60 chats are known, and those that are closed.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pace = Pace(per_second=limits.overall_per_second, burst=limits.overall_burst)
        self._second = Window(seconds=1)
        self._open = 0
        self._chats: dict[ChatId, _Chat] = {}
        self._sweep_at = CHATS_SWEPT_AT_LEAST
        self._spent_at: int | None = None

    def assume_spent(self, now: int) -> None:
        """Begin with nothing left: others sent before, and what they used is not known."""
        self._spent_at = now
        self._pace.empty(now)

    def due(self, now: int) -> int | None:
        """When anything may be sent at all; None: not before an open request is answered."""
        room = self._limits.overall_ceiling - self._open
        if room < 1:
            return None
        return max(self._pace.due(), self._second.due(now, room=room), self._after_others(1))

    def chat_due(self, chat_id: ChatId, now: int, *, shown: bool) -> int:
        """When a request may go to a chat that has none open; `shown`: it costs one of the
        chat's message tokens, as callback answers and deletions do not.
        """
        chat = self._chats.get(chat_id)
        if not shown:
            return 0 if chat is None else chat.closed_until
        others = self._after_others(60 if chat_id < 0 else 1 / self._limits.chat_per_second)
        if chat is None:
            return others
        due = max(chat.closed_until, chat.pace.due(), others)
        if chat.minute is not None:
            due = max(due, chat.minute.due(now, room=self._limits.group_per_minute))
        return due

    def take(self, now: int) -> None:
        """A request starts."""
        self._pace.spend(now)
        self._open += 1

    def answered(self, chat_id: ChatId, now: int, *, shown: bool, counted: bool) -> None:
        """A request ended; `counted` unless it certainly never reached Telegram."""
        self._open -= 1
        if not counted:
            return
        self._second.spend(now)
        if shown:
            chat = self._chat(chat_id, now)
            chat.pace.spend(now)
            if chat.minute is not None:
                chat.minute.spend(now)

    def close_chat(self, chat_id: ChatId, now: int, *, until: int) -> None:
        """Send nothing there before `until`; an earlier, later deadline stands (PTB 5338)."""
        chat = self._chat(chat_id, now)
        chat.closed_until = max(chat.closed_until, until)

    def left(self, now: int) -> int:
        """Requests that could start at `now`, were every chat free."""
        due = self.due(now)
        return self._pace.left(now) if due is not None and due <= now else 0

    def closed(self, now: int) -> int:
        """Chats closed at `now`."""
        return sum(chat.closed_until > now for chat in self._chats.values())

    def known(self) -> int:
        """Chats remembered."""
        return len(self._chats)

    def _chat(self, chat_id: ChatId, now: int) -> _Chat:
        chat = self._chats.get(chat_id)
        if chat is None:
            self._sweep(now)
            chat = self._chats[chat_id] = _Chat(self._limits, chat_id)
            if self._spent_at is not None:
                chat.pace.empty(self._spent_at)
        return chat

    def _after_others(self, seconds: float) -> int:
        """The first tick at which nothing counts that others sent `seconds` ago."""
        return 0 if self._spent_at is None else self._spent_at + span(seconds) + 1

    def _sweep(self, now: int) -> None:
        # Doubling the threshold makes a look at all chats cost O(1) per new chat.
        if len(self._chats) < self._sweep_at:
            return
        self._chats = {key: chat for key, chat in self._chats.items() if not chat.idle(now)}
        self._sweep_at = max(CHATS_SWEPT_AT_LEAST, 2 * len(self._chats))
