"""Exact counting, against counters that share no code with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast.buckets import TICKS_PER_SECOND, Counter, Pace, Window, span, ticks
from tests.actors.broadcast.post import most_within


def test_a_moment_counts_as_reached_only_when_it_is() -> None:
    assert ticks(0.000_001_9) == 1
    assert span(0.000_001_1) == 2
    assert ticks(3.0) == span(3.0) == 3 * TICKS_PER_SECOND


def test_a_pace_lets_a_burst_through_and_then_one_per_interval() -> None:
    pace = Pace(per_second=1, burst=3)
    now = ticks(100.0)
    for left in (3, 2, 1):
        assert pace.left(now) == left
        assert pace.due() <= now
        pace.spend(now)
    assert pace.left(now) == 0
    assert pace.due() == now + 1 + TICKS_PER_SECOND
    assert pace.left(now + 2 * TICKS_PER_SECOND + 2) == 2
    assert not pace.idle(now + 3 * TICKS_PER_SECOND)
    assert pace.idle(now + 3 * TICKS_PER_SECOND + 3)


@given(
    per_second=st.integers(1, 1000),
    burst=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 2, allow_nan=False), max_size=300),
)
def test_a_pace_never_gives_more_than_its_burst_and_its_rate(
    per_second: int, burst: int, gaps: list[float]
) -> None:
    pace, clock, spent = Pace(per_second=per_second, burst=burst), 0.0, []
    for gap in gaps:
        clock += gap
        if pace.due() <= ticks(clock):
            pace.spend(ticks(clock))
            spent.append(clock)
    for seconds in (0.01, 0.5, 1.0, 3.0, 10.0):
        assert most_within(spent, seconds) <= burst + per_second * seconds + 1e-6


def test_a_pace_does_not_drift_in_hours_of_turns() -> None:
    pace, now = Pace(per_second=28, burst=1), 0
    for _ in range(300_000):
        now = max(now, pace.due())
        pace.spend(now)
    assert now / TICKS_PER_SECOND == pytest.approx(300_000 / 28, rel=1e-4)


def test_a_window_frees_a_place_when_the_oldest_stops_counting() -> None:
    window = Window(seconds=60)
    for second in range(20):
        window.spend(ticks(second))
    assert window.due(ticks(20), room=20) == ticks(60) + 1
    assert window.due(ticks(20), room=21) == 0
    assert window.due(ticks(20), room=19) == ticks(61) + 1
    assert not window.idle(ticks(79))
    assert window.idle(ticks(79) + 1)


def test_a_pace_says_when_tokens_are_to_spare() -> None:
    pace = Pace(per_second=1, burst=3)
    now = ticks(100.0)
    pace.spend(now)
    assert pace.due(spare=1) <= now
    pace.spend(now)
    assert pace.due() <= now < pace.due(spare=1) <= now + TICKS_PER_SECOND + 2
    assert pace.due(spare=9) <= now + 2 * TICKS_PER_SECOND + 4, "it never holds more"


def test_a_token_that_was_not_needed_is_there_again() -> None:
    pace = Pace(per_second=1, burst=2)
    now = ticks(100.0)
    pace.spend(now)
    pace.spend(now)
    pace.refund()
    assert pace.left(now) == 1


def test_a_request_counts_from_its_start_until_a_second_after_its_answer() -> None:
    counter = Counter(2)
    counter.start()
    assert counter.due(0) == 0
    assert counter.due(0, spare=1) is None
    counter.start()
    assert counter.due(ticks(5.0)) is None
    counter.end(ticks(5.0), counted=True)
    assert counter.due(ticks(5.0)) == ticks(6.0) + 1
    counter.end(ticks(5.5), counted=False)
    assert counter.due(ticks(5.5)) == 0
    assert not counter.idle(ticks(6.0))
    assert counter.idle(ticks(6.0) + 1)
