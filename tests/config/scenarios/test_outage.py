"""Nothing is lost over long outages of the database."""

from __future__ import annotations

from config.scenarios.outage import outage
from runtime.testing import Plan, check, simulate


def test_nothing_is_lost_over_long_outages_of_the_database() -> None:
    run = simulate(outage, Plan(seed=1, options={"people": 3}))

    check(run)
    assert {"database away"} <= set(run.sometimes)
