"""The payment tracker: the one source of payment status, and the one that asks the record table.

Receives  tracker.Track, tracker.Observed, tracker.Recheck
Tells     tracker.Settled, to whoever asked for it; publishes tracker.PaymentStatusChanged,
          tracker.OrderPaymentChanged and operations.Reported
Owns      whom which payment for a record concerns, and which are known (ports.Watches);
          every charge and what of it is booked (payments.ports.Payments)
Restarts  safely: on_start restores everybody who may pay from the store and publishes again
          what a session or an order has not recorded; a payment is stored before it is published

Each interval is one *look* at the record table (`looks`): what changed since the last look, then
one chunk of the slow reconciliation of everybody who waits. Nobody waits: nothing is asked. The
questions run beside the mailbox, one at a time; an answer that is not understood changes nothing.

What providers report of their charges is settled beside the mailbox as well (`till`): one charge's
reports one after the other, different charges side by side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from math import ceil, inf
from typing import assert_never

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.operations import messages as operations
from actors.tracker import charges
from actors.tracker import messages as tracker
from actors.tracker.condition import Condition
from actors.tracker.looks import Changes, Chunk, Looks, Question, ask
from actors.tracker.model import Answer, Page, Place, Refused, Row
from actors.tracker.ports import OrderBook, PaidRecords, Payments, Watches
from actors.tracker.rechecks import Rechecks
from actors.tracker.repeats import Repeats
from actors.tracker.roster import Roster
from runtime import Actor, message

INTERVAL_SECONDS = 20.0
RECHECK_SECONDS = 1.0
"""A row that is said to have changed is read after this, with all others that come meanwhile."""
RESTORE_SECONDS = 60.0
"""Not more often than this, and once per pass, the store is read again: a `Track` that got
lost heals, and so does a `PaymentStatusChanged` whose receiver crashed on it."""
JITTER = 0.25
"""A pause after a failure is up to this part longer, so that several bots do not march in step."""


@message
class _Tick:
    """Time for the next look."""


@message
class _Answered:
    """The table's answer."""

    question: Question
    answer: Answer | Unavailable


_Received = tracker.Command | _Tick | _Answered | charges.Repeat | charges.Ended


class PaymentTracker(Actor[_Received]):
    def __init__(
        self,
        *,
        store: Watches,
        records: PaidRecords,
        payments: Payments,
        orders: OrderBook,
        live: bool,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__()
        self._store, self._records = store, records
        self._charges = charges.Charges(self, payments=payments, orders=orders, live=live)
        self._interval_seconds = interval_seconds
        self._roster = Roster()
        self._rechecks = Rechecks(self._roster)
        self._told: Repeats[tuple[RecordId, ChatId]] = Repeats(RESTORE_SECONDS)
        self._restored_at = -inf
        self._next_at = inf  # of the next look; infinite while one is under way
        self._patient = False  # the table wants to be left alone until then
        self._found = 0  # in the current look
        self._condition: Condition
        self._looks: Looks

    async def on_start(self) -> None:
        now = self.monotonic()
        self._condition = Condition(interval_seconds=self._interval_seconds, now=now)
        self._looks = Looks(self._roster, chunk_rows=self._records.chunk_rows, now=now)
        await self._restore()
        cursor = await self._store.cursor()
        self._looks.place = None if cursor is None else Place(after=cursor)
        self.after(0, _Tick(), key=_Tick)
        await self._charges.repeat(charges.Repeat())

    async def on_receive(self, message: _Received) -> None:
        match message:
            case tracker.Track():
                self._track(message)
            case tracker.Observed():
                self._charges.observe(message)
            case tracker.Recheck():
                self._recheck(message)
            case _Tick():
                await self._begin()
            case _Answered():
                await self._hear(message)
            case charges.Repeat():
                await self._charges.repeat(message)
            case charges.Ended():
                self._charges.end(message.told, message.outcome)
            case _:
                assert_never(message)

    def _track(self, told: tracker.Track) -> None:
        # Told already: the session that asks again is about to hear it. Should it have
        # crashed on it, `_restore` finds out from the store.
        if (told.record_id, told.chat_id) not in self._told:
            self._roster.add(told.record_id, told.chat_id, cancelled=told.cancelled)

    def _recheck(self, told: tracker.Recheck) -> None:
        if not self._rechecks.add(told):
            _settled(told)
        elif not self._patient and RECHECK_SECONDS < self._next_at - self.monotonic() < inf:
            self._look_in(RECHECK_SECONDS)

    async def _begin(self) -> None:
        self._next_at = inf
        if self.monotonic() - self._restored_at >= self._restore_every_seconds:
            await self._restore()
        if not self._roster:
            self._looks.forget()
            self._condition.rest(self.monotonic())
            self._rest(self._interval_seconds)
            return
        self._found = 0
        self._ask(self._looks.begin(self.monotonic()) or self._chunk())

    def _chunk(self) -> Chunk | None:
        self._rechecks.asking()
        return self._looks.chunk(self._records.chunk_rows)

    def _ask(self, question: Question | None) -> None:
        """Ask it beside the mailbox; without one, everybody was found paid a moment ago."""
        if question is None:
            self._succeed()
        else:
            answered = partial(_Answered, question=question)
            self.pipe(ask, self._records, question, then=lambda told: answered(answer=told))

    async def _hear(self, told: _Answered) -> None:
        if isinstance(told.question, Changes):
            await self._hear_changes(told.question.place, told.answer)
        else:
            await self._hear_chunk(told.question.record_ids, told.answer)

    async def _hear_changes(self, place: Place, answer: Answer | Unavailable) -> None:
        match answer:
            case Page():
                await self._settle(answer.rows)
                await self._read_on(place, answer)
            case Refused(reason="updated" | "question"):
                self._looks.changes_off(self.monotonic())
                self._only_reconcile(answer.detail)
            case Refused(reason="chat"):  # the next questions go without that column
                self._ask(self._chunk())
            case Unavailable():  # this question may be too much for it, the other one is cheap
                self._only_reconcile(answer.detail)
            case _:
                self._fail(answer)

    async def _hear_chunk(self, asked: tuple[RecordId, ...], answer: Answer | Unavailable) -> None:
        match answer:
            case Page():
                self._condition.nameless = answer.nameless
                await self._settle(answer.rows)
                rows_max = self._records.chunk_rows
                read = self._looks.reconciled(asked, answer, now=self.now(), rows_max=rows_max)
                self._settle_rechecks(read)
                self._succeed()
            case Refused(reason="question") if len(asked) > 1:
                # One of the ids may be to blame: narrow it down, the others go on.
                self._looks.narrow(asked)
                self._fail(answer)
            case Refused(reason="question"):
                self._roster.answered(asked, ())
                self._fail(replace(answer, detail=f"{answer.detail} (record {asked[0]})"))
            case _:
                self._roster.put_back(asked)
                self._fail(answer)

    async def _settle(self, rows: Iterable[Row]) -> None:
        """Store, then publish, whoever of those who wait has paid."""
        paid = self._roster.paid_by(rows)
        if paid:
            await self._store.mark_paid(paid)
        for watch in paid:
            self._roster.remove(watch.record_id, watch.chat_id)
            self._publish_paid(watch.record_id, watch.chat_id)
        self._found += len(paid)

    def _settle_rechecks(self, read: frozenset[RecordId] = frozenset()) -> None:
        for told in self._rechecks.read(read):
            _settled(told)

    async def _read_on(self, place: Place, page: Page) -> None:
        self._condition.changes_trouble = ""
        before = self._looks.place or place
        more = self._looks.read_on(place, page, now=self.now(), clock=self.monotonic())
        if more is not None:
            self._ask(more)
            return
        reached = self._looks.place
        if reached is not None and reached.after != before.after:
            await self._store.save_cursor(reached.after)
        self._ask(self._chunk())

    def _only_reconcile(self, detail: str) -> None:
        self._condition.changes_trouble = f"payments are seen late: {detail}"
        self._looks.begin_again()
        self._ask(self._chunk())

    async def _restore(self) -> None:
        """Track whoever may pay, and publish again what nobody recorded in good time."""
        now, unrecorded = self.monotonic(), set()
        if self._told or self._restored_at == -inf:
            await self._store.forget_recorded()
        for watch in await self._store.waiting():
            key = (watch.record_id, watch.chat_id)
            if not watch.paid:
                self._roster.add(*key, cancelled=watch.cancelled, restored=True)
                continue
            unrecorded.add(key)
            if self._told.due(key, now):
                self._roster.remove(*key)
                self._publish_paid(*key)
        self._told.forget(now, but=unrecorded)
        self._restored_at = now

    @property
    def _restore_every_seconds(self) -> float:
        looks_per_pass = ceil(len(self._roster) / self._records.chunk_rows)
        return max(RESTORE_SECONDS, looks_per_pass * self._interval_seconds)

    def _publish_paid(self, record_id: RecordId, chat_id: ChatId) -> None:
        self._told.published((record_id, chat_id), self.monotonic())
        self.log.info("tracker.payment_seen", record_id=record_id, chat_id=chat_id)
        self.publish(
            tracker.PaymentStatusChanged(
                record_id=record_id, chat_id=chat_id, status=tracker.PaymentStatus.PAID
            )
        )

    def _succeed(self) -> None:
        self._condition.succeed(self.monotonic())
        self._patient = False
        self._end(RECHECK_SECONDS if self._rechecks else self._interval_seconds)

    def _fail(self, answer: Answer | Unavailable) -> None:
        seconds = self._condition.fail(answer)
        self._patient = True
        self._end(seconds * self.world.random.uniform(1.0, 1.0 + JITTER))

    def _end(self, seconds: float) -> None:
        """This look is over; the line in the log is what operators look at first."""
        report = self._rest(seconds)
        (self.log.info if report.status == "pass" else self.log.warning)(
            "tracker.looked",
            status=report.status,
            output=report.output,
            waiting=self._roster.waiting,
            paid=self._found,
            next_seconds=round(seconds, 1),
            **asdict(self._records.requests),
        )

    def _rest(self, seconds: float) -> operations.Reported:
        """Say how things are, and look again after `seconds`."""
        self._settle_rechecks()
        self._look_in(seconds)
        report = self._condition.report(
            now=self.monotonic(), roster=self._roster, requests=self._records.requests
        )
        self.publish(report)
        return report

    def _look_in(self, seconds: float) -> None:
        self._next_at = self.monotonic() + seconds
        self.after(seconds, _Tick(), key=_Tick)


def _settled(told: tracker.Recheck) -> None:
    if told.notify is not None and told.event_id is not None:
        told.notify.tell(tracker.Settled(event_id=told.event_id))
