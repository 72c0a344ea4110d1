"""One person is served, undisturbed and whenever the bot is killed.

`make test` tries many more seeds, and many more steps at which to kill it.
"""

from __future__ import annotations

from config.scenarios.registration import registration
from runtime.testing.crashes import crash_everywhere
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Plan, Simulation

CRASH_EVERY = 907


@simulation(seeds=1)
async def test_a_person_is_told_once_and_promptly(sim: Simulation) -> None:
    await registration(sim)


def test_whenever_the_bot_is_killed_the_person_is_told() -> None:
    runs = list(crash_everywhere(registration, Plan(seed=0), node="bot", every=CRASH_EVERY))

    assert [run.plan for run in runs if run.failure is not None] == []
    crashed = [run for run in runs if run.sometimes.get("crash of bot")]
    assert len(crashed) > len(runs) / 2  # only the undisturbed run has a newcomer at the end
