"""The bot is stopped and started in order every half minute, in the midst of its work.

Then nobody stops it any more, but its actors fail for half an hour, one after the other:
nothing adds up over the failures of a long life. At last each fails several times within a
minute: as often as it may, whatever happens to the others.
"""

from __future__ import annotations

import random

import trio

from config.scenarios import SCENARIOS
from config.scenarios.course import course, crowd_of
from config.scenarios.people import Temper, cancels_saving_after
from config.scenarios.shop import SimulatedShop
from config.scenarios.weather import ACTORS, bad_weather, strike, the_bot_is_restarted
from runtime.testing.simulation import Simulation

RESTARTING_SECONDS = 600.0
RESTARTS_SECONDS = 30.0
FAILING_TIMES, FAILURES_SECONDS = 24, 75.0
"""How often each of them fails, and how long after its last time: longer than its budget looks
back, and than its longest back-off.
"""
BURST_SECONDS, BURST_TIMES = 60.0, 4
"""How often each of them fails in the last minute: what its budget allows, one still counting."""


async def restarts(sim: Simulation) -> None:
    """First the restarts, then the failures; `people` can be set."""
    shop = SimulatedShop(sim)
    crowd = crowd_of(shop, _temper, people=SCENARIOS["restarts"].size("people", sim))
    await course(shop, crowd, _weather)


async def _weather(shop: SimulatedShop) -> None:
    with trio.move_on_after(RESTARTING_SECONDS):
        await bad_weather(shop, (the_bot_is_restarted,), mean_seconds=RESTARTS_SECONDS)
    await _fail(shop, times=FAILING_TIMES, every_seconds=FAILURES_SECONDS)
    await _fail(shop, times=BURST_TIMES, every_seconds=BURST_SECONDS / BURST_TIMES)


async def _fail(shop: SimulatedShop, *, times: int, every_seconds: float) -> None:
    """All of them by turns, each so often."""
    for _ in range(times):
        for path in ACTORS:
            await trio.sleep(every_seconds / len(ACTORS))
            strike(shop, path)


def _temper(luck: random.Random) -> Temper:
    within = RESTARTING_SECONDS + FAILING_TIMES * FAILURES_SECONDS
    return Temper(
        comes_after=luck.uniform(0.0, luck.choice((60.0, within * 0.9))),
        thinks_for=luck.choice((0.0, 1.0, 10.0)),
        pays_after=luck.uniform(-20.0, 60.0),
        cancels_saving_after=cancels_saving_after(luck),
        returns=luck.choice((True, False)),
        asks=luck.randrange(4),
    )
