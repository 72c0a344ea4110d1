"""What the processor knows of the events in its work: how many more there may be, what a failure
means for one, and how far it is, in the words of those who watch. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from actors.ingress.model import (
    Backlog,
    Fact,
    PaymentSeen,
    RecordsTouched,
    SourceName,
    StoredEvent,
    line,
)
from actors.ingress.pacing import ATTEMPTS_MAX, retry_seconds
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from actors.operations import messages as operations
from actors.tracker import messages as tracker
from runtime import Recipient

COMPONENT = "webhooks.processor"
WORKING_MAX = 32
"""Events of one source in work at once: so much its API and the tracker are asked for in parallel.
Each source has these places for itself: an API that hangs holds up its own events, no others."""
LAG_WARN_SECONDS = 60.0
"""Older than this, a pending event is worth a warning."""

Ending = Literal["processed", "ignored", "postponed", "parked"]
ENDINGS: tuple[Ending, ...] = ("processed", "ignored", "postponed", "parked")
"""How an attempt may end."""


@dataclass(slots=True, kw_only=True, eq=False)
class Work:
    """One attempt on an event; the next one on it is another."""

    stored: StoredEvent
    fact: Fact | None = None
    ending: bool = False
    """The inbox is being told of its end."""
    reason: str = ""
    """Why it is being parked, or ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A failed event is tried again, after its `attempts`-th failure."""

    why: str
    attempts: int
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """A failed event is for a person to look at."""

    why: str


def setback(error: Exception, *, attempts: int, jitter: float) -> Again | GiveUp:
    """What the `attempts`-th failure of an event means; `jitter` is in [0, 1)."""
    if not isinstance(error, Unavailable):
        # A bug of ours, or a document nobody thought of. Its text may quote the document.
        return GiveUp(why=f"it could not be interpreted: {type(error).__name__}")
    if attempts >= ATTEMPTS_MAX:
        return GiveUp(why=f"given up after {attempts} attempts: {error.detail}")
    wait = retry_seconds(attempts, jitter=jitter, asked_seconds=error.retry_after_seconds)
    return Again(why=line(error.detail), attempts=attempts, wait_seconds=wait)


def for_tracker(
    fact: PaymentSeen | RecordsTouched, event_id: EventId, *, notify: Recipient[tracker.Settled]
) -> tracker.Observed | tracker.Recheck:
    """What the payment tracker is to do about it; `notify` hears of the end."""
    if isinstance(fact, PaymentSeen):
        return tracker.Observed(report=fact.report, event_id=event_id, notify=notify)
    return tracker.Recheck(record_ids=fact.record_ids, event_id=event_id, notify=notify)


def room(works: Iterable[Work]) -> dict[SourceName, int]:
    """How many more events of each source may be in work; without those that have no place left."""
    taken = Counter(work.stored.event.source for work in works)
    return {name: WORKING_MAX - taken[name] for name in SourceName if taken[name] < WORKING_MAX}


@dataclass(slots=True)
class Progress:
    """What the processor has seen since it started; `backlog` is the inbox's newest word."""

    ended: Counter[Ending] = field(default_factory=Counter)
    lag_seconds: float = 0.0
    """From the arrival of the event that was finished last to its end."""
    backlog: Backlog = field(default_factory=Backlog)

    def end(self, ending: Ending, *, received_at: datetime, now: datetime) -> None:
        """Count the end of one attempt."""
        self.ended[ending] += 1
        if ending != "postponed":
            self.lag_seconds = max(0.0, (now - received_at).total_seconds())

    def report(self, *, in_work: int, now: datetime) -> operations.Reported:
        """How things are, for the observer."""
        backlog, oldest_seconds = self.backlog, 0.0
        if backlog.oldest is not None:
            oldest_seconds = max(0.0, (now - backlog.oldest).total_seconds())
        status: operations.Status = "pass"
        output = ""
        if backlog.parked:
            status = "warn"
            output = f"parked events: {backlog.parked}; main.py replay list --state parked"
        elif oldest_seconds > LAG_WARN_SECONDS:
            status, output = "warn", "events wait: main.py replay list --state pending says why"
        figures = {
            "pending": backlog.pending,
            "parked": backlog.parked,
            "oldest_pending_seconds": oldest_seconds,
            "lag_seconds": self.lag_seconds,
            "in_work": in_work,
        } | {f"{ending}_total": self.ended[ending] for ending in ENDINGS}
        return operations.Reported(
            component=COMPONENT,
            status=status,
            output=output,
            measurements=tuple(
                operations.Measurement(name=name, value=value) for name, value in figures.items()
            ),
        )
