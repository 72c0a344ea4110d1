"""What a person reads about the dispatcher."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.broadcast.desk import LANE_MAX_LETTERS, Desk
from actors.broadcast.figures import LaneFigures, Totals
from actors.broadcast.model import Flooded, NotSent, Unknown
from actors.broadcast.queues import Lane
from actors.broadcast.report import LANE_WARN_LETTERS, TROUBLES_FAIL, Trouble, reported
from actors.broadcast.tokens import Limits

CALM = Desk(Limits()).figures(0)


def crowded(lane: Lane, depth: int) -> dict[Lane, LaneFigures]:
    return {**CALM.lanes, lane: LaneFigures(depth=depth, oldest_age_seconds=7.5, tokens_left=2)}


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


def test_a_lane_that_fills_up_warns_before_it_is_full() -> None:
    lanes = [crowded("bulk", depth) for depth in (LANE_WARN_LETTERS - 1, LANE_WARN_LETTERS)]
    lanes.append(crowded("notice", LANE_MAX_LETTERS))
    statuses = [reported(replace(CALM, lanes=figures), None).status for figures in lanes]
    assert statuses == ["pass", "warn", "fail"]


def test_a_pause_of_the_bulk_lane_is_worth_a_word_while_somebody_waits_for_it() -> None:
    shut = replace(CALM, bulk_shut_seconds=34.0)
    assert reported(shut, None).status == "pass"
    report = reported(replace(shut, lanes=crowded("bulk", 3)), None)
    assert report.status == "warn"
    assert report.output == "Telegram asked for a pause; broadcasts go on in 34 s"


def test_stars_that_are_used_up_are_worth_a_word_while_somebody_waits_for_them() -> None:
    poor = replace(CALM, stars_budget=250.0, stars_used_up=True)
    assert reported(poor, None).status == "pass"
    report = reported(replace(poor, lanes=crowded("bulk", 3)), None)
    assert report.status == "warn"
    assert "all 250 Stars" in report.output
    assert "free rate" in report.output


def test_a_book_that_cannot_be_written_is_worth_a_word() -> None:
    report = reported(CALM, None, "the database does not answer")
    assert report.status == "warn"
    assert report.output.endswith("the database does not answer")


def test_every_figure_is_measured_once_under_a_name_with_its_unit() -> None:
    totals = Totals(delivered=7)
    totals.lost["blocked"] = 3
    figures = replace(CALM, lanes=crowded("bulk", 5), totals=totals, stars_spent=0.3, unreachable=9)
    report = reported(figures, None)
    names = [measurement.name for measurement in report.measurements]
    assert len(set(names)) == len(names)
    values = {measurement.name: measurement.value for measurement in report.measurements}
    assert values["queued_letters"] == values["bulk_letters"] == 5
    assert values["answer_letters"] == 0
    assert values["oldest_letter_age_seconds"] == values["bulk_oldest_age_seconds"] == 7.5
    assert values["bulk_tokens_left"] == 2
    assert values["answer_tokens_left"] == Limits().overall_burst
    assert values["letters_delivered_total"] == 7
    assert values["letters_blocked_total"] == 3
    assert values["letters_gone_total"] == 0
    assert (values["stars_spent"], values["unreachable_chats"]) == (0.3, 9)
