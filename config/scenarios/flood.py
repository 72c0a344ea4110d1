"""Forty people at once, and a Telegram that says "too many requests" now and then.

Nobody dies and no answer gets lost: so the bot has to be exact. It never sends more than
Telegram allows, waits for as long as it is told to, and asks NocoDB twice an interval.
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
from config.scenarios.weather import bad_weather, nocodb_throttles, telegram_floods
from runtime.testing.simulation import Simulation

PEOPLE = 40
COMES_WITHIN_SECONDS = 3.0
ASKS_MAX = 6
"""How often somebody asks for his status in one breath: more than a chat's burst."""
WEATHER_SECONDS = 12.0
STORMY_SECONDS = 240.0


async def flood(sim: Simulation) -> None:
    """The crowd; `people` can be set."""
    shop = SimulatedShop(sim)
    shop.strict()
    luck = sim.luck("people")
    people = range(1, sim.option("people", PEOPLE) + 1)
    crowd = [Person(shop, number, _temper(luck)) for number in people]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            for person in crowd:
                nursery.start_soon(person.live, name=f"person {person.user.id}")
            with trio.move_on_after(STORMY_SECONDS):
                weather = (telegram_floods, nocodb_throttles)
                await bad_weather(shop, weather, mean_seconds=WEATHER_SECONDS)
            shop.heal()
            await served(sim, crowd)
            await trio.sleep(REST_SECONDS)
        await check_calm(shop)
        await check(shop, crowd)
        check_that_nobody_failed(shop)
    check_the_end(shop)


def _temper(luck: random.Random) -> Temper:
    return Temper(
        comes_after=luck.uniform(0.0, COMES_WITHIN_SECONDS),
        pays_after=luck.uniform(0.0, 60.0),
        asks=luck.randrange(ASKS_MAX + 1),
    )
