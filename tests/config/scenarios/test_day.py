"""The shop survives a rush, and a small day, at every seed; and everything happens in them."""

from __future__ import annotations

import random

from config.scenarios import SCENARIOS
from config.scenarios.day import day, rush, temper
from runtime.testing import Plan, Simulation, check, simulate
from runtime.testing.pytest_plugin import simulation

BY_CHANCE = {
    "pressed again",
    "cancelled while saving",
    "paid although cancelled",
    "killed at a new record",
}
"""What a dozen people need not bring about: a press has to get lost, two things to coincide."""


@simulation(seeds=1, sometimes=("an actor failed", "the clock jumped"))
async def test_everybody_is_served_after_a_rush(sim: Simulation) -> None:
    await rush(sim)


def test_everybody_is_served_after_a_small_day_in_which_everything_happens() -> None:
    run = simulate(day, Plan(seed=6, options={"people": 12, "hours": 1, "minutes": 1}))

    check(run)
    assert run.seconds > 0.9 * 3600
    assert set(SCENARIOS["day"].sometimes) - BY_CHANCE <= set(run.sometimes)


def test_people_of_every_kind_come() -> None:
    luck = random.Random(1)
    crowd = [temper(luck, 3600.0) for _ in range(200)]

    assert all(0 <= person.comes_after <= 3600.0 for person in crowd)
    assert any(person.pays_after is None for person in crowd)
    assert any(person.pays_after is not None and person.pays_after < 0 for person in crowd)
    assert any(person.cancels_saving_after is not None for person in crowd)
    for trait in ("cancels", "asks", "renames", "blocks_for"):
        assert 0 < sum(bool(getattr(person, trait)) for person in crowd) < len(crowd) / 2
