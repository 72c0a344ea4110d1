"""What operators are told about the processing of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actors.ingress.model import Backlog
from actors.ingress.progress import ENDINGS, LAG_WARN_SECONDS, Progress

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def figures(progress: Progress, *, now: datetime = NOON) -> dict[str, float]:
    return {m.name: m.value for m in progress.report(in_work=3, now=now).measurements}


def test_each_end_is_counted() -> None:
    progress = Progress()
    for count, ending in enumerate(ENDINGS, start=1):
        for _ in range(count):
            progress.end(ending, received_at=NOON, now=NOON)
    told = figures(progress)
    assert [told[f"{ending}_total"] for ending in ENDINGS] == [1, 2, 3, 4]
    assert told["in_work"] == 3


def test_the_lag_is_from_the_arrival_to_the_end() -> None:
    progress = Progress()
    progress.end("processed", received_at=NOON - timedelta(seconds=7), now=NOON)
    progress.end("postponed", received_at=NOON - timedelta(seconds=99), now=NOON)
    assert figures(progress)["lag_seconds"] == 7
    progress.end("processed", received_at=NOON + timedelta(seconds=7), now=NOON)
    assert figures(progress)["lag_seconds"] == 0  # the clock was set back


def test_parked_and_old_events_are_worth_a_warning() -> None:
    progress = Progress()
    assert progress.report(in_work=0, now=NOON).status == "pass"
    progress.backlog = Backlog(pending=1, oldest=NOON)
    now = NOON + timedelta(seconds=LAG_WARN_SECONDS)
    assert progress.report(in_work=0, now=now).status == "pass"
    report = progress.report(in_work=0, now=now + timedelta(seconds=1))
    assert (report.status, "--state pending" in report.output) == ("warn", True)
    assert figures(progress, now=now)["oldest_pending_seconds"] == LAG_WARN_SECONDS
    progress.backlog = Backlog(parked=2)
    report = progress.report(in_work=0, now=NOON)
    assert (report.status, report.output[:16]) == ("warn", "parked events: 2")
