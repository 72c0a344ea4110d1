"""What a person reads about the dispatcher."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.broadcast.desk import QUEUE_MAX_LETTERS, Figures, Totals
from actors.broadcast.model import Flooded, NotSent, Unknown
from actors.broadcast.report import QUEUE_WARN_LETTERS, TROUBLES_FAIL, Trouble, reported

CALM = Figures(
    depth=0,
    chats=0,
    oldest_age_seconds=0.0,
    in_flight=0,
    tokens_left=10,
    closed_chats=0,
    shut_seconds=0.0,
    troubles=0,
    dropped=0,
    totals=Totals(),
)


def test_all_is_well() -> None:
    report = reported(CALM, None)
    assert (report.component, report.status, report.output) == ("telegram.dispatcher", "pass", "")


def test_trouble_that_is_over_is_no_trouble() -> None:
    assert reported(CALM, NotSent("no route to host")).status == "pass"


@pytest.mark.parametrize(
    ("troubles", "trouble", "status", "output"),
    [
        (1, Flooded(35), "warn", "Telegram asked for a pause; the next letter leaves in 12 s"),
        (99, Flooded(35), "warn", "Telegram asked for a pause; the next letter leaves in 12 s"),
        (1, Unknown("HTML"), "warn", "Telegram is not reached, next try in 12 s: HTML"),
        (
            TROUBLES_FAIL,
            NotSent("no route to host"),
            "fail",
            "Telegram is not reached, next try in 12 s: no route to host",
        ),
    ],
)
def test_trouble_is_named(troubles: int, trouble: Trouble, status: str, output: str) -> None:
    report = reported(replace(CALM, troubles=troubles, shut_seconds=12.0), trouble)
    assert (report.status, report.output) == (status, output)


def test_a_queue_that_fills_up_warns_before_it_is_full() -> None:
    assert reported(replace(CALM, depth=QUEUE_WARN_LETTERS - 1), None).status == "pass"
    assert reported(replace(CALM, depth=QUEUE_WARN_LETTERS), None).status == "warn"
    assert reported(replace(CALM, depth=QUEUE_MAX_LETTERS), None).status == "fail"


def test_every_figure_is_measured_once_under_a_name_with_its_unit() -> None:
    totals = Totals(delivered=7)
    totals.lost["blocked"] = 3
    report = reported(replace(CALM, depth=5, totals=totals), None)
    names = [measurement.name for measurement in report.measurements]
    assert len(set(names)) == len(names)
    values = {measurement.name: measurement.value for measurement in report.measurements}
    assert values["queued_letters"] == 5
    assert values["letters_delivered_total"] == 7
    assert values["letters_blocked_total"] == 3
    assert values["letters_gone_total"] == 0
