"""Tokens and waits, as exact as their figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ingress.pacing import (
    APART_SECONDS,
    ATTEMPTS_MAX,
    BURST_EVENTS,
    RETRY_FIRST_SECONDS,
    RETRY_MAX_SECONDS,
    YIELD_MAX_SECONDS,
    YIELD_SECONDS,
    Bucket,
    Courtesy,
    Turns,
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


# Who is next


def test_in_a_line_nobody_overtakes_and_the_lines_take_turns() -> None:
    turns: Turns[str] = Turns()
    for name in ("a1", "a2", "a3", "b1", "a4", "b2"):
        turns.put(name[0], name, size=1)
    assert turns
    assert turns.take(items_max=3, size_max=99) == ("a1", "b1", "a2")
    turns.put("c", "c1", size=1)
    assert turns.take(items_max=99, size_max=99) == ("b2", "a3", "c1", "a4")
    assert not turns
    assert turns.take(items_max=99, size_max=99) == ()


def test_what_goes_together_has_a_size_and_the_first_goes_however_large_it_is() -> None:
    turns: Turns[str] = Turns()
    for name, size in (("a", 50), ("b", 4), ("c", 6), ("d", 1)):
        turns.put("line", name, size=size)
    assert turns.take(items_max=9, size_max=10) == ("a",)
    assert turns.take(items_max=9, size_max=10) == ("b", "c")
    assert turns.take(items_max=9, size_max=10) == ("d",)


@given(
    told=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=40),
    items_max=st.integers(1, 5),
    size_max=st.integers(0, 12),
)
def test_everybody_goes_once_within_the_limits(
    told: list[tuple[str, int]], items_max: int, size_max: int
) -> None:
    turns: Turns[tuple[str, int, int]] = Turns()
    for number, (line, size) in enumerate(told):
        turns.put(line, (line, number, size), size=size)
    gone: list[tuple[str, int, int]] = []
    while turns:
        taken = turns.take(items_max=items_max, size_max=size_max)
        assert 0 < len(taken) <= items_max
        assert len(taken) == 1 or sum(size for _, _, size in taken) <= size_max
        gone += taken
    assert sorted(number for _, number, _ in gone) == list(range(len(told)))
    for line in "abc":
        numbers = [number for name, number, _ in gone if name == line]
        assert numbers == sorted(numbers)


def test_work_waits_for_the_next_part_of_a_burst() -> None:
    courtesy = Courtesy()
    assert courtesy.seconds(5.0) == 0
    courtesy.told(BURST_EVENTS, 5.0)
    assert courtesy.seconds(5.0) == pytest.approx(YIELD_SECONDS)
    assert courtesy.seconds(5.0 + YIELD_SECONDS) == 0
    courtesy.told(BURST_EVENTS, 5.04)
    assert courtesy.seconds(5.05) == pytest.approx(YIELD_SECONDS - 0.01)


def test_a_few_deliveries_neither_make_a_burst_nor_prolong_nor_end_one() -> None:
    courtesy = Courtesy()
    courtesy.told(BURST_EVENTS - 1, 5.0)
    assert courtesy.seconds(5.0) == 0
    courtesy.told(BURST_EVENTS, 6.0)
    courtesy.told(BURST_EVENTS - 1, 6.01)
    assert courtesy.seconds(6.01) == pytest.approx(YIELD_SECONDS - 0.01)


def test_an_endless_burst_holds_up_the_work_for_a_while_and_no_longer() -> None:
    courtesy, waited = Courtesy(), []
    for part in range(1_000):
        now = 5.0 + part * 0.01
        courtesy.told(BURST_EVENTS, now)
        if courtesy.seconds(now):
            waited.append(now)
    assert waited[-1] - waited[0] == pytest.approx(YIELD_MAX_SECONDS, abs=0.02)
    courtesy.told(BURST_EVENTS, now + 0.9 * APART_SECONDS)
    assert courtesy.seconds(now + 0.9 * APART_SECONDS) == 0, "a pause, no end"
    later = now + 2 * APART_SECONDS
    courtesy.told(BURST_EVENTS, later)
    assert courtesy.seconds(later) == pytest.approx(YIELD_SECONDS), "it is another one"
