"""Telegram's rate limits as exact decisions over a monotonic clock. Pure.

Rules (core.telegram.org/bots/faq, "My bot is hitting limits"; `allow_paid_broadcast`):

- about 30 requests in any second over all chats, of which what goes to many takes 28 at most;
- up to 1,000 a second of those that Telegram may bill;
- about one message a second in one chat, short bursts allowed;
- at most 20 messages a minute in one group (negative chat id).

That somebody writes costs a request like any other, and is worth least: it has a rate of its own.

Telegram counts a request somewhere between its start and its answer, and a client cannot
know where. Therefore a request counts here *from its start until a whole window after its
answer*: whatever the latencies, no window of the receiver ever holds more than is allowed,
as long as one process uses the token. Slow lines cost a few percent of the rate: at most
`overall_ceiling / (1 + latency)` requests a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from actors.broadcast.buckets import TICKS_PER_SECOND, Counter, Pace, Window, span
from actors.kernel.ids import ChatId

CHATS_SWEPT_AT_LEAST = 1_024
"""Chats remembered before the first look for idle ones."""

TYPING_BESIDE_BULK_PER_SECOND = 1
"""What typing may take while a broadcast is under way: more would be taken from the broadcast."""

BULK_BURST_SECONDS = 0.1
"""What a busy process may catch up at once: more would leave the next reply no room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much Telegram is asked to bear, and what it may cost; the defaults keep away from its
    own limits.

    `overall_per_second` is the steady rate; `overall_burst` may go at once after a pause;
    `overall_ceiling` is never exceeded in any second, bursts included. `bulk_per_second` is what
    goes to many, within the same ceiling; `paid_per_second` what Telegram may bill, beside it;
    with 0 nothing is.
    """

    overall_per_second: int = 30
    overall_burst: int = 10
    overall_ceiling: int = 30
    bulk_per_second: int = 28
    paid_per_second: int = 0
    chat_per_second: int = 1
    chat_burst: int = 3
    group_per_minute: int = 20
    typing_per_second: int = 5
    stars_budget: int = 0
    """Stars that paid requests may cost in all, ever."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            least = 0 if name in {"paid_per_second", "stars_budget"} else 1
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Fare:
    """What one request takes: a token of the bulk lane, and one of those that are billed.

    `paid` lets Telegram bill it. What is `paid` and not `extra` has a free token as well, and is
    not billed.
    """

    bulk: bool = False
    paid: bool = False
    extra: bool = False
    """Above the free rate: no free token is taken."""


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
        self._second = Counter(limits.overall_ceiling)
        self._bulk = _bulk_pace(limits.bulk_per_second)
        self._typing = Pace(per_second=limits.typing_per_second, burst=1)
        self._typing_beside = Pace(per_second=TYPING_BESIDE_BULK_PER_SECOND, burst=1)
        paid = limits.paid_per_second
        self._paid = _bulk_pace(paid) if paid else None
        self._paid_second = Counter(paid)
        self._extra_second = Counter(paid)
        self._chats: dict[ChatId, _Chat] = {}
        self._sweep_at = CHATS_SWEPT_AT_LEAST
        self._spent_at: int | None = None
        self._groups_spent_at: int | None = None
        self.quiet_since = 0
        """When a request was answered last."""

    def assume_spent(self, now: int, *, groups: bool = True) -> None:
        """Begin with nothing left: others sent before, and what they used is not known; with
        `groups` neither is whom of these they have written to, see `restore_group`.
        """
        self._spent_at = self.quiet_since = now
        self._groups_spent_at = now if groups else None
        self._pace.empty(now)
        self._bulk.empty(now)
        if self._paid is not None:
            self._paid.empty(now)

    def due(self, now: int, *, spare: int = 0) -> int | None:
        """When anything may be sent at all, so that `spare` more may be sent at once; None: not
        before an open request is answered.
        """
        second = self._second.due(now, spare=spare)
        return None if second is None else max(self._pace.due(), second, self._after_others(1))

    def bulk_due(self, now: int, *, spare: int = 0) -> int | None:
        """The same of a request of the bulk lane."""
        due = self.due(now, spare=spare)
        return None if due is None else max(due, self._bulk.due())

    def typing_due(self, now: int, *, beside_bulk: bool) -> int | None:
        """The same of one that shows typing, beside letters of the bulk lane or not."""
        due = self.due(now)
        slowest = self._typing_beside if beside_bulk else self._typing
        return None if due is None else max(due, self._typing.due(), slowest.due())

    def type(self, now: int) -> None:
        """A request starts that shows typing."""
        self._typing.spend(now)
        if self._typing_beside.due() <= now:
            self._typing_beside.spend(now)

    def paid_due(self, now: int) -> int | None:
        """The same of a request that may be billed."""
        second = self._paid_second.due(now)
        if self._paid is None or second is None:
            return None
        return max(self._paid.due(), second, self._after_others(1))

    def chat_due(self, chat_id: ChatId, now: int, *, shown: bool, spare: int = 0) -> int:
        """When a request may go to a chat that has none open; `shown`: it costs one of the
        chat's message tokens, as callback answers and deletions do not. `spare` tokens of the
        chat stay there for whoever is in more of a hurry.
        """
        chat = self._chats.get(chat_id)
        if not shown:
            return 0 if chat is None else chat.closed_until
        others = self._after_others(1 / self._limits.chat_per_second)
        if chat_id < 0 and self._groups_spent_at is not None:
            others = max(others, self._groups_spent_at + span(60) + 1)
        if chat is None:
            return others
        due = max(chat.closed_until, chat.pace.due(spare=spare), others)
        if chat.minute is not None:
            room = max(1, self._limits.group_per_minute - spare)
            due = max(due, chat.minute.due(now, room=room))
        return due

    def take(self, now: int, fare: Fare) -> None:
        """A request starts."""
        if fare.paid and self._paid is not None:
            self._paid.spend(now)
            self._paid_second.start()
            if fare.extra:
                self._extra_second.start()
        if not fare.extra:
            self._pace.spend(now)
            self._second.start()
            if fare.bulk:
                self._bulk.spend(now)

    def answered(
        self, chat_id: ChatId, now: int, fare: Fare, *, shown: bool, counted: bool
    ) -> None:
        """A request ended; `counted` unless it certainly never reached Telegram."""
        self.quiet_since = now if counted else self.quiet_since
        paces: list[Pace] = []
        if fare.paid and self._paid is not None:
            self._paid_second.end(now, counted=counted)
            if fare.extra:
                self._extra_second.end(now, counted=counted)
            paces.append(self._paid)
        if not fare.extra:
            self._second.end(now, counted=counted)
            paces += [self._pace, self._bulk] if fare.bulk else [self._pace]
        if not counted:
            for pace in paces:
                pace.refund()
        if shown and counted:
            chat = self._chat(chat_id, now)
            chat.pace.spend(now)
            if chat.minute is not None:
                chat.minute.spend(now)

    def close_chat(self, chat_id: ChatId, now: int, *, until: int) -> None:
        """Send nothing there before `until`; an earlier, later deadline stands (PTB 5338)."""
        chat = self._chat(chat_id, now)
        chat.closed_until = max(chat.closed_until, until)

    def groups(self, now: int) -> dict[ChatId, tuple[int, ...]]:
        """What was sent to groups in the last minute: until when each message counts."""
        minutes = {key: chat.minute.ends(now) for key, chat in self._chats.items() if chat.minute}
        return {chat_id: ends for chat_id, ends in minutes.items() if ends}

    def restore_group(self, chat_id: ChatId, now: int, ends: Iterable[int]) -> None:
        """Others have sent there, and each message counts until then."""
        minute = self._chat(chat_id, now).minute
        if minute is not None:
            minute.restore(ends)

    def paying(self, now: int) -> bool:
        """Whether requests above the free rate may have used up what Telegram gives for nothing:
        meanwhile it refuses what it may not bill, also within that rate.
        """
        return not self._extra_second.idle(now)

    def left(self, now: int) -> int:
        """Requests that could start at `now`, were every chat free."""
        return _left(self._pace, self.due(now), now)

    def typing_left(self, now: int) -> int:
        """The same of those that show typing, while no broadcast is under way."""
        return _left(self._typing, self.typing_due(now, beside_bulk=False), now)

    def bulk_left(self, now: int) -> int:
        """The same of the bulk lane."""
        return _left(self._bulk, self.bulk_due(now), now)

    def paid_left(self, now: int) -> int:
        """The same of requests that may be billed."""
        return 0 if self._paid is None else _left(self._paid, self.paid_due(now), now)

    def closed(self, now: int) -> int:
        """Chats closed at `now`."""
        return sum(chat.closed_until > now for chat in self._chats.values())

    def longest_seconds(self, now: int) -> float:
        """What is left of the longest time that a chat is closed."""
        until = max((chat.closed_until for chat in self._chats.values()), default=now)
        return max(0, until - now) / TICKS_PER_SECOND

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


def _bulk_pace(per_second: int) -> Pace:
    return Pace(per_second=per_second, burst=math.ceil(per_second * BULK_BURST_SECONDS))


def _left(pace: Pace, due: int | None, now: int) -> int:
    return pace.left(now) if due is not None and due <= now else 0
