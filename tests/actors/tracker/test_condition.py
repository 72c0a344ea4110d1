"""When the table is asked again, and what is reported meanwhile."""

from __future__ import annotations

import pytest

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.tracker.condition import (
    BACKOFF_MAX_SECONDS,
    FAIL_AFTER_SECONDS,
    REFUSED_SECONDS,
    RETRY_AFTER_MAX_SECONDS,
    Condition,
)
from actors.tracker.model import Answer, Refused, Requests, Row, Throttled, TooLong
from actors.tracker.roster import Roster

INTERVAL = 20.0


def condition() -> Condition:
    return Condition(interval_seconds=INTERVAL, now=0.0)


def verdict(of: Condition, *, now: float = 0.0, roster: Roster | None = None) -> tuple[str, str]:
    report = of.report(now=now, roster=roster or Roster(), requests=Requests())
    return report.status, report.output


def test_an_outage_is_asked_about_less_and_less_often() -> None:
    tracker = condition()
    pauses = [tracker.fail(Unavailable("away")) for _ in range(30)]
    assert pauses[:4] == [20, 40, 80, BACKOFF_MAX_SECONDS]
    assert set(pauses[3:]) == {BACKOFF_MAX_SECONDS}
    tracker.succeed(1.0)
    assert tracker.fail(Unavailable("away")) == INTERVAL


@pytest.mark.parametrize(
    ("wish", "pause"),
    [(0.0, INTERVAL), (30.0, 30.0), (1e9, RETRY_AFTER_MAX_SECONDS), (-5.0, INTERVAL)],
)
def test_what_the_table_asks_for_is_obeyed_within_reason(wish: float, pause: float) -> None:
    assert condition().fail(Throttled(retry_after_seconds=wish)) == pause
    assert condition().fail(Unavailable("busy", retry_after_seconds=wish)) == pause


def test_rows_that_name_no_chat_are_a_warning_and_missing_rows_come_first() -> None:
    tracker, waiting = condition(), Roster()
    waiting.add(RecordId(1), ChatId(10))
    row = Row(record_id=RecordId(1), paid=False)
    waiting.answered((RecordId(1),), [row])
    assert verdict(tracker, roster=waiting)[0] == "warn"
    tracker.nameless = "no column 'ChatId'"
    assert verdict(tracker, roster=waiting) == ("warn", "no column 'ChatId'")
    for _ in range(2):
        waiting.answered((RecordId(1),), ())
    assert "no row in the table" in verdict(tracker, roster=waiting)[1]


@pytest.mark.parametrize("reason", ["token", "table", "paid"])
def test_what_a_person_must_put_right_is_a_failure_and_asked_rarely(reason: str) -> None:
    tracker = condition()
    refused = Refused(reason=reason, detail="put it right")  # type: ignore[arg-type]
    assert tracker.fail(refused) == REFUSED_SECONDS
    assert verdict(tracker) == ("fail", "put it right")
    tracker.succeed(1.0)
    assert verdict(tracker) == ("pass", "")


@pytest.mark.parametrize(
    "answer",
    [
        Throttled(retry_after_seconds=30.0),
        Unavailable("NocoDB is away"),
    ],
)
def test_trouble_is_a_warning_until_it_lasts(answer: Answer | Unavailable) -> None:
    tracker = condition()
    tracker.fail(answer)
    status, output = verdict(tracker, now=FAIL_AFTER_SECONDS)
    assert (status, bool(output)) == ("warn", True)
    assert verdict(tracker, now=FAIL_AFTER_SECONDS + 1)[0] == "fail"


def test_one_refused_question_stays_a_warning() -> None:
    tracker = condition()
    tracker.fail(Refused(reason="question", detail="answered 400"))
    assert verdict(tracker, now=FAIL_AFTER_SECONDS + 1) == ("warn", "answered 400")


def test_while_nobody_waits_no_answer_is_overdue() -> None:
    tracker = condition()
    tracker.fail(Unavailable("NocoDB is away"))
    tracker.rest(now=10_000.0)
    assert verdict(tracker, now=10_001.0)[0] == "warn"


def test_a_question_too_long_is_no_trouble() -> None:
    tracker = condition()
    assert tracker.fail(TooLong()) == INTERVAL
    assert verdict(tracker) == ("pass", "")


def test_missing_rows_are_counted_and_said() -> None:
    roster = Roster()
    roster.add(RecordId(5), ChatId(1))
    for _ in range(2):
        roster.answered((RecordId(5),), ())
    status, output = verdict(condition(), roster=roster)
    assert status == "warn"
    assert output.startswith("1 of those who wait")


def test_the_report_carries_every_figure() -> None:
    tracker = condition()
    tracker.succeed(5.0)
    requests = Requests(total=9, ok=6, failed=2, throttled=1, latency_seconds=0.25)
    report = tracker.report(now=8.0, roster=Roster(), requests=requests)
    assert {figure.name: figure.value for figure in report.measurements} == {
        "waiting_users": 0,
        "missing_records": 0,
        "requests_total": 9,
        "requests_ok_total": 6,
        "requests_failed_total": 2,
        "requests_throttled_total": 1,
        "request_latency_seconds": 0.25,
        "last_answer_age_seconds": 3,
    }
