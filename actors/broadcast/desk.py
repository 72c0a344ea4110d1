"""Everything the dispatcher knows and decides, without its clock, its network or its mailbox.

A desk takes letters in (`add`), says which one may leave now (`next`), hears what became of
it (`ended`) and when it is worth asking again (`wake`). What senders are to be told comes
back as mails. All times are ticks of one monotonic clock (see `tokens`). Pure: property tests
drive it through millions of schedules without a runtime.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from actors.broadcast import messages as broadcast
from actors.broadcast.gate import Gate
from actors.broadcast.model import (
    REDIRECTS_MAX,
    Again,
    Broken,
    Done,
    Flooded,
    History,
    Lost,
    Moved,
    NotSent,
    Outcome,
    Unknown,
    Verdict,
    judge,
    obeyed_seconds,
)
from actors.broadcast.queues import Entry, Lane
from actors.broadcast.tokens import TICKS_PER_SECOND, Limits, Tokens, span
from actors.kernel.ids import ChatId, LetterId
from runtime import Recipient

DELIVERIES_IN_FLIGHT = 8
"""Enough for 28/s at 250 ms a request; more only makes a flood wait hit more letters."""

QUEUE_MAX_LETTERS = 50_000
"""Half an hour at 28/s: whoever has more to say needs a broadcast, not a queue."""

CHAT_MAX_LETTERS = 100
"""A chat takes one a second; Telegram itself refuses a chat with 310 (Client.h:73)."""

REMEMBERED_DELIVERIES = 4_096
"""At least two minutes of them: a sender that is told again after a crash is not late."""

REMEMBERED_MOVES = 4_096

_Name = tuple[type, LetterId]
"""A letter is known by its kind and its id: a `Say` may take up the id of an `Edit` that
failed, and the same letter told twice is one letter.
"""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

Mail = tuple[Recipient[broadcast.Receipt], broadcast.Receipt]
"""A receipt and who gets it."""


@dataclass(slots=True)
class Totals:
    """What happened since the start; only ever grows."""

    delivered: int = 0
    repeated: int = 0
    flooded: int = 0
    overtaken: int = 0
    turned_away: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """By `Undelivered.reason`."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stand; `totals` go on growing, so read them at once."""

    depth: int
    chats: int
    oldest_age_seconds: float
    in_flight: int
    tokens_left: int
    closed_chats: int
    shut_seconds: float
    troubles: int
    dropped: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Ending:
    """What followed from an outcome, and who is to be told."""

    verdict: Verdict
    mails: list[Mail]


class Desk:
    """The letters of every chat on their way to Telegram."""

    def __init__(self, limits: Limits) -> None:
        self._tokens = Tokens(limits)
        self._gate = Gate()
        self._lane = Lane()
        self._in_flight = 0
        self._started = 0
        self._waiting: dict[_Name, Entry] = {}
        self._delivered: OrderedDict[_Name, broadcast.Delivered] = OrderedDict()
        self._moved: OrderedDict[ChatId, ChatId] = OrderedDict()
        self._totals = Totals()

    def assume_spent(self, now: int) -> None:
        """Begin without tokens: a dispatcher that failed may have used them all."""
        self._tokens.assume_spent(now)

    def add(self, letter: broadcast.Letter, now: int) -> list[Mail]:
        """Take a letter in; what its sender is to be told at once is returned."""
        if isinstance(letter, broadcast.Say | broadcast.Edit):
            # Told again, because its sender was restarted before it knew: still one letter.
            name = type(letter), letter.letter_id
            if delivered := self._delivered.get(name):
                return _mail(letter.notify, delivered)
            if known := self._waiting.get(name):
                known.wanted_by(letter)
                return []
        to = self._address(letter.chat_id)
        if full := self._full(to):
            self._totals.turned_away += 1
            return _refusal(letter, full)
        entry = self._lane.overtake(letter, to) if isinstance(letter, broadcast.Edit) else None
        if entry is None:
            entry = Entry(letter, to=to, told_at=now)
            self._lane.add(entry)
        else:
            self._totals.overtaken += 1
        if isinstance(letter, broadcast.Say | broadcast.Edit):
            self._waiting[type(letter), letter.letter_id] = entry
        return []

    def next(self, now: int) -> Entry | None:
        """The letter that leaves now; `ended` must hear of it. None: ask again at `wake`."""
        due = self._way_due(now)
        if due is None or due > now:
            return None
        entry = self._lane.pick(
            now, lambda head: self._tokens.chat_due(head.to, now, shown=head.shown)
        )
        if entry is not None:
            self._tokens.take(now)
            self._in_flight += 1
            self._started += 1
            entry.started = self._started
        return entry

    def wake(self, now: int) -> int | None:
        """When `next` may have something; None: not before a letter is added or ends."""
        way, lane = self._way_due(now), self._lane.due()
        return None if way is None or lane is None else max(way, lane)

    def ended(self, entry: Entry, outcome: Outcome | Broken, now: int, *, jitter: float) -> Ending:
        """A letter that `next` handed out met its outcome; `jitter` is from 0 to 1."""
        self._in_flight -= 1
        counted = not isinstance(outcome, NotSent)
        self._tokens.answered(entry.to, now, shown=entry.shown, counted=counted)
        self._note(entry, outcome, now)
        history = History(
            age_seconds=(now - entry.told_at) / TICKS_PER_SECOND,
            failures=entry.failures,
            unknowns=entry.unknowns,
            redirects=entry.redirects,
        )
        verdict = judge(entry.letter, outcome, history, jitter=jitter)
        return Ending(verdict, self._follow(entry, verdict, now))

    def figures(self, now: int) -> Figures:
        """Looks at every waiting chat: for a report now and then."""
        oldest = self._lane.oldest()
        return Figures(
            depth=self._lane.depth,
            chats=len(self._lane),
            oldest_age_seconds=0.0 if oldest is None else (now - oldest) / TICKS_PER_SECOND,
            in_flight=self._in_flight,
            tokens_left=self._tokens.left(now),
            closed_chats=self._tokens.closed(now),
            shut_seconds=self._gate.shut_seconds(now),
            troubles=self._gate.troubles,
            dropped=self._lane.dropped,
            totals=self._totals,
        )

    def _way_due(self, now: int) -> int | None:
        """When anything may leave, whichever chat it is for."""
        if self._in_flight >= DELIVERIES_IN_FLIGHT:
            return None
        gate, tokens = self._gate.due(open_requests=self._in_flight), self._tokens.due(now)
        return None if gate is None or tokens is None else max(gate, tokens)

    def _note(self, entry: Entry, outcome: Outcome | Broken, now: int) -> None:
        """What an outcome says about the way as a whole, and about how often this failed."""
        match outcome:
            case Flooded():
                self._totals.flooded += 1
                self._gate.flooded(
                    entry.started,
                    now,
                    latest=self._started,
                    wait_seconds=obeyed_seconds(outcome.retry_after_seconds),
                )
            case NotSent() | Unknown():
                entry.failures += 1
                entry.unknowns += isinstance(outcome, Unknown)
                asked = outcome.retry_after_seconds if isinstance(outcome, NotSent) else None
                self._gate.failed(
                    entry.started,
                    now,
                    latest=self._started,
                    wait_seconds=0.0 if asked is None else obeyed_seconds(asked),
                )
            case Broken():
                pass  # says nothing about Telegram
            case _:
                self._gate.passed(entry.started)

    def _follow(self, entry: Entry, verdict: Verdict, now: int) -> list[Mail]:
        match verdict:
            case Done():
                self._lane.finish(entry.to)
                self._totals.delivered += 1
                return list(self._deliver(entry, verdict))
            case Lost(whole_chat=True):
                lost = self._lane.clear(entry.to)
                return [mail for one in lost for mail in self._lose(one, verdict)]
            case Lost():
                self._lane.finish(entry.to)
                return list(self._lose(entry, verdict))
            case Again():
                self._totals.repeated += 1
                until = now + 1 + span(verdict.wait_seconds)
                self._tokens.close_chat(entry.to, now, until=until)
                self._lane.repeat(entry.to)
                return []
            case Moved():
                self._move(entry, verdict.chat_id)
                return []
            case _:
                assert_never(verdict)

    def _deliver(self, entry: Entry, done: Done) -> Iterator[Mail]:
        if done.message_id is None:
            return
        for letter_id, (chat_id, notify) in entry.receipts.items():
            receipt = broadcast.Delivered(
                letter_id=letter_id, chat_id=chat_id, message_id=done.message_id
            )
            name = type(entry.letter), letter_id
            del self._waiting[name]
            _remember(self._delivered, name, receipt, most=REMEMBERED_DELIVERIES)
            yield from _mail(notify, receipt)

    def _lose(self, entry: Entry, lost: Lost) -> Iterator[Mail]:
        self._totals.lost[lost.reason] += entry.weight
        for letter_id, (chat_id, notify) in entry.receipts.items():
            del self._waiting[type(entry.letter), letter_id]
            yield from _mail(
                notify,
                broadcast.Undelivered(
                    letter_id=letter_id, chat_id=chat_id, reason=lost.reason, detail=lost.detail
                ),
            )

    def _move(self, first: Entry, chat_id: ChatId) -> None:
        """All that waits for a chat goes to the one it became, and so do later letters."""
        _remember(self._moved, first.to, chat_id, most=REMEMBERED_MOVES)
        for entry in self._lane.clear(first.to):
            entry.to = chat_id
            entry.redirects += 1
            self._lane.add(entry)

    def _address(self, chat_id: ChatId) -> ChatId:
        for _ in range(REDIRECTS_MAX):
            chat_id = self._moved.get(chat_id, chat_id)
        return chat_id

    def _full(self, to: ChatId) -> str:
        """Why no further letter for this chat is taken in; empty when one is."""
        if self._lane.depth >= QUEUE_MAX_LETTERS:
            return f"{QUEUE_MAX_LETTERS} letters wait already"
        if self._lane.depth_of(to) >= CHAT_MAX_LETTERS:
            return f"{CHAT_MAX_LETTERS} letters wait for this chat already"
        return ""


def _refusal(letter: broadcast.Letter, detail: str) -> list[Mail]:
    if not isinstance(letter, broadcast.Say | broadcast.Edit):
        return []
    return _mail(
        letter.notify,
        broadcast.Undelivered(
            letter_id=letter.letter_id, chat_id=letter.chat_id, reason="refused", detail=detail
        ),
    )


def _mail(notify: Recipient[broadcast.Receipt] | None, receipt: broadcast.Receipt) -> list[Mail]:
    return [] if notify is None else [(notify, receipt)]


def _remember(known: OrderedDict[_Key, _Value], key: _Key, value: _Value, *, most: int) -> None:
    """Put the newest last and let the oldest go."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
