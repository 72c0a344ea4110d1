"""A crowd is served within the limits of Telegram and NocoDB."""

from __future__ import annotations

from config.scenarios.flood import flood
from runtime.testing import Plan, check, simulate


def test_a_crowd_is_served_within_the_limits_of_telegram_and_nocodb() -> None:
    run = simulate(flood, Plan(seed=1, options={"people": 4}))

    check(run)
    assert {"flood wait", "the bot flooded", "NocoDB throttled"} <= set(run.sometimes)
