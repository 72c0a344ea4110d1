"""The database is away for longer than anybody's patience, once, while everybody writes.

Or it stays, and refuses a request now and then for a while. Whoever has asked for a write and was
told `Unavailable` knows nothing: it may still happen. Nothing else fails, since the recovery from a
second failure would mend what the first one broke.
"""

from __future__ import annotations

import random

import trio

from config.scenarios import SCENARIOS
from config.scenarios.course import course, crowd_of
from config.scenarios.people import Temper, cancels_saving_after
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import check_that_nobody_failed
from runtime.testing.simulation import Simulation

COME_WITHIN_SECONDS = 60.0
BEGINS_SECONDS = (10.0, 60.0)
LASTS_SECONDS = (35.0, 75.0)
LOST_ANSWERS = 0.02
REFUSES = 0.3
"""Of the seeds."""
REFUSALS = 0.1
"""Of the requests, then."""


async def outage(sim: Simulation) -> None:
    """The outage; `people` can be set."""
    shop = SimulatedShop(sim)
    crowd = crowd_of(shop, _temper, people=SCENARIOS["outage"].size("people", sim))
    await course(shop, crowd, _weather, checks=(check_that_nobody_failed,))


async def _weather(shop: SimulatedShop) -> None:
    luck = shop.sim.luck("weather")
    shop.lost_answers = LOST_ANSWERS
    await trio.sleep(luck.uniform(*BEGINS_SECONDS))
    if luck.random() < REFUSES:
        shop.refusals = REFUSALS
    else:
        await shop.lose_database()
    await trio.sleep(luck.uniform(*LASTS_SECONDS))


def _temper(luck: random.Random) -> Temper:
    return Temper(
        comes_after=luck.uniform(0.0, COME_WITHIN_SECONDS),
        thinks_for=luck.choice((0.0, 3.0, 10.0)),
        pays_after=luck.uniform(-20.0, 60.0),
        cancels_saving_after=cancels_saving_after(luck),
        returns=luck.choice((True, False)),
        asks=luck.randrange(4),
        renames=luck.choice((True, False)),
    )
