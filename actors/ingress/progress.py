"""What the processor knows of the events in its work, and how far it is, in the words of those who
watch. Pure.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from actors.ingress.model import Backlog, Fact, StoredEvent
from actors.operations import messages as operations

COMPONENT = "webhooks.processor"
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
