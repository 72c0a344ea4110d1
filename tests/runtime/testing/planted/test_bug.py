"""A bug is one scenario in two versions."""

from __future__ import annotations

import pytest

from runtime.testing.planted.bug import Bug
from runtime.testing.simulation import Plan, Simulation, simulate


@pytest.mark.parametrize("sound", [True, False])
def test_it_plays_the_version_it_is_asked_for(sound: bool) -> None:
    async def play(sim: Simulation, *, sound: bool) -> None:
        sim.sometimes(f"sound={sound}")

    bug = Bug(name="b", what="w", play=play, danger="d")
    run = simulate(bug.scenario(sound=sound), Plan(seed=1))

    assert run.failure is None
    assert run.sometimes == {f"sound={sound}": 1}
