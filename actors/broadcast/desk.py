"""Everything the dispatcher knows and decides, without its clock, its network or its mailbox.

A desk takes letters in (`add`), says which one may leave now (`next`), hears what became of
it (`ended`) and when it is worth asking again (`wake`). What senders are to be told comes
back as mails, what must not be forgotten as pages of the book. All times are ticks of one
monotonic clock (see `buckets`). Pure: property tests drive it through millions of schedules
without a runtime.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.broadcast.addresses import Addresses
from actors.broadcast.buckets import TICKS_PER_SECOND, span
from actors.broadcast.figures import Figures, LaneFigures, Totals
from actors.broadcast.lanes import HURRIED, Lanes
from actors.broadcast.letterbox import Letterbox, Mail
from actors.broadcast.model import (
    Again,
    Done,
    Ended,
    Flooded,
    Held,
    History,
    Lost,
    Moved,
    NotSent,
    Sent,
    Unknown,
    Verdict,
    judge,
)
from actors.broadcast.notes import Notes, tick_before, tick_of
from actors.broadcast.ports import Page
from actors.broadcast.postage import TENTHS_PER_STAR, Postage
from actors.broadcast.queues import Entry, Lane, lane_of
from actors.broadcast.tokens import Limits, Tokens
from actors.broadcast.ways import Ways
from actors.kernel.ids import ChatId

LANE_MAX_LETTERS = 50_000
"""Half an hour at 28/s: whoever has more to say to many feeds it bit by bit."""

CHAT_MAX_LETTERS = 100
"""A chat takes one a second; Telegram itself refuses a chat with 310 (Client.h:73)."""

_MINUTE = 60 * TICKS_PER_SECOND + 1


@dataclass(frozen=True, slots=True)
class Ending:
    """What followed from an outcome, and who is to be told.

    `postponed`: it left the desk until the outbox knows that nothing was sent, see `back`.
    """

    verdict: Verdict
    mails: list[Mail]
    postponed: bool = False


class Desk:
    """The letters of every chat on their way to Telegram."""

    def __init__(self, limits: Limits) -> None:
        self._tokens = Tokens(limits)
        self._postage = Postage(
            budget_tenths=limits.stars_budget * TENTHS_PER_STAR, per_second=limits.paid_per_second
        )
        self._lanes, self._notes = Lanes(), Notes()
        self._ways = Ways(self._tokens, self._postage, self._notes, limits)
        self._addresses = Addresses(self._notes)
        self._letterbox = Letterbox()
        self._totals = Totals()
        self._typing_max = limits.typing_per_second
        self._flood_waits_cut = 0

    # What was before, and what must not be forgotten

    def restore(self, page: Page, now: int, wall: datetime) -> None:
        """Begin with what the book says, and without the tokens that others may have used."""
        if page.quiet_since is not None:
            since = tick_before(page.quiet_since, now=now, wall=wall)
            if now - since < _MINUTE:
                self._tokens.assume_spent(since, groups=False)
        elif not page.is_new:
            self._tokens.assume_spent(now)
        for chat_id, ends in page.groups.items():
            counted = [min(tick_of(end, now=now, wall=wall), now + _MINUTE) for end in ends]
            self._tokens.restore_group(chat_id, now, counted)
        self._flood_waits_cut = page.cut
        for chat_id, until in page.closings.items():
            self._tokens.close_chat(chat_id, now, until=tick_of(until, now=now, wall=wall))
        if page.bulk_closed_until is not None:
            self._ways.close_bulk(tick_of(page.bulk_closed_until, now=now, wall=wall), now)
        self._addresses.restore(page.moved, page.unreachable)
        self._postage.restore(page.stars_tenths or 0)

    def page(self, now: int, wall: datetime) -> Page | None:
        """What the book is to be told, if anything; then `written` must follow."""
        reservation = self._postage.reservation()
        if reservation is not None:
            self._notes.spend(reservation)
        return self._notes.take(now, wall)

    def written(self, *, durable: bool) -> None:
        """Whether the last page is in the book."""
        if self._notes.taken(written=durable):
            self._postage.reserved(written=durable)

    def last_page(self, now: int, wall: datetime) -> Page | None:
        """What the book is to be told when no further letter leaves. What is still under way may
        arrive whenever it does: then nobody is told that this was an orderly end.
        """
        self._notes.taken(written=False)
        settlement = self._postage.settlement()
        if settlement is not None:
            self._notes.spend(settlement)
        page = self._notes.take(now, wall)
        if self._ways.in_flight:
            return page

        def at(tick: int) -> datetime:
            return wall + timedelta(seconds=(tick - now) / TICKS_PER_SECOND)

        groups = self._tokens.groups(now).items()
        return replace(
            page or Page(),
            quiet_since=at(self._tokens.quiet_since),
            groups={chat_id: tuple(map(at, ends)) for chat_id, ends in groups},
        )

    # Letters

    def add(self, letter: broadcast.Letter, now: int) -> list[Mail]:
        """Take a letter in; what its sender is to be told at once is returned."""
        known = self._letterbox.known(letter)
        if known is not None:
            return known
        to, lane = self._addresses.of(letter.chat_id), lane_of(letter)
        closed = self._addresses.closed(to)
        if closed is not None and lane != "answer":
            # Whoever is answered has just written: perhaps he is back.
            lost = Lost("blocked", "it could not be written to before", closed=closed)
            self._totals.lost["blocked"] += 1
            return self._letterbox.refuse(letter, lost)
        if full := self._full(lane, to):
            self._totals.turned_away += 1
            return self._letterbox.refuse(letter, Lost("refused", full), turned_away=True)
        if isinstance(letter, broadcast.Typing):
            self._type(letter, to, now)
            return []
        entry = self._lanes.overtake(letter, to) if isinstance(letter, broadcast.Edit) else None
        if entry is None:
            entry = Entry(letter, to=to, told_at=now)
            self._lanes.add(entry)
        else:
            self._totals.overtaken += 1
        self._letterbox.wait(letter, entry)
        return []

    def next(self, now: int) -> Entry | None:
        """The letter that leaves now; `ended` must hear of it. None: ask again at `wake`."""
        entry = self._next_hurried(now) or self._next_typing(now) or self._next_bulk(now)
        if entry is not None:
            self._ways.start(entry, now)
            self._totals.paid += entry.fare.extra
        return entry

    def wake(self, now: int) -> int | None:
        """When `next` may have something; None: not before a letter is added or ends."""
        wake: int | None = None
        for lane in HURRIED:
            if self._lanes.depth(lane):
                wake = _sooner(wake, self._ways.due(now), self._lanes.due(lane))
        if self._lanes.depth("typing"):
            wake = _sooner(wake, self._typing_due(now), self._lanes.due("typing"))
        if self._lanes.depth("bulk"):
            wake = _sooner(wake, self._ways.bulk_due(now), self._lanes.due("bulk"))
            paid = self._ways.paid_due(now)
            if paid is not None:
                wake = _sooner(wake, paid, self._lanes.due("bulk", only_paid=True))
        return wake

    def hold_bulk(self) -> None:
        """Nothing of the bulk lane starts any more."""
        self._ways.hold_bulk()

    def ended(self, entry: Entry, outcome: Ended, now: int, *, jitter: float) -> Ending:
        """A letter that `next` handed out met its outcome; `jitter` is from 0 to 1."""
        self._ways.end(entry, outcome, now)
        self._totals.flooded += isinstance(outcome, Flooded)
        entry.failures += isinstance(outcome, NotSent | Unknown | Held)
        entry.unknowns += isinstance(outcome, Unknown)
        if isinstance(outcome, Sent) and isinstance(entry.letter, broadcast.Say):
            self._addresses.reopen(entry.to)
        history = History(
            age_seconds=(now - entry.told_at) / TICKS_PER_SECOND,
            failures=entry.failures,
            unknowns=entry.unknowns,
            redirects=entry.redirects,
        )
        verdict = judge(entry.letter, outcome, history, jitter=jitter)
        mails = self._follow(entry, verdict, now)
        # Whether an unknown one was carried out nobody can tell the outbox.
        tells = entry.filed is not None and not isinstance(outcome, Unknown)
        postponed = tells and isinstance(verdict, Again | Moved)
        if isinstance(verdict, Again):
            (self._lanes.finish if postponed else self._lanes.repeat)(entry.to)
        return Ending(verdict, mails, postponed)

    def back(self, entry: Entry) -> None:
        """The outbox knows that a postponed letter was not sent."""
        self._lanes.put_back(entry)

    def figures(self, now: int) -> Figures:
        """Looks at every waiting chat: for a report now and then."""
        left: dict[Lane, int] = dict.fromkeys(HURRIED, self._tokens.left(now))
        left["typing"] = self._tokens.typing_left(now)
        left["bulk"] = self._tokens.bulk_left(now)
        return Figures(
            lanes={lane: self._lane_figures(lane, tokens, now) for lane, tokens in left.items()},
            in_flight=self._ways.in_flight,
            paid_tokens_left=self._tokens.paid_left(now),
            closed_chats=self._tokens.closed(now),
            longest_wait_seconds=self._tokens.longest_seconds(now),
            shut_seconds=self._ways.shut_seconds(now),
            bulk_shut_seconds=self._ways.bulk_shut_seconds(now),
            troubles=self._ways.troubles,
            unreachable=self._addresses.unreachable,
            moved=self._addresses.moved,
            stars_spent=self._postage.spent_tenths / TENTHS_PER_STAR,
            stars_budget=self._postage.budget_tenths / TENTHS_PER_STAR,
            stars_used_up=bool(self._postage.budget_tenths) and self._postage.used_up,
            flood_waits_cut=self._flood_waits_cut,
            dropped=self._lanes.dropped,
            totals=self._totals,
        )

    def _lane_figures(self, lane: Lane, tokens: int, now: int) -> LaneFigures:
        oldest = self._lanes.oldest(lane)
        return LaneFigures(
            depth=self._lanes.depth(lane),
            chats=self._lanes.chats(lane),
            oldest_age_seconds=0.0 if oldest is None else (now - oldest) / TICKS_PER_SECOND,
            tokens_left=tokens,
        )

    def _type(self, letter: broadcast.Typing, to: ChatId, now: int) -> None:
        """Not twice, not while the answer itself waits to leave, and not more than is shown in a
        second: it is a courtesy.
        """
        waiting = self._lanes.typing(to)
        if waiting is not None:
            waiting.told_at = now
        elif self._lanes.depth("typing") >= self._typing_max:
            self._totals.typing_refused += 1
        elif not self._lanes.depth_of("answer", to):
            self._lanes.add(Entry(letter, to=to, told_at=now))

    def _next_hurried(self, now: int) -> Entry | None:
        waiting = [lane for lane in HURRIED if self._lanes.depth(lane)]
        due = self._ways.due(now) if waiting else None
        if due is None or due > now:
            return None
        for lane in waiting:
            spare = 0 if lane == "answer" else 1
            entry = self._lanes.pick(lane, now, lambda head: self._chat_due(head, now, spare))  # noqa: B023 - called at once
            if entry is not None:
                return entry
        return None

    def _next_typing(self, now: int) -> Entry | None:
        due = self._typing_due(now) if self._lanes.depth("typing") else None
        if due is None or due > now:
            return None
        return self._lanes.pick("typing", now, lambda head: self._chat_due(head, now, 1))

    def _typing_due(self, now: int) -> int | None:
        busy = bool(self._lanes.depth("bulk")) and not self._ways.bulk_shut_seconds(now)
        return self._ways.typing_due(now, beside_bulk=busy)

    def _next_bulk(self, now: int) -> Entry | None:
        if not self._lanes.depth("bulk"):
            return None
        due, paid = self._ways.bulk_due(now), self._ways.paid_due(now)
        free = due is not None and due <= now
        if not free and (paid is None or paid > now):
            return None
        return self._lanes.pick(
            "bulk", now, lambda head: self._chat_due(head, now, 1), only_paid=not free
        )

    def _chat_due(self, head: Entry, now: int, spare: int) -> int:
        return self._tokens.chat_due(head.to, now, shown=head.shown, spare=spare)

    def _follow(self, entry: Entry, verdict: Verdict, now: int) -> list[Mail]:
        match verdict:
            case Done():
                self._lanes.finish(entry.to)
                self._totals.delivered += 1
                return self._letterbox.deliver(entry, verdict)
            case Lost(whole_chat=True, closed=closed):
                self._addresses.close(entry.to, closed or "blocked", verdict.detail)
                return [
                    mail for one in self._lanes.clear(entry.to) for mail in self._lose(one, verdict)
                ]
            case Lost():
                self._lanes.finish(entry.to)
                return self._lose(entry, verdict)
            case Again():
                self._totals.repeated += 1
                until = now + 1 + span(verdict.wait_seconds)
                self._tokens.close_chat(entry.to, now, until=until)
                if verdict.flooded:
                    self._notes.close_chat(entry.to, until)
                return []
            case Moved():
                self._move(entry, verdict.chat_id)
                return []
            case _:
                assert_never(verdict)

    def _lose(self, entry: Entry, lost: Lost) -> list[Mail]:
        self._totals.lost[lost.reason] += entry.weight
        return self._letterbox.lose(entry, lost)

    def _move(self, first: Entry, chat_id: ChatId) -> None:
        """All that waits for a chat goes to the one it became, and so do later letters."""
        self._addresses.move(first.to, chat_id)
        for entry in self._lanes.clear(first.to):
            entry.to = chat_id
            entry.redirects += 1
            if entry is not first or entry.filed is None:  # the outbox hears of that one first
                self._lanes.add(entry)

    def _full(self, lane: Lane, to: ChatId) -> str:
        """Why no further letter of this lane for this chat is taken in; empty when one is."""
        if self._lanes.depth(lane) >= LANE_MAX_LETTERS:
            return f"{LANE_MAX_LETTERS} letters wait already"
        if self._lanes.depth_of(lane, to) >= CHAT_MAX_LETTERS:
            return f"{CHAT_MAX_LETTERS} letters wait for this chat already"
        return ""


def _sooner(wake: int | None, way: int | None, lane: int | None) -> int | None:
    """When both are due, should that be before `wake`; `wake` while one of them is not known."""
    if way is None or lane is None:
        return wake
    both = max(way, lane)
    return both if wake is None else min(wake, both)
