"""The database is away for longer than anybody's patience, once, while everybody writes.

Whoever has asked for a write and was told `Unavailable` knows nothing: it may still happen.
Nothing else fails afterwards, since the recovery from a second failure would mend what the
first one broke.
"""

from __future__ import annotations

import random

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import (
    REST_SECONDS,
    check,
    check_calm,
    check_that_nobody_failed,
    check_the_end,
    served,
)
from runtime.testing.simulation import Simulation

PEOPLE = 12
COME_WITHIN_SECONDS = 60.0
BEGINS_SECONDS = (10.0, 60.0)
LASTS_SECONDS = (35.0, 75.0)
LOST_ANSWERS = 0.02


async def outage(sim: Simulation) -> None:
    """The outage; `people` can be set."""
    shop = SimulatedShop(sim)
    luck = sim.luck("people")
    people = range(1, sim.option("people", PEOPLE) + 1)
    crowd = [Person(shop, number, _temper(luck)) for number in people]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            for person in crowd:
                nursery.start_soon(person.live, name=f"person {person.user.id}")
            shop.lost_answers = LOST_ANSWERS
            await trio.sleep(luck.uniform(*BEGINS_SECONDS))
            sim.sometimes("database away")
            shop.database_away = True
            await trio.sleep(luck.uniform(*LASTS_SECONDS))
            shop.heal()
            await served(sim, crowd)
            await trio.sleep(REST_SECONDS)
        await check_calm(shop)
        await check(shop, crowd)
        check_that_nobody_failed(shop)
    check_the_end(shop)


def _temper(luck: random.Random) -> Temper:
    return Temper(
        comes_after=luck.uniform(0.0, COME_WITHIN_SECONDS),
        thinks_for=luck.choice((0.0, 3.0, 10.0)),
        pays_after=luck.uniform(-20.0, 60.0),
        asks=luck.randrange(4),
        renames=luck.choice((True, False)),
    )
