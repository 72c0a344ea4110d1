"""The database is away for longer than anybody's patience, again and again.

Whoever has asked for a write and was told `Unavailable` knows nothing: it may still happen.
Meanwhile actors fail, so that what they knew has to be read again.
"""

from __future__ import annotations

import random

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import REST_SECONDS, check, check_calm, check_the_end, served
from config.scenarios.weather import an_actor_fails, bad_weather
from runtime.testing.simulation import Simulation

PEOPLE = 12
STORMY_SECONDS = 900.0
AWAY_SECONDS = (20.0, 80.0)
BACK_SECONDS = (0.05, 20.0)
FAILURES_SECONDS = 20.0
LOST_ANSWERS = 0.02


async def outage(sim: Simulation) -> None:
    """The outages; `people` can be set."""
    shop = SimulatedShop(sim)
    luck = sim.luck("people")
    people = range(1, sim.option("people", PEOPLE) + 1)
    crowd = [Person(shop, number, _temper(luck)) for number in people]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            for person in crowd:
                nursery.start_soon(person.live, name=f"person {person.user.id}")
            with trio.move_on_after(STORMY_SECONDS):
                shop.lost_answers = LOST_ANSWERS
                nursery.start_soon(_come_and_go, shop)
                await bad_weather(shop, (an_actor_fails,), mean_seconds=FAILURES_SECONDS)
            shop.heal()
            await served(sim, crowd)
            await trio.sleep(REST_SECONDS)
        await check_calm(shop)
        await check(shop, crowd)
    check_the_end(shop)


def _temper(luck: random.Random) -> Temper:
    return Temper(
        comes_after=luck.uniform(0.0, STORMY_SECONDS * 0.8),
        thinks_for=luck.choice((0.0, 1.0, 10.0)),
        pays_after=luck.uniform(-20.0, 60.0),
        asks=luck.randrange(2),
        renames=luck.choice((True, False)),
    )


async def _come_and_go(shop: SimulatedShop) -> None:
    luck = shop.sim.luck("outages")
    while not shop.sim.healed:
        shop.sim.sometimes("database away")
        shop.database_away = True
        await trio.sleep(luck.uniform(*AWAY_SECONDS))
        shop.database_away = False
        await trio.sleep(luck.uniform(*BACK_SECONDS))
