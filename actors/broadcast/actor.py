"""Every message out to Telegram, at the pace that Telegram allows: the only door.

Receives  broadcast.Say, broadcast.Edit, broadcast.Erase, broadcast.AnswerCallback
Tells     broadcast.Delivered or broadcast.Undelivered to a letter's `notify`, exactly once;
          publishes operations.Reported every few seconds
Owns      the queue of letters, the rate tokens and the flood waits, all in a `Desk`
Restarts  with an empty queue: what waited is forgotten, so whoever needs a letter to arrive
          tells it again until it has the receipt, under the same `letter_id` (told twice
          while it waits or after it was delivered, it is still one letter). After a
          failure it begins without tokens, because its predecessor may have used them all;
          a flood wait is learnt again from the next 429. Before an orderly stop it delivers
          what it can in `DRAIN_SECONDS`.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.broadcast.desk import Desk, Mail
from actors.broadcast.model import (
    Broken,
    Flooded,
    Lost,
    Moved,
    NotSent,
    Outcome,
    Unknown,
)
from actors.broadcast.ports import Messenger, Pause
from actors.broadcast.queues import Entry
from actors.broadcast.report import Trouble, reported
from actors.broadcast.tokens import TICKS_PER_SECOND, Limits, ticks
from actors.kernel.failures import Unavailable
from runtime import Actor, message

REPORT_SECONDS = 5.0

DRAIN_SECONDS = 4.0
"""Less than the supervisor's patience (`ChildSpec.shutdown_seconds`), so that a letter under
way still gets its outcome."""

DRAIN_LOOK_SECONDS = 0.02


@message
class _Answered:
    """The messenger came back with `entry`."""

    entry: Entry
    outcome: Outcome | Broken


@message
class _Due:
    """A letter may leave now."""


@message
class _ReportDue:
    """Those who watch have not heard of us for a while."""


class BroadcastDispatcher(Actor[broadcast.Command | _Answered | _Due | _ReportDue]):
    def __init__(self, *, messenger: Messenger, pause: Pause, limits: Limits | None = None) -> None:
        super().__init__()
        self._messenger, self._pause = messenger, pause
        self._desk = Desk(limits or Limits())
        self._under_way: dict[Entry, Outcome | None] = {}
        self._alarm: int | None = None
        self._trouble: Trouble | None = None
        self._turned_away = 0

    async def on_start(self) -> None:
        if self.incarnation > 1:
            self._desk.assume_spent(self._ticks())
        self._report()
        self.every(REPORT_SECONDS, _ReportDue(), key="report")

    async def on_stop(self) -> None:
        """Deliver what can be delivered soon; the rest is told again by whoever needs it."""
        end = self._ticks() + ticks(DRAIN_SECONDS)
        while self._goes_on_before(end):
            # Neither timers nor answers reach an actor that stops: it has to look by itself.
            self._start_deliveries(self._ticks())
            await self._pause(DRAIN_LOOK_SECONDS)
            for entry, outcome in list(self._under_way.items()):
                if outcome is not None:
                    self._end(entry, outcome)
        if left := self._desk.figures(self._ticks()).depth:
            self.log.warning("dispatcher.stopped_with_letters", letters=left)

    def on_receive(self, message: broadcast.Command | _Answered | _Due | _ReportDue) -> None:
        match message:
            case (
                broadcast.Say() | broadcast.Edit() | broadcast.Erase() | broadcast.AnswerCallback()
            ):
                self._take_in(message)
            case _Answered():
                self._answered(message)
            case _Due():
                self._due()
            case _ReportDue():
                self._report()
            case _:
                assert_never(message)

    def _take_in(self, letter: broadcast.Letter) -> None:
        self._hand_out(self._desk.add(letter, self._ticks()))
        self._send()

    def _answered(self, told: _Answered) -> None:
        self._end(told.entry, told.outcome)
        self._send()

    def _due(self) -> None:
        self._alarm = None
        self._send()

    def _report(self) -> None:
        figures = self._desk.figures(self._ticks())
        if turned_away := figures.totals.turned_away - self._turned_away:
            self.log.error("letters.turned_away", letters=turned_away, queued=figures.depth)
            self._turned_away = figures.totals.turned_away
        self.publish(reported(figures, self._trouble))

    def _send(self) -> None:
        """Start every delivery that may start, and wake up when the next one may."""
        now = self._ticks()
        self._start_deliveries(now)
        wake = self._desk.wake(now)
        if wake is not None and (self._alarm is None or wake < self._alarm):
            self._alarm = wake
            # One tick more: a timer's moment is a float and may round down to the one before.
            self.after((wake + 1 - now) / TICKS_PER_SECOND, _Due(), key="due")

    def _start_deliveries(self, now: int) -> None:
        while entry := self._desk.next(now):
            self._under_way[entry] = None
            self.pipe(
                self._carry,
                entry,
                then=partial(self._returned, entry),
                failed=partial(self._broken, entry),
            )

    async def _carry(self, entry: Entry) -> Outcome:
        """One attempt, beside the mailbox; its outcome also stays here, for `on_stop`."""
        try:
            outcome = await self._messenger.deliver(entry.addressed())
        except Unavailable as error:
            outcome = NotSent(str(error), retry_after_seconds=error.retry_after_seconds)
        self._under_way[entry] = outcome
        return outcome

    @staticmethod
    def _returned(entry: Entry, outcome: Outcome) -> _Answered:
        return _Answered(entry=entry, outcome=outcome)

    def _broken(self, entry: Entry, error: Exception) -> _Answered:
        """A bug in the messenger costs the letter that met it, not the queue behind it."""
        self.log.error("messenger.broke", chat_id=entry.to, exc_info=error)
        return _Answered(entry=entry, outcome=Broken(f"{type(error).__name__}: {error}"))

    def _end(self, entry: Entry, outcome: Outcome | Broken) -> None:
        del self._under_way[entry]
        jitter = self.world.random.random()
        ending = self._desk.ended(entry, outcome, self._ticks(), jitter=jitter)
        match outcome:
            case Flooded(retry_after_seconds=seconds):
                self._trouble = outcome
                self.log.warning("telegram.flooded", chat_id=entry.to, seconds=seconds)
            case NotSent(detail=detail) | Unknown(detail=detail):
                self._trouble = outcome
                self.log.warning("telegram.not_reached", chat_id=entry.to, detail=detail)
            case _:
                pass
        match ending.verdict:
            case Lost(reason=reason, detail=detail):
                # People block bots every day; anything else is worth a look.
                log = self.log.info if reason == "blocked" else self.log.warning
                log(
                    "letter.lost",
                    reason=reason,
                    detail=detail,
                    kind=type(entry.letter).__name__,
                    letter_ids=list(entry.receipts),
                    chat_id=entry.to,
                )
            case Moved(chat_id=chat_id):
                self.log.info("chat.moved", chat_id=entry.letter.chat_id, new_chat_id=chat_id)
            case _:
                pass
        self._hand_out(ending.mails)

    def _goes_on_before(self, end: int) -> bool:
        """Whether something is under way, or may leave, before that tick."""
        now = self._ticks()
        if now >= end:
            return False
        wake = self._desk.wake(now)
        return bool(self._under_way) or (wake is not None and wake < end)

    def _ticks(self) -> int:
        return ticks(self.monotonic())

    @staticmethod
    def _hand_out(mails: list[Mail]) -> None:
        for recipient, receipt in mails:
            recipient.tell(receipt)
