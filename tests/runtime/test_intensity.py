"""Budgets and back-off, as properties of pure functions."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from runtime.intensity import Backoff, Budget, Intensity

times = st.lists(st.floats(min_value=0, max_value=600), min_size=1, max_size=60).map(sorted)


@given(attempt=st.integers(min_value=0, max_value=10_000), seed=st.integers())
def test_a_delay_stays_between_its_bounds(attempt: int, seed: int) -> None:
    backoff = Backoff(first_seconds=0.2, last_seconds=30.0, jitter=0.1)
    delay = backoff.delay_seconds(attempt, Random(seed))
    assert 0.2 * 0.9 <= delay <= 30.0 * 1.1


def test_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(first_seconds=0.2, last_seconds=30.0, jitter=0.0)
    delays = [backoff.delay_seconds(attempt, Random(0)) for attempt in range(10)]
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_jitter_spreads_a_crowd() -> None:
    backoff = Backoff()
    assert len({backoff.delay_seconds(3, Random(seed)) for seed in range(100)}) == 100


@given(failures=times)
def test_a_failure_is_refused_exactly_when_the_window_holds_too_many(
    failures: list[float],
) -> None:
    budget = Budget(restarts=5, within_seconds=60.0)
    intensity = Intensity(budget, Backoff())
    for number, now in enumerate(failures):
        recent = [at for at in failures[: number + 1] if now - at < 60.0]
        assert intensity.failed(now) is (len(recent) <= 5)


def test_a_slow_crash_loop_never_uses_up_the_budget() -> None:
    intensity = Intensity(Budget(restarts=5, within_seconds=60.0), Backoff())
    assert all(intensity.failed(now * 15.0) for now in range(1_000))


def test_a_quiet_period_starts_the_doubling_anew() -> None:
    intensity = Intensity(Budget(), Backoff(jitter=0.0))
    first = [intensity.delay_seconds(now, Random(0)) for now in (0.0, 1.0, 2.0)]
    later = intensity.delay_seconds(2.0 + first[-1] + 60.1, Random(0))
    assert first == [0.2, 0.4, 0.8]
    assert later == 0.2


def test_nothing_is_remembered_for_ever() -> None:
    intensity = Intensity(Budget(), Backoff())
    intensity.failed(0.0)
    intensity.delay_seconds(0.0, Random(0))
    assert not intensity.quiet(30.0)
    assert intensity.quiet(120.0)
    assert intensity.used(120.0) == 0
