"""Broadcasts: one text for many, each recipient told once, whatever happens meanwhile.

Receives  broadcasts.Command: operators' questions, what administrators type and press,
          broadcast.Receipt; its own ticks
Tells     broadcast.Say, Edit and Erase in the lane `bulk`; what the administrators are shown;
          publishes operations.Reported
Owns      the broadcasts and the outcome of each recipient, through ports.Broadcasts
Restarts  safely: who was `sending` becomes `unknown` (`pending` where a second request does no
          harm), everybody who is pending is told again under the same letter; a receipt that
          comes later still counts

A recipient becomes `sending` right before his request begins, by the dispatcher's call of
`starting`, and what became of it is written down as soon as it is known. What the dispatcher holds
and has not begun is pending, and nothing is lost with it. Before an orderly stop no request begins
any more, and what is under way is awaited.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from math import inf
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.broadcasts import letters, report
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.chat import BroadcastChat
from actors.broadcasts.keeping import PANEL_SECONDS, RUNNING_MAX
from actors.broadcasts.model import Broadcast, Outcome, Settled, State
from actors.broadcasts.panel_reader import IN_ENGLISH, Reader
from actors.broadcasts.ports import Broadcasts, Pause
from actors.broadcasts.rules import Event, Occurrence
from actors.broadcasts.running import PAGE, Pass
from actors.kernel.failures import Unavailable
from actors.kernel.ids import BroadcastId, ChatId
from runtime import Recipient, message

TICK_SECONDS = 1.0
"""Between two looks while something is under way."""
IDLE_SECONDS = 60.0
"""The same while nothing is; what is scheduled is looked at in time."""
AGAIN_SECONDS = 1.0
"""What the store did not take is tried again after this."""
DRAIN_SECONDS = 3.0
"""Less than the supervisor's patience; a request takes a fraction of it."""
DRAIN_LOOK_SECONDS = 0.05


@message
class _Tick:
    """Something may be due."""


@message
class _Flush:
    """There are receipts in this tray, of which nothing is written down."""

    tray: _Tray


class _Tray:
    """Where the receipts of recipients go: they are worked on together, and whoever stops, and
    is told nothing any more, still finds them. The next incarnation is told of what comes later.
    """

    def __init__(self, ref: Recipient[_Flush]) -> None:
        self._ref = ref
        self.closed = False
        """Whoever stops looks for himself."""
        self._receipts: list[_Told] = []

    def put(self, told: _Told) -> None:
        """A receipt is here."""
        self._receipts.append(told)
        if len(self._receipts) == 1 and not self.closed:
            self._ref.tell(_Flush(tray=self))

    def take(self) -> list[_Told]:
        """All that are here."""
        receipts, self._receipts = self._receipts, []
        return receipts


@message
class _Prepared:
    """Whoever is to be told is written down; or the store could not do it."""

    broadcast_id: BroadcastId
    error: Exception | None = None


_Told = tuple[Pass, broadcast.Receipt]
"""A receipt, and in which pass its letter was told."""


class _Slot:
    """Where the receipts of one pass come in: a pause ends a pass, and the next one is another."""

    def __init__(self, tray: _Tray, running: Pass) -> None:
        self._tray, self._running = tray, running

    def tell(self, receipt: broadcast.Receipt) -> None:
        """A receipt is here."""
        self._tray.put((self._running, receipt))


class Broadcaster(BroadcastChat):
    """See the four headings above. `pause` lets time pass while it stops; with `paid` there are a
    rate and a budget for what Telegram bills.
    """

    def __init__(
        self,
        *,
        store: Broadcasts,
        dispatcher: Recipient[broadcast.Command],
        pause: Pause,
        admin_chat_id: ChatId | None,
        reader: Reader = IN_ENGLISH,
        paid: bool = False,
    ) -> None:
        super().__init__(
            store=store, dispatcher=dispatcher, admin_chat_id=admin_chat_id, reader=reader
        )
        self._pause, self._tray, self._paid = pause, _Tray(self.actor_ref), paid
        self._news: list[Settled] = []
        """Outcomes that are not written down yet."""
        self._totals = report.Totals()
        self._preparing: set[BroadcastId] = set()
        """Of whom it is being written down whom they are for."""
        self._tick_at, self._reported_at, self._stirred = inf, -inf, True
        self._doubtful = False
        """What is open may be another than was known here: the next look begins by reading it."""
        self._after_all = False
        """Somebody got it of whom nobody knew: what changes it may have him to tell as well."""

    async def on_start(self) -> None:
        if unknown := await self._store.recover():
            self._totals.outcomes[Outcome.UNKNOWN] += unknown
            self.log.warning("broadcast.interrupted", unknown=unknown)
        await self._load()
        self._look_in(0.0)

    async def on_stop(self) -> None:
        """Let no further request begin, and learn what becomes of those under way."""
        end, self._tray.closed = self.monotonic() + DRAIN_SECONDS, True
        try:
            await self._store.hold()
            while True:
                self._sort(self._tray.take())
                await self._write_down()
                if not await self._store.under_way() or self.monotonic() >= end:
                    break
                await self._pause(DRAIN_LOOK_SECONDS)
        except Unavailable as error:
            self.log.warning("broadcasts.stopped_in_the_dark", detail=str(error))

    async def on_receive(
        self, message: broadcasts.Command | _Tick | _Flush | _Prepared
    ) -> broadcasts.Answer | None:
        match message:
            case _Flush():
                await self._flush(message.tray)
            case _Tick():
                await self._tick()
            case _Prepared():
                await self._prepared(message)
            case broadcast.Delivered() | broadcast.Undelivered():
                await self._later(message, self._shown_to_admins(message))
            case broadcasts.Composed():
                await self._later(message, self._composed(message))
            case broadcasts.Pressed():
                await self._later(message, self._pressed(message))
            case (
                broadcasts.Create()
                | broadcasts.Show()
                | broadcasts.Act()
                | broadcasts.Retry()
                | broadcasts.Edit()
            ):
                return await self._asked(message)
            case _:
                assert_never(message)
        return None

    async def _flush(self, tray: _Tray) -> None:
        """Write down what is known, and tell the dispatcher as many more."""
        heard = self._sort(tray.take())
        try:
            await self._write_down()
            for broadcast_id, running in list(self._passes.items()):
                if broadcast_id in heard:  # others would look for nothing new
                    await self._go_on(running)
        except Unavailable as error:
            self._missed(error)

    async def _tick(self) -> None:
        self._tick_at = inf
        try:
            if self._doubtful:
                await self._store.under_way()  # by the writer, behind whatever may still happen
                await self._load()
                self._doubtful = False
            await self._write_down()
            for running in list(self._passes.values()):
                await self._go_on(running)
            for kept in list(self._open.values()):
                self._prepare(kept)  # what could not be done before may be due again
            await self._start_due()
            silence = PANEL_SECONDS if self._passes else IDLE_SECONDS
            if self._stirred or self.monotonic() - self._reported_at >= silence:
                await self._report()
        except Unavailable as error:
            self._missed(error)
        else:
            # What is due and has not begun waits for requests that are under way.
            self._look_in(self._rest_seconds() or TICK_SECONDS)

    def _prepare(self, kept: Broadcast) -> None:
        """Have it written down, beside the mailbox, whom it is for."""
        broadcast_id = kept.broadcast_id
        is_due = self._put_off.due(broadcast_id, now=self.monotonic())
        if kept.preparing and is_due and broadcast_id not in self._preparing:
            self._preparing.add(broadcast_id)
            self.pipe(
                self._store.prepare,
                kept,
                then=lambda _: _Prepared(broadcast_id=broadcast_id),
                failed=lambda error: _Prepared(broadcast_id=broadcast_id, error=error),
            )

    async def _prepared(self, told: _Prepared) -> None:
        self._preparing.discard(told.broadcast_id)
        try:
            if told.error is not None:
                self._put_off.failed(told.broadcast_id, str(told.error), now=self.monotonic())
                raise told.error
            self._put_off.forget(told.broadcast_id)
            kept = await self._store.find(told.broadcast_id)
            if kept is not None and kept.preparing:
                await self._move(kept, Occurrence(event=Event.PREPARED))
        except Unavailable as error:
            self._missed(error)
        else:
            self._look_in(0.0)

    def _remember(self, kept: Broadcast) -> None:
        known = self._open.get(kept.broadcast_id)
        super()._remember(kept)
        self._prepare(kept)
        if known is None or known.state is not kept.state:
            self._stirred = True
            self._look_in(self._rest_seconds())

    def _look_in(self, seconds: float) -> None:
        """Look after so long, or earlier if that was meant anyway."""
        at = self.monotonic() + seconds
        if at < self._tick_at:
            self._tick_at = at
            self.after(seconds, _Tick(), key=_Tick)

    def _rest_seconds(self) -> float:
        """For how long nothing has to be done of which nobody tells us."""
        busy = self._passes or self._news or self._stirred or self._put_off
        most = TICK_SECONDS if busy else IDLE_SECONDS
        starts = [each.starts_at for each in self._open.values() if each.state is State.SCHEDULED]
        if not starts or self._running >= RUNNING_MAX:
            return most
        return min(max((min(starts) - self.now()) / timedelta(seconds=1), 0.0), most)

    async def _report(self) -> None:
        self._reported_at, self._stirred = self.monotonic(), False
        still = [
            broadcast_id
            for broadcast_id, kept in self._open.items()
            if kept.state is State.PAUSED or broadcast_id in self._put_off
        ]
        for broadcast_id in dict.fromkeys([*self._passes, *still]):
            kept = await self._store.find(broadcast_id)
            if kept is not None:
                self._remember(kept)
                await self._show_panel(kept)
        self.publish(
            report.reported(
                self._open,
                self._passes,
                self._totals,
                now=self.monotonic(),
                paid=self._paid,
                put_off=self._put_off.told(),
            )
        )

    async def _asked(self, question: broadcasts.Question) -> broadcasts.Answer | None:
        """Refuse for now, rather than be suspended: what is not written down is here alone."""
        try:
            return await self._answer(question)
        except Unavailable as error:
            self._missed(error)
            self.reply_later().set_exception(error)
            return None

    async def _later(self, told: broadcasts.Told, work: Awaitable[None]) -> None:
        """The same for what was told: it is told again."""
        try:
            await work
        except Unavailable as error:
            self._missed(error)
            self.after(AGAIN_SECONDS, told)

    async def _shown_to_admins(self, receipt: broadcast.Receipt) -> None:
        if letters.checked(receipt.letter_id) is not None:
            await self._checked(receipt)
        elif isinstance(receipt, broadcast.Delivered):
            await self._panel_shown(receipt)
        elif receipt.reason == "gone":
            await self._panel_lost(receipt)

    def _sort(self, receipts: list[_Told]) -> set[BroadcastId]:
        """Who has an outcome now, and who waits again; of which broadcasts anything was heard."""
        now, heard = self.monotonic(), set[BroadcastId]()
        for told_in, receipt in receipts:
            settled = letters.settled(receipt)
            if settled is None:
                continue
            heard.add(settled.broadcast_id)
            running = self._passes.get(settled.broadcast_id)
            done = settled.outcome is not Outcome.PENDING
            late = running if running is not told_in else None
            if late and not done and late.awaits(settled.chat_id):
                continue  # withdrawn before, and told again since: his request may be under way
            self._after_all |= running is not told_in and settled.outcome is Outcome.SENT
            self._news.append(settled)
            self._totals.outcomes[settled.outcome] += 1
            if running:
                running.heard(settled.chat_id, now=now, done=done)
        return heard

    async def _write_down(self) -> None:
        """All that is known, in one transaction. Raises `Unavailable`, and forgets nothing."""
        if self._news:
            await self._store.settle(tuple(self._news))
            self._news.clear()
            if self._after_all:
                self._after_all, self._doubtful = False, True
                self._look_in(0.0)

    async def _go_on(self, running: Pass) -> None:
        """Tell the dispatcher as many letters as it may hold, or see that all is done."""
        kept, slot = running.broadcast, _Slot(self._tray, running)
        while True:
            while turn := running.next():
                self._dispatcher.tell(letters.letter(kept, running.template, turn, slot))
            if not running.hungry:
                break
            running.take(
                await self._store.page(kept.broadcast_id, after=running.cursor, limit=PAGE)
            )
        if running.quiet:
            known = await self._store.find(kept.broadcast_id)
            if known is not None and not known.counts.pending:
                await self._move(known, Occurrence(event=Event.EXHAUSTED))
            else:
                running.again()  # at the next look: somebody was withdrawn, or is tried again

    def _missed(self, error: Unavailable) -> None:
        """The store is away: the next look tries again."""
        self._doubtful = True
        self._look_in(AGAIN_SECONDS)
        self.log.warning("broadcasts.postponed", detail=str(error))
