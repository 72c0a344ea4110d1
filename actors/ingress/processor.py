"""EventProcessor: what stored events mean is done, in the order of each subject.

Receives  ingress.Wake; tracker.Settled; runtime.DeadLetter events
Tells     tracker.Observed and tracker.Recheck to the payment tracker; publishes
          ingress.EventParked, ingress.SubscriptionChanged and operations.Reported
Owns      the events in work; everything else about events is in the inbox
Restarts  safely: whatever is pending is found again; effects are idempotent

An event in work is one of at most `WORKING_MAX`, and the oldest pending one of its subject (the
inbox sees to that). It leaves when the inbox has heard of its end; until then its subject waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
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
from actors.ingress.pacing import ATTEMPTS_MAX, retry_seconds
from actors.ingress.ports import Events, Source
from actors.ingress.progress import Ending, Progress
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from actors.tracker import messages as tracker
from runtime import Actor, DeadLetter, Recipient, message

WORKING_MAX = 32
"""Events in work at once: what a provider's API and the tracker are asked for in parallel."""
WORK_SECONDS = 60.0
"""Longer than any port takes; an event that is in work for so long has failed once."""
LOOK_SECONDS = 5.0
"""Looks at the inbox that nobody asked for: for what is due again, and for what was stored after
its delivery had been given up."""
STORE_AWAY_SECONDS = 1.0
REPORT_SECONDS = 10.0


@message
class _Look:
    """See what is due."""


@message
class _Looked:
    """The inbox has answered, or has not."""

    found: tuple[StoredEvent, ...] | Exception


@message
class _Understood:
    """A source has said what an event means, or why it cannot."""

    event_id: EventId
    turn: int
    fact: Fact | Exception


@message
class _Written:
    """The inbox knows of the end of an attempt, or does not answer; `ended` says which end."""

    event_id: EventId
    turn: int
    ended: Ending
    error: Exception | None = None


@message
class _Overdue:
    """An event has been in work for too long."""

    event_id: EventId


@message
class _Counted:
    """How much is left to do; None when the inbox did not say."""

    backlog: Backlog | None


@message
class _Report:
    """Time to say how things are."""


_Own = _Look | _Looked | _Understood | _Written | _Overdue | _Counted | _Report
_Message = ingress.Wake | tracker.Settled | DeadLetter | _Own


@dataclass(slots=True, kw_only=True)
class _Work:
    """An event in work. `turn` tells this attempt's messages from those of an earlier one."""

    stored: StoredEvent
    turn: int
    fact: Fact | None = None
    ending: bool = False
    """The inbox is being told of its end."""
    reason: str = ""
    """Why it is being parked."""


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
        self._working: dict[EventId, _Work] = {}
        self._turn = 0
        self._looking = self._look_again = False
        self._progress = Progress()

    async def on_start(self) -> None:
        self.subscribe(DeadLetter)
        self.after(0, _Look(), key=_Look)
        self.every(REPORT_SECONDS, _Report())
        self._count()

    def on_receive(self, message: _Message) -> None:
        match message:
            case ingress.Wake() | _Look():
                self._look()
            case _Looked():
                self._looked(message.found)
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
        room = WORKING_MAX - len(self._working)
        if self._looking or room <= 0:
            self._look_again = True
            return
        self._looking, self._look_again = True, False
        self.cancel(_Look)
        self.pipe(
            partial(self._events.due, now=self.now(), without=tuple(self._working), limit=room),
            then=lambda found: _Looked(found=found),
            failed=lambda error: _Looked(found=error),
        )

    def _looked(self, found: tuple[StoredEvent, ...] | Exception) -> None:
        self._looking = False
        match found:
            case tuple():
                for stored in found:
                    self._begin(stored)
                self.after(LOOK_SECONDS, _Look(), key=_Look)
                if self._look_again:
                    self._look()
            case Unavailable():
                self.after(STORE_AWAY_SECONDS, _Look(), key=_Look)
            case Exception():
                raise found

    def _begin(self, stored: StoredEvent) -> None:
        self._turn += 1
        event_id, turn = stored.event_id, self._turn
        self._working[event_id] = _Work(stored=stored, turn=turn)
        self.after(WORK_SECONDS, _Overdue(event_id=event_id), key=event_id)
        source = self._sources.get(stored.event.source)
        if source is None:
            self._failed(event_id, Unavailable(f"{stored.event.source} is not configured"))
            return
        self.pipe(
            partial(source.interpret, stored),
            then=lambda fact: _Understood(event_id=event_id, turn=turn, fact=fact),
            failed=lambda error: _Understood(event_id=event_id, turn=turn, fact=error),
        )

    # Doing it

    def _understood(self, message: _Understood) -> None:
        work = self._working.get(message.event_id)
        if work is None or work.turn != message.turn or work.ending:
            return
        event_id, fact = message.event_id, message.fact
        if isinstance(fact, Exception):
            self._failed(event_id, fact)
            return
        work.fact = fact
        self.correlate(f"event:{event_id}")
        match fact:
            case PaymentSeen():
                report = fact.report
                self._tracker.tell(
                    tracker.Observed(report=report, event_id=event_id, notify=self.actor_ref)
                )
            case RecordsTouched():
                rows = fact.record_ids
                self._tracker.tell(
                    tracker.Recheck(record_ids=rows, event_id=event_id, notify=self.actor_ref)
                )
            case SubscriptionSeen():
                subscribed = self._events.subscribed
                self._end(work, "processed", partial(subscribed, event_id, fact, at=self.now()))
            case Nothing():
                ignored = self._events.ignored
                self._end(work, "ignored", partial(ignored, event_id, fact.why, at=self.now()))
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
            self._end(work, "processed", partial(processed, message.event_id, at=self.now()))
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
            # A bug of ours, or a document nobody thought of. Its text may quote the document.
            self.log.error("event.failed", event_id=event_id, error=type(error).__name__)
            self._park(work, f"it could not be interpreted: {type(error).__name__}")
            return
        attempts = work.stored.attempts + 1
        if attempts >= ATTEMPTS_MAX:
            self._park(work, f"given up after {attempts} attempts: {error.detail}")
            return
        wait = retry_seconds(
            attempts,
            jitter=self.world.random.random(),
            asked_seconds=error.retry_after_seconds,
        )
        why, due_at = line(error.detail), self.now() + timedelta(seconds=wait)
        self.log.info("event.postponed", event_id=event_id, attempts=attempts, reason=why)
        postponed = self._events.postponed
        self._end(
            work, "postponed", partial(postponed, event_id, why, attempts=attempts, due_at=due_at)
        )

    def _park(self, work: _Work, reason: str) -> None:
        parked, reason = self._events.parked, line(reason)
        work.reason = reason
        self._end(work, "parked", partial(parked, work.stored.event_id, reason, at=self.now()))

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

    def _end(self, work: _Work, ended: Ending, write: Callable[[], Awaitable[object]]) -> None:
        """Write down how the attempt ended; the event is in work until that is durable."""
        event_id, turn = work.stored.event_id, work.turn
        work.ending = True
        self.pipe(
            write,
            then=lambda _: _Written(event_id=event_id, turn=turn, ended=ended),
            failed=lambda error: _Written(event_id=event_id, turn=turn, ended=ended, error=error),
        )

    def _written(self, message: _Written) -> None:
        work = self._working.get(message.event_id)
        if work is None or work.turn != message.turn:
            return
        match message.error:
            case None:
                self._ended(work, message.ended)
            case Unavailable():
                # Pending, as it was: it is found again, and not at once.
                overdue = _Overdue(event_id=message.event_id)
                self.after(STORE_AWAY_SECONDS, overdue, key=message.event_id)
            case Exception() as error:
                raise error

    def _ended(self, work: _Work, ended: Ending) -> None:
        stored, source = work.stored, work.stored.event.source
        self._progress.end(ended, received_at=stored.received_at, now=self.now())
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

    def _leave(self, work: _Work) -> None:
        self.cancel(work.stored.event_id)
        del self._working[work.stored.event_id]
        self._look()

    # What operators see

    def _count(self) -> None:
        self.pipe(
            self._events.backlog,
            then=lambda backlog: _Counted(backlog=backlog),
            failed=lambda error: _Counted(backlog=_none_if_away(error)),
        )

    def _report(self, backlog: Backlog | None) -> None:
        if backlog is not None:
            self._progress.backlog = backlog
        self.publish(self._progress.report(in_work=len(self._working), now=self.now()))


def _none_if_away(error: Exception) -> None:
    """An inbox that is away is no fault of this actor's; anything else is."""
    if not isinstance(error, Unavailable):
        raise error
