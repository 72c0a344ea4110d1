"""DebounceBatcher: what a user writes goes out as one batch, once he has finished.

Receives  debounce.Collect, relay.Answered events, receipts, its own timers
Tells     relay.Look to the relay; broadcast.Typing, and one notice to whoever writes too much;
          publishes operations.Reported
Owns      which messages make a batch (ports.Batches); what is open now, in a `Collector`
Restarts  safely: sessions store a message before they tell of it, so open batches are made anew
          with their original times. Typing, rates and windows begin anew.

One timer serves all users: it is set for whatever is due first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.debounce import messages as debounce
from actors.debounce.courses import Courses
from actors.debounce.flood import Flood
from actors.debounce.model import Closing, Collector, Item, Patience, written
from actors.debounce.ports import Batch, Batches, Waiting
from actors.debounce.texts import TOO_MUCH
from actors.kernel.ids import ChatId, LetterId
from actors.kernel.language import Language
from actors.operations import messages as operations
from actors.relay import messages as relay
from runtime import Actor, Recipient, message

COMPONENT = "relay.batcher"

CLOSED_AT_ONCE = 500
"""Batches of one transaction."""
WAITING_PAGE = 5_000
SWEEP_SECONDS = 60.0
SWEEP_AFTER_SECONDS = 10.0
"""A message that should have left so long ago, and that nobody told of: its session was killed
between saving and telling."""
REPORT_SECONDS = 5.0
LATE_SECONDS = 60.0
"""A batch that is so much older than the maximum is worth a warning."""


@message
class _Due:
    """Something may be due."""


@message
class _Sweep:
    """Look for what nobody told of."""


@message
class _ReportDue:
    """Those who watch have not heard of us for a while."""


_Own = _Due | _Sweep | _ReportDue


class DebounceBatcher(Actor[debounce.Command | _Own]):
    """`patience` says how long a user is waited for."""

    def __init__(
        self,
        *,
        store: Batches,
        relay: Recipient[relay.Look],
        dispatcher: Recipient[broadcast.Command],
        patience: Patience,
    ) -> None:
        super().__init__()
        self._store, self._relay, self._dispatcher = store, relay, dispatcher
        self._patience = patience
        self._collector, self._flood, self._courses = Collector(patience), Flood(), Courses()
        self._wake_at: float | None = None
        self._batches_total = self._messages_total = self._flooded_total = 0

    async def on_start(self) -> None:
        self.subscribe(relay.Answered)
        await self._take_up(before=None)
        self.every(SWEEP_SECONDS, _Sweep(), key=_Sweep)
        self._report()
        self.every(REPORT_SECONDS, _ReportDue(), key=_ReportDue)

    async def on_receive(self, message: debounce.Command | _Own) -> None:
        match message:
            case debounce.Collect():
                await self._collect(message)
            case relay.Answered():
                self._answered(message.chat_id)
            case broadcast.Delivered() | broadcast.Undelivered():
                pass  # a notice that does not arrive is not worth another
            case _Due():
                await self._due()
            case _Sweep():
                late = self._patience.max_seconds + SWEEP_AFTER_SECONDS
                await self._take_up(before=self.now() - timedelta(seconds=late))
            case _ReportDue():
                self._report()
            case _:
                assert_never(message)

    async def _collect(self, told: debounce.Collect) -> None:
        at = told.received_at.timestamp()
        item = Item(
            told.passed.update_id,
            at,
            len(written(told.passed).encode()),
            told.passed.media_group_id,
        )
        if not self._flood.takes(told.chat_id, at):
            item = item._replace(flooded=True)
            self._turn_away(told.chat_id, item, told.language)
        await self._close(self._collector.add(told.chat_id, item))
        self._set_timer()

    def _turn_away(self, chat_id: ChatId, item: Item, language: Language) -> None:
        self._flooded_total += 1
        if not self._flood.is_news(chat_id, item.at):
            return
        self.log.warning("messages.flooded", chat_id=chat_id, update_id=item.update_id)
        self._dispatcher.tell(
            broadcast.Say(
                letter_id=LetterId(f"flood:{chat_id}:{item.update_id}"),
                chat_id=chat_id,
                text=TOO_MUCH[language],
                repeat=False,
                lane="notice",
            )
        )

    async def _take_up(self, *, before: datetime | None) -> None:
        """Collect what is stored, and nobody may have told of."""
        after: Waiting | None = None
        while page := await self._store.waiting(before=before, after=after, limit=WAITING_PAGE):
            after = page[-1]
            closings: list[Closing] = []
            for chat_id, update_id, received_at, size, album in page:
                at = received_at.timestamp()
                flooded = not self._flood.takes(chat_id, at)
                self._flooded_total += flooded
                closings += self._collector.add(chat_id, Item(update_id, at, size, album, flooded))
            await self._close(closings)
            if len(page) < WAITING_PAGE:
                break
        self._set_timer()

    def _answered(self, chat_id: ChatId) -> None:
        self._courses.end(chat_id)
        self._collector.answered(chat_id)
        self._set_timer()

    async def _due(self) -> None:
        self._wake_at = None
        now = self.now().timestamp()
        while closings := self._collector.due(now, limit=CLOSED_AT_ONCE):
            await self._close(closings)
        for chat_id in self._courses.due(self.monotonic()):
            self._dispatcher.tell(broadcast.Typing(chat_id=chat_id))
        self._set_timer()

    async def _close(self, closings: Sequence[Closing]) -> None:
        """Keep complete batches, then say that they are there, and that somebody is typing."""
        if not closings:
            return
        batches = [self._batch(closing) for closing in closings]
        for first in range(0, len(batches), CLOSED_AT_ONCE):
            await self._store.close(batches[first : first + CLOSED_AT_ONCE], at=self.now())
        self._relay.tell(relay.Look())
        for batch in batches:
            self._courses.begin(batch.chat_id, self.monotonic())
        self._batches_total += len(batches)
        self._messages_total += sum(len(batch.update_ids) for batch in batches)

    def _batch(self, closing: Closing) -> Batch:
        return Batch(
            self.world.uuid(),
            closing.chat_id,
            tuple(item.update_id for item in closing.items if not item.flooded),
            tuple(item.update_id for item in closing.items if item.flooded),
        )

    def _set_timer(self) -> None:
        """One timer, for what is due first; never longer than the maximum, for clocks may jump."""
        monotonic, delays = self.monotonic(), []
        if self._collector.wake_at is not None:
            delay = self._collector.wake_at - self.now().timestamp()
            delays.append(min(max(delay, 0.0), self._patience.max_seconds))
        if self._courses.wake_at is not None:
            delays.append(max(self._courses.wake_at - monotonic, 0.0))
        if not delays:
            return
        wake_at = monotonic + min(delays)
        if self._wake_at is None or wake_at < self._wake_at:
            self._wake_at = wake_at
            self.after(min(delays), _Due(), key=_Due)

    def _report(self) -> None:
        oldest = self._collector.oldest_at
        age = 0.0 if oldest is None else max(0.0, self.now().timestamp() - oldest)
        late = age > self._patience.max_seconds + LATE_SECONDS
        figures = {
            "active_batches": self._collector.batches,
            "timers": self._collector.timers,
            "typing_chats": len(self._courses),
            "oldest_batch_seconds": age,
            "batches_total": self._batches_total,
            "messages_total": self._messages_total,
            "flooded_total": self._flooded_total,
        }
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status="warn" if late else "pass",
                output="batches of messages leave late: does the database keep up?" if late else "",
                measurements=tuple(
                    operations.Measurement(name=name, value=float(value))
                    for name, value in figures.items()
                ),
            )
        )
