"""Whoever talks to Make is heard and answered, also when the bot is killed meanwhile.

`make sim` tries many more seeds, and everything that can go wrong at Make.
"""

from __future__ import annotations

from config.scenarios.relay import exchange
from runtime.testing.crashes import crash_everywhere
from runtime.testing.simulation import Plan

CRASH_EVERY = 1_201


def test_whenever_the_bot_is_killed_nothing_is_lost() -> None:
    runs = list(crash_everywhere(exchange, Plan(seed=0), node="bot", every=CRASH_EVERY))

    assert [run.plan for run in runs if run.failure is not None] == []
    assert any(run.sometimes.get("crash of bot") for run in runs)
