"""The vocabulary of health: severities, ages, units, names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.operations.messages import Measurement, Reported, Status
from actors.operations.model import (
    REPORT_AGE,
    Dated,
    Phase,
    Readiness,
    age_seconds,
    fit,
    line,
    unit_of,
    worst,
)


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((), "pass"),
        (("pass", "pass"), "pass"),
        (("pass", "warn", "pass"), "warn"),
        (("warn", "fail", "pass"), "fail"),
    ],
)
def test_the_verdict_is_the_worst_of_its_parts(
    statuses: tuple[Status, ...], verdict: Status
) -> None:
    assert worst(statuses) == verdict


def test_a_report_shows_its_age_and_stays_as_it_was() -> None:
    told = Reported(
        component="telegram",
        status="warn",
        output="slow",
        measurements=(Measurement(name="latency_seconds", value=2.0),),
    )
    aged = Dated(report=told, at=100.0).aged(142.5)
    assert (aged.status, aged.output) == ("warn", "slow")
    assert aged.measurements == (*told.measurements, Measurement(name=REPORT_AGE, value=42.5))
    assert age_seconds(aged) == 42.5


def test_a_report_without_an_age_is_new() -> None:
    assert age_seconds(Reported(component="store", status="pass")) == 0.0


def test_a_clock_that_went_back_makes_no_negative_age() -> None:
    aged = Dated(report=Reported(component="store", status="pass"), at=10.0).aged(9.0)
    assert age_seconds(aged) == 0.0


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("latency_seconds", "s"),
        ("requests_total", "requests"),
        ("total", "total"),
        ("size_bytes", "bytes"),
        ("waiting_users", "users"),
        ("users", "users"),
    ],
)
def test_a_unit_is_the_last_word_of_a_name(name: str, unit: str) -> None:
    assert unit_of(name) == unit


@given(st.text())
def test_a_key_never_holds_what_would_break_it(name: str) -> None:
    key = fit(name)
    assert 1 <= len(key) <= 100
    assert ":" not in key
    assert key.isascii()
    assert key.isprintable()


@given(st.text())
def test_a_line_is_one_line_in_any_encoding(text: str) -> None:
    shown = line(text * 100)
    assert len(shown) <= 500
    assert shown.isprintable()
    shown.encode()


@pytest.mark.parametrize(
    ("readiness", "ready"),
    [
        (Readiness(phase=Phase.SERVING), True),
        (Readiness(phase=Phase.STARTING), False),
        (Readiness(phase=Phase.DRAINING), False),
        (Readiness(phase=Phase.SERVING, missing=(("store", "away"),)), False),
    ],
)
def test_work_may_come_when_serving_with_all_that_is_required(
    readiness: Readiness, *, ready: bool
) -> None:
    assert readiness.ready is ready
