"""Every message out to Telegram, at the pace that Telegram allows: the only door.

Receives  broadcast.Say, broadcast.Edit, broadcast.Erase, broadcast.AnswerCallback,
          broadcast.Typing
Tells     broadcast.Delivered or broadcast.Undelivered to a letter's `notify`, exactly once;
          publishes operations.Reported, soon after news
Owns      the lanes of letters, the rate tokens and the gates, all in a `Desk`; flood waits,
          unreachable chats and Stars spent, in its `PostBook`
Restarts  with empty lanes: what waited is forgotten, so whoever needs a letter to arrive
          tells it again until it has the receipt, under the same `letter_id` (told twice
          while it waits or after it was delivered, it is still one letter). Before the first
          letter leaves, the book is read. It begins without tokens, because its predecessor,
          in this process or another, may have used them all; and in no group for a minute,
          unless that one has stopped in an orderly way and said what it had sent. Before an
          orderly stop it delivers what it can in `DRAIN_SECONDS`, but for the bulk lane, whose
          letters the outbox keeps.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import TICKS_PER_SECOND, ticks
from actors.broadcast.carrier import Carrier
from actors.broadcast.desk import Desk, Ending
from actors.broadcast.letterbox import Mail
from actors.broadcast.model import (
    Broken,
    Ended,
    Flooded,
    Held,
    Lost,
    Moved,
    NotSent,
    Unknown,
)
from actors.broadcast.ports import Messenger, Outbox, Pause, PostBook
from actors.broadcast.queues import Entry
from actors.broadcast.report import Trouble, reported
from actors.broadcast.tokens import Limits
from actors.kernel.failures import Unavailable
from actors.operations import messages as operations
from runtime import Actor, message

REPORT_SECONDS = 5.0
"""News are reported within this time; without any, `operations.HEARTBEAT_SECONDS` pass."""

DRAIN_SECONDS = 4.0
"""Less than the supervisor's patience (`ChildSpec.shutdown_seconds`), so that a letter under
way still gets its outcome."""

DRAIN_LOOK_SECONDS = 0.02

STORE_AGAIN_SECONDS = 1.0
"""Between two tries to tell the book, or the outbox, what could not be told."""

_EVERY_DAY = ("blocked", "withdrawn")


@message
class _Answered:
    """The messenger came back with `entry`."""

    entry: Entry
    outcome: Ended


@message
class _Due:
    """A letter may leave now."""


@message
class _ReportDue:
    """Those who watch have not heard of us for a while."""


@message
class _Written:
    """The book has its page, or not."""

    error: Exception | None = None


@message
class _WriteDue:
    """The book is worth another try."""


@message
class _Postponed:
    """The outbox knows that a letter was not sent, or could not be told."""

    entry: Entry
    error: Exception | None = None


@message
class _PostponeDue:
    """The outbox is worth another try."""

    entry: Entry


_Own = _Answered | _Due | _ReportDue | _Written | _WriteDue | _Postponed | _PostponeDue


class BroadcastDispatcher(Actor[broadcast.Command | _Own]):
    """Without an `outbox` letters of the bulk lane leave unasked."""

    def __init__(
        self,
        *,
        messenger: Messenger,
        book: PostBook,
        pause: Pause,
        outbox: Outbox | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__()
        self._carrier, self._book, self._pause = Carrier(messenger, outbox), book, pause
        self._desk = Desk(limits or Limits())
        self._under_way: dict[Entry, Ended | None] = {}
        self._postponing: set[Entry] = set()
        self._alarm: int | None = None
        self._trouble: Trouble | None = None
        self._book_trouble, self._book_waits = "", False
        self._turned_away, self._newsworthy = 0, False

    async def on_start(self) -> None:
        page = await self._book.read()
        self._desk.restore(page, self._ticks(), self.now())
        if page.cut:
            self.log.warning("flood_waits.cut", flood_waits=page.cut)
        self._write_down()
        self._report()

    async def on_stop(self) -> None:
        """Deliver what can be delivered soon; the rest is told again by whoever needs it."""
        self._desk.hold_bulk()
        end = self._ticks() + ticks(DRAIN_SECONDS)
        while self._goes_on_before(end):
            # Neither timers nor answers reach an actor that stops: it has to look by itself.
            self._start_deliveries(self._ticks())
            await self._pause(DRAIN_LOOK_SECONDS)
            for entry, outcome in list(self._under_way.items()):
                if outcome is not None:
                    self._end(entry, outcome)
        figures = self._desk.figures(self._ticks())
        if left := figures.depth - figures.lanes["bulk"].depth:
            self.log.warning("dispatcher.stopped_with_letters", letters=left)
        page = self._desk.last_page(self._ticks(), self.now())
        if page is not None:
            try:
                await self._book.write(page)
            except Unavailable as error:
                self.log.warning("dispatcher.book_not_written", detail=str(error))

    def on_receive(self, message: broadcast.Command | _Own) -> None:
        match message:
            case (
                broadcast.Say()
                | broadcast.Edit()
                | broadcast.Erase()
                | broadcast.AnswerCallback()
                | broadcast.Typing()
            ):
                self._hand_out(self._desk.add(message, self._ticks()))
                self._send()
            case _Answered():
                self._end(message.entry, message.outcome)
                self._send()
            case _Due():
                self._alarm = None
                self._send()
            case _ReportDue():
                self._report()
            case _Written():
                self._written(message.error)
            case _WriteDue():
                self._book_waits = False
                self._write_down()
            case _Postponed():
                self._postponed(message.entry, message.error)
            case _PostponeDue():
                self._postpone(message.entry)
            case _:
                assert_never(message)

    def _report(self) -> None:
        figures = self._desk.figures(self._ticks())
        if turned_away := figures.totals.turned_away - self._turned_away:
            self.log.error("letters.turned_away", letters=turned_away, queued=figures.depth)
            self._turned_away = figures.totals.turned_away
        report = reported(figures, self._trouble, self._book_trouble)
        self.publish(report)
        # What waits grows older, and trouble ends by itself: both are news without a letter.
        self._newsworthy = figures.depth > 0 or report.status != "pass"
        pause = REPORT_SECONDS if self._newsworthy else operations.HEARTBEAT_SECONDS
        self.after(pause, _ReportDue(), key="report")

    def _news(self) -> None:
        """A letter came or went: those who watch hear of it soon."""
        if not self._newsworthy:
            self._newsworthy = True
            self.after(REPORT_SECONDS, _ReportDue(), key="report")

    def _send(self) -> None:
        """Start every delivery that may start, and wake up when the next one may."""
        self._news()
        now = self._ticks()
        self._start_deliveries(now)
        wake = self._desk.wake(now)
        if wake is not None and (self._alarm is None or wake < self._alarm):
            self._alarm = wake
            # One tick more: a timer's moment is a float and may round down to the one before.
            self.after((wake + 1 - now) / TICKS_PER_SECOND, _Due(), key="due")
        self._write_down()

    def _start_deliveries(self, now: int) -> None:
        while entry := self._desk.next(now):
            self._under_way[entry] = None
            self.pipe(
                self._carry,
                entry,
                then=partial(self._returned, entry),
                failed=partial(self._broken, entry),
            )

    async def _carry(self, entry: Entry) -> Ended:
        """One attempt, beside the mailbox; its outcome also stays here, for `on_stop`."""
        outcome = await self._carrier.carry(entry)
        self._under_way[entry] = outcome
        return outcome

    @staticmethod
    def _returned(entry: Entry, outcome: Ended) -> _Answered:
        return _Answered(entry=entry, outcome=outcome)

    def _broken(self, entry: Entry, error: Exception) -> _Answered:
        """A bug in the messenger costs the letter that met it, not the queue behind it."""
        self.log.error("messenger.broke", chat_id=entry.to, exc_info=error)
        return _Answered(entry=entry, outcome=Broken(f"{type(error).__name__}: {error}"))

    def _end(self, entry: Entry, outcome: Ended) -> None:
        del self._under_way[entry]
        jitter = self.world.random.random()
        ending = self._desk.ended(entry, outcome, self._ticks(), jitter=jitter)
        self._note(entry, outcome, ending)
        if ending.postponed:
            self._postpone(entry)
        self._hand_out(ending.mails)

    def _note(self, entry: Entry, outcome: Ended, ending: Ending) -> None:
        match outcome:
            case Flooded(retry_after_seconds=seconds):
                self._trouble = outcome
                self.log.warning("telegram.flooded", chat_id=entry.to, seconds=seconds)
            case NotSent(detail=detail) | Unknown(detail=detail):
                self._trouble = outcome
                self.log.warning("telegram.not_reached", chat_id=entry.to, detail=detail)
            case Held(detail=detail):
                self.log.warning("outbox.not_reached", chat_id=entry.to, detail=detail)
            case _:
                pass
        match ending.verdict:
            case Lost(reason=reason, detail=detail):
                # People block bots and operators pause broadcasts every day; anything else is
                # worth a look.
                log = self.log.info if reason in _EVERY_DAY else self.log.warning
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

    # The outbox: what was not sent after all

    def _postpone(self, entry: Entry) -> None:
        self._postponing.add(entry)
        self.pipe(
            self._tell_outbox,
            entry,
            then=lambda _: _Postponed(entry=entry),
            failed=lambda error: _Postponed(entry=entry, error=error),
        )

    async def _tell_outbox(self, entry: Entry) -> None:
        await self._carrier.postpone(entry)
        self._postponing.discard(entry)

    def _postponed(self, entry: Entry, error: Exception | None) -> None:
        if error is None:
            self._desk.back(entry)
            self._send()
        else:
            self._expect_unavailable(error)
            self.after(STORE_AGAIN_SECONDS, _PostponeDue(entry=entry), key=entry)

    # The book

    def _write_down(self) -> None:
        if self._book_waits:
            return
        page = self._desk.page(self._ticks(), self.now())
        if page is not None:
            self.pipe(
                self._book.write,
                page,
                then=lambda _: _Written(),
                failed=lambda error: _Written(error=error),
            )

    def _written(self, error: Exception | None) -> None:
        self._desk.written(durable=error is None)
        if error is None:
            self._book_trouble = ""
            self._send()
        else:
            self._book_trouble, self._book_waits = self._expect_unavailable(error), True
            self.after(STORE_AGAIN_SECONDS, _WriteDue(), key="write")

    @staticmethod
    def _expect_unavailable(error: Exception) -> str:
        """Its text; raises what is a fault of ours."""
        if not isinstance(error, Unavailable):
            raise error
        return str(error)

    def _goes_on_before(self, end: int) -> bool:
        """Whether something is under way, or may leave, before that tick."""
        now = self._ticks()
        if now >= end:
            return False
        wake = self._desk.wake(now)
        under_way = bool(self._under_way or self._postponing)
        return under_way or (wake is not None and wake < end)

    def _ticks(self) -> int:
        return ticks(self.monotonic())

    @staticmethod
    def _hand_out(mails: list[Mail]) -> None:
        for recipient, receipt in mails:
            recipient.tell(receipt)
