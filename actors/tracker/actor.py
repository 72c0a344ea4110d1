"""The payment tracker: the one actor that asks the record table who has paid.

Receives  tracker.Track
Tells     nobody; publishes tracker.PaymentStatusChanged and operations.Reported
Owns      whom which payment concerns, and which payments are known (ports.Watches)
Restarts  safely: on_start restores everybody who may pay from the store and publishes again
          what a session has not recorded; a payment is stored before it is published

Each interval is one *look*: what changed since the last look, then one chunk of the slow
reconciliation of everybody who waits. Nobody waits: nothing is asked. The questions run
beside the mailbox, one at a time; an answer that is not understood changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, replace
from math import ceil, inf
from typing import assert_never

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.operations import messages as operations
from actors.tracker import messages as tracker
from actors.tracker.condition import Condition
from actors.tracker.model import OVERLAP_SECONDS, Answer, Page, Place, Refused, Row
from actors.tracker.ports import PaidRecords, Watches
from actors.tracker.roster import Roster
from runtime import Actor, message

INTERVAL_SECONDS = 20.0
PAGES_MAX = 10
"""Pages of changes read in one look; the rest of a bulk change waits for the next look."""
CHANGES_OFF_SECONDS = 600.0
"""How long a table that cannot tell its changes is only reconciled, before it is tried again."""
RESTORE_SECONDS = 60.0
"""Not more often than this, and once per pass, the store is read again: a `Track` that got
lost heals, and so does a `PaymentStatusChanged` whose receiver crashed on it."""
JITTER = 0.25
"""A pause after a failure is up to this part longer, so that several bots do not march in step."""


@message
class _Tick:
    """Time for the next look."""


@message
class _ChangesAnswered:
    """The table's answer to what changed after `place`."""

    place: Place
    answer: Answer | Unavailable


@message
class _ChunkAnswered:
    """The table's answer to how the rows of `asked` stand."""

    asked: tuple[RecordId, ...]
    answer: Answer | Unavailable


class PaymentTracker(Actor[tracker.Command | _Tick | _ChangesAnswered | _ChunkAnswered]):
    def __init__(
        self,
        *,
        store: Watches,
        records: PaidRecords,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__()
        self._store, self._records = store, records
        self._interval_seconds = interval_seconds
        self._roster = Roster()
        self._told: dict[tuple[RecordId, ChatId], float] = {}  # published here, and when
        self._restored_at = -inf
        self._place: Place | None = None
        self._newest_at = 0.0
        self._chunk_rows = records.chunk_rows
        self._pages = self._found = 0  # of the current look
        self._changes_again_at = 0.0
        self._condition: Condition

    async def on_start(self) -> None:
        self._newest_at = now = self.monotonic()
        self._condition = Condition(interval_seconds=self._interval_seconds, now=now)
        await self._restore()
        cursor = await self._store.cursor()
        self._place = None if cursor is None else Place(after=cursor)
        self.after(0, _Tick(), key=_Tick)

    async def on_receive(
        self, message: tracker.Command | _Tick | _ChangesAnswered | _ChunkAnswered
    ) -> None:
        match message:
            case tracker.Track():
                self._track(message)
            case _Tick():
                await self._begin()
            case _ChangesAnswered():
                await self._hear_changes(message)
            case _ChunkAnswered():
                await self._hear_chunk(message)
            case _:
                assert_never(message)

    def _track(self, told: tracker.Track) -> None:
        # Told already: the session that asks again is about to hear it. Should it have
        # crashed on it, `_restore` finds out from the store.
        if (told.record_id, told.chat_id) not in self._told:
            self._roster.add(told.record_id, told.chat_id, cancelled=told.cancelled)

    async def _begin(self) -> None:
        if self.monotonic() - self._restored_at >= self._restore_every_seconds:
            await self._restore()
        if not self._roster:
            self._place = None  # whoever comes next is read at once; older changes are not his
            self._condition.rest(self.monotonic())
            self._rest(self._interval_seconds)
            return
        self._pages = self._found = 0
        if self._place is None or self.monotonic() < self._changes_again_at:
            self._ask_chunk()
        else:
            self._ask_changes(self._place)

    async def _hear_changes(self, told: _ChangesAnswered) -> None:
        answer = told.answer
        match answer:
            case Page():
                await self._settle(answer.rows)
                await self._read_on(told.place, answer)
            case Refused(reason="updated" | "question"):
                self._changes_again_at = self.monotonic() + CHANGES_OFF_SECONDS
                self._only_reconcile(answer.detail)
            case Refused(reason="chat"):  # the next questions go without that column
                self._ask_chunk()
            case Unavailable():  # this question may be too much for it, the other one is cheap
                self._only_reconcile(answer.detail)
            case _:
                self._fail(answer)

    async def _hear_chunk(self, told: _ChunkAnswered) -> None:
        answer = told.answer
        match answer:
            case Page():
                self._condition.nameless = answer.nameless
                await self._settle(answer.rows)
                self._reconcile(told.asked, answer)
                self._succeed()
            case Refused(reason="question") if len(told.asked) > 1:
                # One of the ids may be to blame: narrow it down, the others go on.
                self._chunk_rows = len(told.asked) // 2
                self._roster.put_back(told.asked)
                self._fail(answer)
            case Refused(reason="question"):
                self._roster.answered(told.asked, ())
                self._fail(replace(answer, detail=f"{answer.detail} (record {told.asked[0]})"))
            case _:
                self._roster.put_back(told.asked)
                self._fail(answer)

    def _ask_changes(self, place: Place) -> None:
        self._pages += 1
        self.pipe(
            _outcome,
            lambda: self._records.changed(place),
            then=lambda answer: _ChangesAnswered(place=place, answer=answer),
        )

    def _ask_chunk(self) -> None:
        asked = self._roster.take(min(self._chunk_rows, self._records.chunk_rows))
        if not asked:  # everybody was found paid a moment ago
            self._succeed()
            return
        self.pipe(
            _outcome,
            lambda: self._records.read(asked),
            then=lambda answer: _ChunkAnswered(asked=asked, answer=answer),
        )

    async def _settle(self, rows: Iterable[Row]) -> None:
        """Store, then publish, whoever of those who wait has paid."""
        paid = self._roster.paid_by(rows)
        if paid:
            await self._store.mark_paid(paid)
        for watch in paid:
            self._roster.remove(watch.record_id, watch.chat_id)
            self._publish_paid(watch.record_id, watch.chat_id)
        self._found += len(paid)

    async def _read_on(self, place: Place, page: Page) -> None:
        self._condition.changes_trouble = ""
        following = place.turn(page)
        if not page.last and page.size and self._pages < PAGES_MAX:
            self._ask_changes(following)
            return
        before = self._place or place
        if not page.last and page.size:
            self._place = following
        else:
            quiet = self.monotonic() - self._newest_at > OVERLAP_SECONDS
            self._place = before.end(page, reached=following, quiet=quiet, now=self.now())
        if self._place.newest != before.newest:
            self._newest_at = self.monotonic()
        if self._place.after != before.after:
            await self._store.save_cursor(self._place.after)
        self._ask_chunk()

    def _only_reconcile(self, detail: str) -> None:
        self._condition.changes_trouble = f"payments are seen late: {detail}"
        if self._place is not None:
            self._place = Place(after=self._place.after)
        self._ask_chunk()

    def _reconcile(self, asked: tuple[RecordId, ...], page: Page) -> None:
        if self._place is None:
            self._place = Place.first(page.server_time or self.now())
        answered = {row.record_id for row in page.rows}
        if page.last or answered.isdisjoint(asked):
            self._roster.answered(asked, page.rows)
        else:  # the server sends smaller pages than it was asked for
            self._roster.put_back(record for record in asked if record not in answered)
        self._chunk_rows = min(self._chunk_rows * 2, self._records.chunk_rows)

    async def _restore(self) -> None:
        """Track whoever may pay, and publish again what nobody recorded in good time."""
        now, unrecorded = self.monotonic(), set()
        if self._told or self._restored_at == -inf:
            await self._store.forget_recorded()
        for watch in await self._store.waiting():
            if not watch.paid:
                self._roster.add(
                    watch.record_id, watch.chat_id, cancelled=watch.cancelled, restored=True
                )
                continue
            key = (watch.record_id, watch.chat_id)
            unrecorded.add(key)
            if now - self._told.get(key, -inf) >= RESTORE_SECONDS:
                self._roster.remove(*key)
                self._publish_paid(watch.record_id, watch.chat_id)
        self._told = {
            key: at
            for key, at in self._told.items()
            if key in unrecorded or now - at < RESTORE_SECONDS
        }
        self._restored_at = now

    @property
    def _restore_every_seconds(self) -> float:
        looks_per_pass = ceil(len(self._roster) / self._records.chunk_rows)
        return max(RESTORE_SECONDS, looks_per_pass * self._interval_seconds)

    def _publish_paid(self, record_id: RecordId, chat_id: ChatId) -> None:
        self._told[record_id, chat_id] = self.monotonic()
        self.log.info("tracker.payment_seen", record_id=record_id, chat_id=chat_id)
        self.publish(
            tracker.PaymentStatusChanged(
                record_id=record_id, chat_id=chat_id, status=tracker.PaymentStatus.PAID
            )
        )

    def _succeed(self) -> None:
        self._condition.succeed(self.monotonic())
        self._end(self._interval_seconds)

    def _fail(self, answer: Answer | Unavailable) -> None:
        seconds = self._condition.fail(answer)
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
        self.after(seconds, _Tick(), key=_Tick)
        report = self._condition.report(
            now=self.monotonic(), roster=self._roster, requests=self._records.requests
        )
        self.publish(report)
        return report


async def _outcome(question: Callable[[], Awaitable[Answer]]) -> Answer | Unavailable:
    """Ask; a table that does not answer is an answer, too. Anything else is a bug, and crashes."""
    try:
        return await question()
    except Unavailable as error:
        return error
