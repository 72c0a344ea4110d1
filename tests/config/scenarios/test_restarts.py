"""Nothing is lost over orderly restarts and nothing adds up over failures."""

from __future__ import annotations

from config.scenarios.restarts import restarts
from runtime.testing import Plan, check, simulate


def test_nothing_is_lost_over_orderly_restarts_and_nothing_adds_up_over_failures() -> None:
    run = simulate(restarts, Plan(seed=0, options={"people": 2}))

    check(run)
    assert {"the bot restarted", "an actor failed"} <= set(run.sometimes)
