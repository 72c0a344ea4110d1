"""Nothing is lost over orderly restarts and nothing adds up over failures."""

from __future__ import annotations

from config.scenarios import SCENARIOS
from config.scenarios.restarts import restarts
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@simulation(seeds=2, sometimes=SCENARIOS["restarts"].sometimes)
async def test_nothing_is_lost_over_orderly_restarts_and_nothing_adds_up_over_failures(
    sim: Simulation,
) -> None:
    await restarts(sim)
