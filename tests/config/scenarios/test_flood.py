"""A crowd is served within the limits of Telegram and NocoDB."""

from __future__ import annotations

from config.scenarios import SCENARIOS
from config.scenarios.flood import flood
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@simulation(seeds=2, sometimes=SCENARIOS["flood"].sometimes)
async def test_a_crowd_is_served_within_the_limits_of_telegram_and_nocodb(sim: Simulation) -> None:
    await flood(sim)
