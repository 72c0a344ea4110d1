"""Tokens and waits, as exact as their figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ingress.pacing import (
    ATTEMPTS_MAX,
    RETRY_FIRST_SECONDS,
    RETRY_MAX_SECONDS,
    Bucket,
    retry_seconds,
)


def test_a_burst_goes_at_once_and_then_the_rate_holds() -> None:
    bucket = Bucket(per_second=10, burst=3)
    assert [bucket.take(5.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(5.0) == pytest.approx(0.1)
    assert bucket.take(5.05) == pytest.approx(0.05)
    assert bucket.take(5.11) == 0


def test_a_long_silence_gives_no_more_than_the_burst() -> None:
    bucket = Bucket(per_second=10, burst=3)
    assert [bucket.take(1e6) > 0 for _ in range(4)] == [False, False, False, True]


@given(
    st.lists(st.floats(0, 0.4), max_size=60),
    st.floats(0.5, 50),
    st.integers(1, 9),
)
def test_no_window_holds_more_than_burst_and_rate(
    gaps: list[float], per_second: float, burst: int
) -> None:
    bucket, now, taken = Bucket(per_second=per_second, burst=burst), 0.0, []
    for gap in gaps:
        now += gap
        if bucket.take(now) == 0:
            taken.append(now)
    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], start=1):
            assert count <= burst + (end - start) * per_second + 1e-6


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (-1, 1), (1, 0.5)])
def test_a_bucket_that_never_gives_is_refused(per_second: float, burst: float) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        Bucket(per_second=per_second, burst=burst)


def test_waits_double_up_to_ten_minutes() -> None:
    longest = [retry_seconds(n, jitter=1.0) for n in range(1, 13)]
    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert retry_seconds(3, jitter=0.0) == 2
    assert retry_seconds(10**9, jitter=1.0) == RETRY_MAX_SECONDS


def test_all_attempts_together_take_about_a_day() -> None:
    seconds = sum(retry_seconds(n, jitter=0.5) for n in range(1, ATTEMPTS_MAX))
    assert 16 * 3600 < seconds < 26 * 3600


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True), st.floats())
def test_whatever_is_asked_for_the_wait_is_sane(attempts: int, jitter: float, asked: float) -> None:
    wait = retry_seconds(attempts, jitter=jitter, asked_seconds=asked)
    assert RETRY_FIRST_SECONDS / 2 <= wait <= RETRY_MAX_SECONDS
    if not math.isnan(asked) and asked <= RETRY_MAX_SECONDS:
        assert wait >= asked
