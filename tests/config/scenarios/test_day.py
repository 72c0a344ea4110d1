"""The shop survives a small day, and everything happens in it; `make test` tries rushes."""

from __future__ import annotations

import random

from config.scenarios import SCENARIOS
from config.scenarios.day import day, temper
from runtime.testing import Plan, check, simulate

BY_CHANCE = {
    "pressed again",
    "cancelled while saving",
    "paid although cancelled",
    "killed at a new record",
}
"""What four people need not bring about: a press has to get lost, two things to coincide."""


def test_everybody_is_served_after_a_small_day_in_which_everything_happens() -> None:
    run = simulate(day, Plan(seed=6, options={"people": 4, "hours": 1, "minutes": 1}))

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
