"""The shop survives a rush, and a small day, at every seed; and everything happens in them."""

from __future__ import annotations

import random

from config.scenarios import SCENARIOS
from config.scenarios.day import day, rush, temper
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Plan, Simulation, simulate


@simulation(seeds=3, sometimes=("crash of bot", "database away", "health: fail"))
async def test_everybody_is_served_after_a_rush(sim: Simulation) -> None:
    await rush(sim)


def test_everybody_is_served_after_a_small_day_in_which_everything_happens() -> None:
    sizes = {"people": 15, "hours": 3, "minutes": 2}
    run = simulate(day, Plan(seed=1, options=sizes))

    assert run.failure is None
    assert run.seconds > 2.9 * 3600
    by_chance = {"pressed again"}  # a press has to get lost
    assert set(SCENARIOS["day"].sometimes) - by_chance <= set(run.sometimes)


def test_people_of_every_kind_come() -> None:
    luck = random.Random(1)
    crowd = [temper(luck, 3600.0) for _ in range(200)]

    assert all(0 <= person.comes_after <= 3600.0 for person in crowd)
    assert any(person.pays_after is None for person in crowd)
    assert any(person.pays_after is not None and person.pays_after < 0 for person in crowd)
    for trait in ("cancels", "asks", "renames", "blocks_for"):
        assert 0 < sum(bool(getattr(person, trait)) for person in crowd) < len(crowd) / 2
