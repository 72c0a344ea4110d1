"""A post office in virtual time around one desk: what leaves when, and what Telegram counts.

It shares nothing with the code under test but the messages. Whoever receives a request counts
it at a random moment between its start and its answer, because nobody promises when.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import TICKS_PER_SECOND, ticks
from actors.broadcast.desk import Desk, Ending
from actors.broadcast.letterbox import Mail
from actors.broadcast.model import Ended, Held, NotSent, Outcome, Sent, Withdrawn
from actors.broadcast.ports import Page
from actors.broadcast.queues import Entry, lane_of
from actors.kernel.ids import ChatId, MessageId

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

BLINK = 1e-9
"""Seconds by which floating point may be wrong where ticks are not."""

Answers = Callable[[broadcast.Letter, float], Ended]
"""What becomes of a letter that is counted at these seconds."""


class Pigeonhole:
    """A recipient that keeps what it is told."""

    def __init__(self) -> None:
        self.receipts: list[broadcast.Receipt] = []

    def tell(self, message: broadcast.Receipt) -> None:
        self.receipts.append(message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was made; times in seconds."""

    letter: broadcast.Letter
    chat_id: ChatId
    began: float
    counted: float
    ended: float
    outcome: Ended
    extra: bool = False
    """Telegram may bill it: it is above the free rate."""

    @property
    def reached(self) -> bool:
        """Whether Telegram counts it at all."""
        return not isinstance(self.outcome, NotSent | Withdrawn | Held)

    @property
    def lane(self) -> str:
        """How much of a hurry it was in."""
        return lane_of(self.letter)

    @property
    def shown(self) -> bool:
        """Whether it is a message of its chat."""
        return isinstance(self.letter, broadcast.Say | broadcast.Edit)


class Post:
    """Tells a desk letters at given times and answers what it sends until nothing is left."""

    def __init__(
        self, desk: Desk, answers: Answers, *, seed: int, slowest_seconds: float = 0.0
    ) -> None:
        self.now = 0.0
        self.requests: list[Request] = []
        self.endings: list[tuple[Entry, Ending]] = []
        self._desk = desk
        self._answers = answers
        self._chance = random.Random(seed)
        self._slowest = slowest_seconds
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._turns = itertools.count()
        self._wakes: set[int] = set()
        self.pages: list[Page] = []
        """What the book was told, in turn; one in four did not arrive at first."""

    def tell(self, letter: broadcast.Letter, *, at: float) -> None:
        """Have the desk told at that time."""
        self._plan(at, lambda: self._hand_out(self._desk.add(letter, ticks(self.now))))

    def run(self, *, until: float = 10_000_000.0) -> None:
        """Until nothing is left to happen."""
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heapq.heappop(self._events)
            action()
            self._pump()

    def by_chat(self) -> dict[ChatId, list[Request]]:
        """The requests of each chat, in the order in which they began."""
        chats = defaultdict(list)
        for request in self.requests:
            chats[request.chat_id].append(request)
        return chats

    def _plan(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (seconds, next(self._turns), action))

    def _pump(self) -> None:
        now = ticks(self.now)
        while entry := self._desk.next(now):
            self._send(entry)
        wake = self._desk.wake(now)
        if wake is not None and wake not in self._wakes:
            assert wake > now, "it could have left already"
            self._wakes.add(wake)
            self._plan((wake + 1) / TICKS_PER_SECOND, lambda: self._wakes.discard(wake))
        self._keep_book()

    def _keep_book(self) -> None:
        page = self._desk.page(ticks(self.now), wall(self.now))
        if page is not None:
            durable = self._chance.random() < 0.75
            if durable:
                self.pages.append(page)
            later = self.now + 0.01 + self._chance.random() * self._slowest
            self._plan(later, lambda: self._desk.written(durable=durable))

    def _send(self, entry: Entry) -> None:
        latency = self._chance.random() * self._slowest
        counted = self.now + latency * self._chance.choice([0.0, self._chance.random(), 1.0])
        began, letter = self.now, entry.addressed()

        def count() -> None:
            outcome = self._answers(letter, self.now)
            ended = max(self.now, began + latency)
            request = Request(
                letter, letter.chat_id, began, self.now, ended, outcome, entry.fare.extra
            )
            self.requests.append(request)
            self._plan(request.ended, lambda: self._end(entry, outcome))

        self._plan(counted, count)

    def _end(self, entry: Entry, outcome: Ended) -> None:
        jitter = self._chance.random()
        ending = self._desk.ended(entry, outcome, ticks(self.now), jitter=jitter)
        self.endings.append((entry, ending))
        if ending.postponed:
            later = self.now + self._chance.random() * self._slowest
            self._plan(later, lambda: self._desk.back(entry))
        self._hand_out(ending.mails)

    @staticmethod
    def _hand_out(mails: list[Mail]) -> None:
        for recipient, receipt in mails:
            recipient.tell(receipt)


def sent(letter: broadcast.Letter, _: float) -> Outcome:
    """Telegram takes everything."""
    return Sent(MessageId(1) if isinstance(letter, broadcast.Say) else None)


def wall(seconds: float) -> datetime:
    """The wall clock at these seconds."""
    return EPOCH + timedelta(seconds=seconds)


def most_within(times: list[float], seconds: float) -> int:
    """The most of `times` that any half-open window of that length holds."""
    times = sorted(times)
    first = most = 0
    for last, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
