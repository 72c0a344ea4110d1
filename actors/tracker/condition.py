"""How the asking goes: when to ask again after a failure, and what to report.

Pure: times come in as values of a clock that never jumps.

```
the table ...                 is asked again after                        reported as
answered                      the interval                                pass, or warn: see below
is throttled (429)            what it asked for, 30 s if nothing          warn, after 5 minutes fail
does not answer, 5xx, HTML    the interval, doubling up to 2 minutes      warn, after 5 minutes fail
refuses (token, table, Paid)  a minute                                    fail
refuses one question          the interval, with fewer ids                warn
cannot tell its changes       the interval, reconciling only              warn
does not name the chats       the interval, matching by id alone          warn
lacks rows of those who wait  the interval                                warn
```
"""

from __future__ import annotations

from typing import Literal

from actors.kernel.failures import Unavailable
from actors.operations import messages as operations
from actors.tracker.model import Answer, Page, Refused, Requests, Throttled
from actors.tracker.roster import Roster

COMPONENT = "tracker"
BACKOFF_MAX_SECONDS = 120.0
REFUSED_SECONDS = 60.0
"""What a person has to put right is not asked for more often than this."""
RETRY_AFTER_MAX_SECONDS = 600.0
"""A longer wish is not believed: a user who has paid waits for us."""
FAIL_AFTER_SECONDS = 300.0
"""Without a good answer for longer than this an outage is reported as `fail`."""
DOUBLINGS_MAX = 16


class Condition:
    """Whether the last questions were answered, since when not, and why."""

    def __init__(self, *, interval_seconds: float, now: float) -> None:
        self._interval_seconds = interval_seconds
        self._failures = 0
        self._answered_at: float | None = None
        self._fine_until = now
        self._trouble = ""
        self._trouble_is: Literal["minor", "outage", "final"] = "minor"
        self.changes_trouble = ""
        """Why the table is only reconciled; empty while it tells its changes."""
        self.nameless = ""
        """Why no row names its chat; empty while they can."""

    def succeed(self, now: float) -> None:
        """A look has ended well."""
        self._failures, self._trouble = 0, ""
        self._answered_at = self._fine_until = now

    def fail(self, answer: Answer | Unavailable) -> float:
        """A look has ended with this; how many seconds to leave the table alone, at least."""
        match answer:
            case Throttled():
                self._trouble_is = "outage"
                self._trouble = (
                    "NocoDB answers 429, too many requests: payments are seen late. Somebody else "
                    "may be using the same token; a longer TRACKER_INTERVAL_SECONDS helps, too"
                )
                return max(self._interval_seconds, _believed(answer.retry_after_seconds))
            case Unavailable():
                self._trouble_is = "outage"
                self._trouble = f"{answer.detail}; nobody is lost, payments are seen late"
                doubled: float = 2 ** min(self._failures, DOUBLINGS_MAX) * self._interval_seconds
                self._failures += 1
                backoff = min(doubled, max(BACKOFF_MAX_SECONDS, self._interval_seconds))
                return max(backoff, _believed(answer.retry_after_seconds or 0.0))
            case Refused(reason="question" | "chat"):
                self._trouble, self._trouble_is = answer.detail, "minor"
                return self._interval_seconds
            case Refused():
                self._trouble, self._trouble_is = answer.detail, "final"
                return max(self._interval_seconds, REFUSED_SECONDS)
            case Page() | _:  # a page is not a failure, and a question too long has been shortened
                return self._interval_seconds

    def rest(self, now: float) -> None:
        """Nobody waits, so nothing is asked and no answer is overdue."""
        self._fine_until = now

    def report(self, *, now: float, roster: Roster, requests: Requests) -> operations.Reported:
        """The condition for those who watch the system."""
        status, output = self._verdict(now, roster)
        figures = {
            "waiting_users": float(roster.waiting),
            "missing_records": float(roster.missing),
            "requests_total": float(requests.total),
            "requests_ok_total": float(requests.ok),
            "requests_failed_total": float(requests.failed),
            "requests_throttled_total": float(requests.throttled),
            "request_latency_seconds": requests.latency_seconds,
        }
        if self._answered_at is not None:
            figures["last_answer_age_seconds"] = now - self._answered_at
        return operations.Reported(
            component=COMPONENT,
            status=status,
            output=output,
            measurements=tuple(
                operations.Measurement(name=name, value=value) for name, value in figures.items()
            ),
        )

    def _verdict(self, now: float, roster: Roster) -> tuple[operations.Status, str]:
        if self._trouble:
            overdue = now - self._fine_until > FAIL_AFTER_SECONDS
            grave = self._trouble_is == "final" or (self._trouble_is == "outage" and overdue)
            return ("fail" if grave else "warn"), self._trouble
        if self.changes_trouble:
            return "warn", self.changes_trouble
        if roster.missing:
            return "warn", (
                f"{roster.missing} of those who wait have no row in the table any more: restore "
                "the rows, or ask these users to register again"
            )
        if self.nameless:
            return "warn", self.nameless
        if roster.nameless:
            return "warn", (
                f"{roster.nameless} of those who wait have a row that names no chat, so that its "
                "Id alone decides who has paid: enter their chat ids"
            )
        return "pass", ""


def _believed(retry_after_seconds: float) -> float:
    return min(max(retry_after_seconds, 0.0), RETRY_AFTER_MAX_SECONDS)
