"""Nothing is lost over long outages of the database."""

from __future__ import annotations

from config.scenarios import SCENARIOS
from config.scenarios.outage import outage
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@simulation(seeds=2, sometimes=SCENARIOS["outage"].sometimes)
async def test_nothing_is_lost_over_long_outages_of_the_database(sim: Simulation) -> None:
    await outage(sim)
