"""Forty people at once, and a Telegram that says "too many requests" now and then.

Nobody dies and no answer gets lost: so the bot has to be exact. It never sends more than
Telegram allows, waits for as long as it is told to, and asks NocoDB twice an interval.
"""

from __future__ import annotations

import random

import trio

from config.scenarios import SCENARIOS
from config.scenarios.course import course, crowd_of
from config.scenarios.people import Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import check_that_nobody_failed
from config.scenarios.weather import (
    BROKEN_TIMES,
    bad_weather,
    nocodb_throttles,
    telegram_floods,
)
from config.scenarios.witness import SENDS
from runtime.testing.simulation import Simulation

COMES_WITHIN_SECONDS = 3.0
ASKS_MAX = 6
"""How often somebody asks for his status in one breath: more than a chat's burst."""
WEATHER_SECONDS = 12.0
STORMY_SECONDS = 240.0
FLOODED_SECONDS_MAX = 60


async def flood(sim: Simulation) -> None:
    """The crowd; `people` can be set."""
    shop = SimulatedShop(sim)
    shop.strict()
    crowd = crowd_of(shop, _temper, people=SCENARIOS["flood"].size("people", sim))
    await course(shop, crowd, _weather, checks=(check_that_nobody_failed,))


async def _weather(shop: SimulatedShop) -> None:
    kinds = (telegram_floods, _the_bot_is_flooded, nocodb_throttles)
    with trio.move_on_after(STORMY_SECONDS):
        await bad_weather(shop, kinds, mean_seconds=WEATHER_SECONDS)


async def _the_bot_is_flooded(shop: SimulatedShop, luck: random.Random) -> None:
    """Telegram has had enough of all that it sends, whichever chat it is for."""
    shop.sim.sometimes("the bot flooded")
    wait = luck.randrange(1, FLOODED_SECONDS_MAX)
    for method in sorted(SENDS):
        shop.telegram.fail_next(
            BROKEN_TIMES, 429, "Too Many Requests", method=method, retry_after=wait
        )
    await trio.sleep(wait)
    shop.telegram.forget_faults()


def _temper(luck: random.Random) -> Temper:
    return Temper(
        comes_after=luck.uniform(0.0, COMES_WITHIN_SECONDS),
        pays_after=luck.uniform(0.0, 60.0),
        asks=luck.randrange(ASKS_MAX + 1),
    )
