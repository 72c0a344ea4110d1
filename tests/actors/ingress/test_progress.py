"""What there is room for, what a failure means, and what operators are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actors.ingress.model import Backlog, Event, SourceName, StoredEvent
from actors.ingress.pacing import ATTEMPTS_MAX
from actors.ingress.progress import (
    ENDINGS,
    LAG_WARN_SECONDS,
    WORKING_MAX,
    Again,
    GiveUp,
    Progress,
    Work,
    room,
    setback,
)
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def figures(progress: Progress, *, now: datetime = NOON) -> dict[str, float]:
    return {m.name: m.value for m in progress.report(in_work=3, now=now).measurements}


def works(source: SourceName, count: int) -> list[Work]:
    event = Event(source=source, key="k", kind="paid", subject="", body=b"", headers={})
    stored = StoredEvent(event_id=EventId(1), event=event, received_at=NOON)
    return [Work(stored=stored) for _ in range(count)]


def test_each_source_has_its_own_places() -> None:
    assert room([]) == dict.fromkeys(SourceName, WORKING_MAX)
    busy = works(SourceName.STRIPE, WORKING_MAX) + works(SourceName.NOCODB, 3)
    left = room(busy)
    assert SourceName.STRIPE not in left
    assert (left[SourceName.NOCODB], left[SourceName.YOOKASSA]) == (WORKING_MAX - 3, WORKING_MAX)
    everything = [work for name in SourceName for work in works(name, WORKING_MAX)]
    assert room(everything) == {}


def test_a_failure_is_tried_again_until_that_cannot_help() -> None:
    away = Unavailable("HTTP\n502", retry_after_seconds=100)
    again = setback(away, attempts=ATTEMPTS_MAX - 1, jitter=0.0)
    assert isinstance(again, Again)
    assert (again.why, again.attempts) == ("HTTP 502", ATTEMPTS_MAX - 1)
    assert again.wait_seconds == 300
    first = setback(away, attempts=1, jitter=0.5)
    assert isinstance(first, Again)
    assert first.wait_seconds == pytest.approx(100)
    assert setback(away, attempts=ATTEMPTS_MAX, jitter=0.0) == GiveUp(
        why=f"given up after {ATTEMPTS_MAX} attempts: HTTP\n502"
    )


def test_an_error_that_nobody_thought_of_is_for_a_person_and_is_not_quoted() -> None:
    told = setback(ValueError("4242424242424242"), attempts=1, jitter=0.0)
    assert told == GiveUp(why="it could not be interpreted: ValueError")


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
