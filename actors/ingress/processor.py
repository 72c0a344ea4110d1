"""EventProcessor: what stored events mean is done, in the order of each subject.

Receives  ingress.Wake; tracker.Settled; runtime.DeadLetter events
Tells     tracker.Observed and tracker.Recheck to the payment tracker; publishes
          ingress.EventParked, ingress.SubscriptionChanged and operations.Reported
Owns      the events in work; everything else about events is in the inbox
Restarts  safely: whatever is pending is found again; effects are idempotent

It looks when it is told that there may be work, though not in the middle of a burst, when an event
is due again, and once a minute for what nobody told. An event in work is the oldest pending one of
its subject (the inbox sees to that), until the inbox has heard of its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

from actors.ingress import messages as ingress
from actors.ingress.model import (
    Backlog,
    Fact,
    Nothing,
    PaymentSeen,
    RecordsTouched,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
    Unusable,
    line,
)
from actors.ingress.pacing import RETRY_FIRST_SECONDS, Courtesy
from actors.ingress.ports import Events, Source
from actors.ingress.progress import Ending, GiveUp, Progress, Work, for_tracker, room, setback
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from actors.kernel.rounds import Looks
from actors.operations import messages as operations
from actors.tracker import messages as tracker
from runtime import Actor, DeadLetter, Recipient, message

WORK_SECONDS = 60.0
"""Longer than any port takes; an event that is in work for so long has failed once."""
LOOK_SECONDS = 60.0
"""So late is what was stored when the ingress died before it could tell, or when clocks jump."""
STORE_AWAY_SECONDS = 1.0
REPORT_SECONDS = 10.0
"""News are reported within this time; without any, `HEARTBEAT_SECONDS` pass."""


@message
class _Look:
    """See what is due."""


@message
class _Looked:
    """What the inbox has answered. `next_due`: when to look again, at the latest."""

    found: tuple[StoredEvent, ...] | Exception
    next_due: datetime | None = None


@message
class _Understood:
    """A source has said what an event means, or why it cannot."""

    work: Work
    fact: Fact | Exception


@message
class _Written:
    """The inbox knows of the end of these attempts, or does not answer; `ended` says which end."""

    works: Sequence[Work]
    ended: Ending
    error: Exception | None = None


@message
class _Overdue:
    """An event has been in work for too long."""

    event_id: EventId


@message
class _Counted:
    """How much is left to do, or why the inbox did not say."""

    backlog: Backlog | Exception


@message
class _Report:
    """Time to say how things are."""


_Own = _Look | _Looked | _Understood | _Written | _Overdue | _Counted | _Report
_Message = ingress.Wake | tracker.Settled | DeadLetter | _Own


class EventProcessor(Actor[_Message]):
    """`sources` are those that we have credentials of; events of others wait for theirs."""

    def __init__(
        self,
        *,
        sources: Mapping[SourceName, Source],
        events: Events,
        tracker: Recipient[tracker.Command],
    ) -> None:
        super().__init__()
        self._sources, self._events, self._tracker = dict(sources), events, tracker
        self._working: dict[EventId, Work] = {}
        self._looking = self._look_again = self._newsworthy = self._ignoring = False
        self._nothing: list[Work] = []
        """What is to be marked as ignored next."""
        self._looks = Looks(pace_seconds=0.0, look_seconds=LOOK_SECONDS)
        self._courtesy, self._progress = Courtesy(), Progress()

    async def on_start(self) -> None:
        self.subscribe(DeadLetter)
        self.after(0, _Look(), key=_Look)
        self._count()

    def on_receive(self, message: _Message) -> None:
        match message:
            case ingress.Wake():
                self._news()
                self._courtesy.told(message.stored, self.monotonic())
                self._look()
            case _Look():
                self._look()
            case _Looked():
                self._looked(message)
            case _Understood():
                self._understood(message)
            case tracker.Settled():
                self._settled(message)
            case _Written():
                self._written(message)
            case _Overdue():
                self._overdue(message.event_id)
            case DeadLetter():
                self._bury(message)
            case _Report():
                self._count()
            case _Counted():
                self._report(message.backlog)
            case _:
                assert_never(message)

    # Finding work

    def _look(self) -> None:
        if wait := self._courtesy.seconds(self.monotonic()):
            self.after(wait, _Look(), key=_Look)
            return
        if self._looking or not room(self._working.values()):
            self._look_again = True
            return
        self._looking, self._look_again = True, False
        self.cancel(_Look)
        self.pipe(self._find, then=lambda looked: looked, failed=lambda error: _Looked(found=error))

    async def _find(self) -> _Looked:
        # Counted only here: many leave together, and there is room for as many.
        now, without = self.now(), tuple(self._working)
        places = room(self._working.values())
        found = await self._events.due(now=now, without=without, room=places)
        # Another look follows when the first of what was found is done, unless all of it hangs.
        soon = now + timedelta(seconds=RETRY_FIRST_SECONDS)
        next_due = soon if found else await self._events.next_due(after=now)
        return _Looked(found=found, next_due=next_due)

    def _looked(self, message: _Looked) -> None:
        self._looking = False
        match message.found:
            case tuple() as found:
                for stored in found:
                    self._begin(stored)
                if found:
                    self._news()
                self.after(self._pause_seconds(message.next_due), _Look(), key=_Look)
                if self._look_again:
                    self._look()
            case Unavailable():
                self.after(STORE_AWAY_SECONDS, _Look(), key=_Look)
            case Exception() as error:
                raise error

    def _pause_seconds(self, next_due: datetime | None) -> float:
        due_in = None if next_due is None else (next_due - self.now()).total_seconds()
        return self._looks.next_look(now=self.monotonic(), due_in=due_in)

    def _begin(self, stored: StoredEvent) -> None:
        event_id, work = stored.event_id, Work(stored=stored)
        self._working[event_id] = work
        self.after(WORK_SECONDS, _Overdue(event_id=event_id), key=event_id)
        source = self._sources.get(stored.event.source)
        if source is None:
            self._failed(event_id, Unavailable(f"{stored.event.source} is not configured"))
            return
        self.pipe(
            partial(source.interpret, stored),
            then=lambda fact: _Understood(work=work, fact=fact),
            failed=lambda error: _Understood(work=work, fact=error),
        )

    # Doing it

    def _understood(self, message: _Understood) -> None:
        work, fact = message.work, message.fact
        event_id = work.stored.event_id
        if self._working.get(event_id) is not work or work.ending:
            return  # of an earlier attempt
        if isinstance(fact, Exception):
            self._failed(event_id, fact)
            return
        work.fact = fact
        self.correlate(f"event:{event_id}")
        match fact:
            case PaymentSeen() | RecordsTouched():
                self._tracker.tell(for_tracker(fact, event_id, notify=self.actor_ref))
            case SubscriptionSeen():
                subscribed = self._events.subscribed
                self._end([work], "processed", partial(subscribed, event_id, fact, at=self.now()))
            case Nothing():
                work.ending, work.reason = True, fact.why
                self._nothing.append(work)
                self._ignore()
            case Unusable():
                self._park(work, fact.why)
            case _:
                assert_never(fact)

    def _settled(self, message: tracker.Settled) -> None:
        work = self._working.get(message.event_id)
        if work is None or work.ending:
            return
        if message.refused:
            self._park(work, message.refused)
        elif isinstance(work.fact, RecordsTouched):
            processed = self._events.processed
            self._end([work], "processed", partial(processed, message.event_id, at=self.now()))
        else:
            self._ended(work, "processed")  # marked in the transaction of its effect

    def _overdue(self, event_id: EventId) -> None:
        work = self._working.get(event_id)
        if work is not None and work.ending:
            self._leave(work)  # the inbox will say how it stands
        else:
            self._failed(event_id, Unavailable(f"not finished within {WORK_SECONDS:g} s"))

    def _failed(self, event_id: EventId, error: Exception) -> None:
        """One attempt has failed: try again later, unless that cannot help."""
        work = self._working.get(event_id)
        if work is None:
            return
        if not isinstance(error, Unavailable):
            self.log.error("event.failed", event_id=event_id, error=type(error).__name__)
        attempts, jitter = work.stored.attempts + 1, self.world.random.random()
        told = setback(error, attempts=attempts, jitter=jitter)
        if isinstance(told, GiveUp):
            self._park(work, told.why)
            return
        self.log.info("event.postponed", event_id=event_id, attempts=attempts, reason=told.why)
        postponed, due_at = (
            self._events.postponed,
            self.now() + timedelta(seconds=told.wait_seconds),
        )
        write = partial(postponed, event_id, told.why, attempts=attempts, due_at=due_at)
        self._end([work], "postponed", write)

    def _park(self, work: Work, reason: str) -> None:
        parked, reason = self._events.parked, line(reason)
        work.reason = reason
        self._end([work], "parked", partial(parked, work.stored.event_id, reason, at=self.now()))

    def _bury(self, letter: DeadLetter) -> None:
        """What the tracker failed on is parked; what it did not take is told again."""
        told = letter.message
        if not isinstance(told, tracker.Observed | tracker.Recheck) or told.event_id is None:
            return
        work = self._working.get(told.event_id)
        if work is None or work.ending:
            return
        if letter.reason == "failed":
            self._park(work, f"the payment tracker failed on it: {type(letter.error).__name__}")
        else:
            self._failed(told.event_id, Unavailable(f"the payment tracker: {letter.reason}"))

    # The end

    def _end(
        self, works: Sequence[Work], ended: Ending, write: Callable[[], Awaitable[object]]
    ) -> None:
        """Write down how attempts ended; the events are in work until that is durable."""
        for work in works:
            work.ending = True
        self.pipe(
            write,
            then=lambda _: _Written(works=works, ended=ended),
            failed=lambda error: _Written(works=works, ended=ended, error=error),
        )

    def _ignore(self) -> None:
        """Those with nothing to do are marked together: all that came since the last mark."""
        if self._nothing and not self._ignoring:
            works, self._nothing, self._ignoring = self._nothing, [], True
            reasons = {work.stored.event_id: work.reason for work in works}
            self._end(works, "ignored", partial(self._events.ignored, reasons, at=self.now()))

    def _written(self, message: _Written) -> None:
        if message.ended == "ignored":
            self._ignoring = False
            self._ignore()
        if message.error is not None and not isinstance(message.error, Unavailable):
            raise message.error
        for work in message.works:
            event_id = work.stored.event_id
            if self._working.get(event_id) is not work:
                continue
            if message.error is None:
                self._ended(work, message.ended)
            else:  # pending, as it was: it is found again, and not at once
                self.after(STORE_AWAY_SECONDS, _Overdue(event_id=event_id), key=event_id)

    def _ended(self, work: Work, ended: Ending) -> None:
        stored, source = work.stored, work.stored.event.source
        self._progress.end(ended, received_at=stored.received_at, now=self.now())
        self._news()
        self._leave(work)
        if ended == "parked":
            event_id, reason = stored.event_id, work.reason
            self.log.warning("event.parked", event_id=event_id, source=source.value, reason=reason)
            self.publish(
                ingress.EventParked(
                    event_id=event_id, source=source, kind=stored.event.kind, reason=reason
                )
            )
        elif ended == "processed" and isinstance(work.fact, SubscriptionSeen):
            self.publish(ingress.SubscriptionChanged(source=source, seen=work.fact))

    def _leave(self, work: Work) -> None:
        self.cancel(work.stored.event_id)
        del self._working[work.stored.event_id]
        self._look()

    # What operators see

    def _count(self) -> None:
        self._newsworthy = False
        self.pipe(
            self._events.backlog,
            then=lambda backlog: _Counted(backlog=backlog),
            failed=lambda error: _Counted(backlog=error),
        )

    def _report(self, backlog: Backlog | Exception) -> None:
        if isinstance(backlog, Backlog):
            self._progress.backlog = backlog
        elif not isinstance(backlog, Unavailable):
            raise backlog
        self.publish(self._progress.report(in_work=len(self._working), now=self.now()))
        if isinstance(backlog, Exception) or backlog.pending or self._working:
            self._newsworthy = True  # what is left to do grows older
        pause = REPORT_SECONDS if self._newsworthy else operations.HEARTBEAT_SECONDS
        self.after(pause, _Report(), key=_Report)

    def _news(self) -> None:
        """Something has changed: those who watch hear of it soon."""
        if not self._newsworthy:
            self._newsworthy = True
            self.after(REPORT_SECONDS, _Report(), key=_Report)
