"""A day of the shop: hundreds of people register and pay, and everything fails now and then.

Safety holds throughout; then the world heals, and everything has to come to its end.
"""

from __future__ import annotations

import random
from functools import partial

import trio

from config.scenarios import SCENARIOS
from config.scenarios.course import course, crowd_of
from config.scenarios.people import Temper, cancels_saving_after
from config.scenarios.shop import SimulatedShop
from config.scenarios.weather import EVERYTHING, bad_weather
from runtime.testing.simulation import Simulation

HOUR = 3600.0
LOST_ANSWERS = 0.002
"""Of the database's acknowledgements."""
REFUSALS = 0.002
"""Of the requests to it."""
CALM_HOURS = 2.0
"""The end of the day, without faults."""
QUIET_SECONDS = 60.0
"""Of the time, what is left for the last newcomer."""
NEVER_PAYS = 0.1
PAYS_AT_ONCE = 0.1
CANCELS = 0.1
ASKS = 0.2
RENAMES = 0.1
BLOCKS = 0.1
"""Shares of the people."""


async def day(sim: Simulation) -> None:
    """The day; `people`, `hours` and `minutes` between faults can be set."""
    known = SCENARIOS["day"]
    hours = known.size("hours", sim)
    await _run(
        sim,
        people=known.size("people", sim),
        seconds=hours * HOUR,
        calm_seconds=min(CALM_HOURS, hours / 4) * HOUR,
        weather_seconds=60.0 * known.size("minutes", sim),
    )


async def rush(sim: Simulation) -> None:
    """Half an hour in which a dozen people come at once and something fails every minute."""
    known = SCENARIOS["rush"]
    await _run(
        sim,
        people=known.size("people", sim),
        seconds=1800.0,
        calm_seconds=600.0,
        weather_seconds=known.size("seconds", sim),
    )


async def _run(
    sim: Simulation, *, people: int, seconds: float, calm_seconds: float, weather_seconds: float
) -> None:
    shop = SimulatedShop(sim)
    stormy = seconds - calm_seconds
    crowd = crowd_of(shop, partial(temper, within_seconds=stormy), people=people)

    async def weather(_: SimulatedShop) -> None:
        shop.lost_answers, shop.refusals = LOST_ANSWERS, REFUSALS
        with trio.move_on_after(stormy):
            await bad_weather(shop, EVERYTHING, mean_seconds=weather_seconds)

    await course(shop, crowd, weather, until=seconds - QUIET_SECONDS)


def temper(luck: random.Random, within_seconds: float) -> Temper:
    """Somebody: most pay within the hour, some at last, some never, some at once."""
    pays_after: float | None = luck.expovariate(40 / within_seconds)
    fate = luck.random()
    if fate < NEVER_PAYS:
        pays_after = None
    elif fate < NEVER_PAYS + PAYS_AT_ONCE:
        pays_after = -1.0
    return Temper(
        comes_after=luck.random() * within_seconds * 0.9,
        thinks_for=luck.choice((0.0, 1.0, 10.0, 60.0)),
        pays_after=pays_after,
        cancels=luck.random() < CANCELS,
        cancels_saving_after=cancels_saving_after(luck),
        returns=luck.choice((True, False)),
        asks=luck.randrange(1, 4) if luck.random() < ASKS else 0,
        renames=luck.random() < RENAMES,
        blocks_for=luck.uniform(1.0, 600.0) if luck.random() < BLOCKS else 0.0,
    )
