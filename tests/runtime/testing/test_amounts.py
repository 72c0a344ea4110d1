"""What makes no sense is refused where it is said, and not believed."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from runtime.testing.amounts import amount
from runtime.testing.behaviour import Behaviour
from runtime.testing.simulation import Plan, Simulation
from tests.runtime.puppet import Puppet


@pytest.mark.parametrize("value", [0.0, 0.5, 1, 1.0])
def test_what_lies_within_the_bounds_is_answered(value: float) -> None:
    assert amount("share", value, most=1.0) == value


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, -math.inf])
def test_what_does_not_is_refused_with_its_name_and_the_bounds(value: float) -> None:
    with pytest.raises(ValueError, match=r"share is .*; expected a number from 0 to 1"):
        amount("share", value, most=1.0)


MISTAKES: list[Callable[[Simulation], object]] = [
    lambda sim: sim.chance("rain", 50),
    lambda sim: sim.chance("rain", -0.1),
    lambda sim: sim.stall(-1),
    lambda sim: sim.stall(math.inf),
    lambda sim: sim.shift(math.nan),
    lambda sim: sim.network.slow(seconds=(2, 1)),
    lambda sim: sim.network.slow(seconds=(-1, 1)),
    lambda sim: sim.network.slow(seconds=(0, 1), bytes_per_second=0),
    lambda sim: sim.network.lose(connects=2.0),
    lambda _: Behaviour(lambda _: Puppet()).advance(-1),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_figures_that_would_be_misunderstood_are_refused(
    mistake: Callable[[Simulation], object],
) -> None:
    with pytest.raises(ValueError, match=r" is .*; expected a number|that would be `cut`"):
        mistake(Simulation(Plan(seed=1)))


def test_a_clock_may_be_set_back() -> None:
    sim = Simulation(Plan(seed=1))
    before = sim.now()
    sim.shift(-60)
    assert (before - sim.now()).total_seconds() == 60
