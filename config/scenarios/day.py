"""A day of the shop: five hundred people register and pay, and everything fails now and then.

Safety holds throughout; then the world heals, and everything has to come to its end.
"""

from __future__ import annotations

import random

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import REST_SECONDS, check, check_calm, check_the_end, served
from config.scenarios.watch import watch_health
from config.scenarios.weather import EVERYTHING, bad_weather
from runtime.testing.simulation import Simulation

HOUR = 3600.0
PEOPLE = 500
HOURS = 24
WEATHER_MINUTES = 12
"""Between two things that go wrong, on average."""
LOST_ANSWERS = 0.002
"""Of the database's acknowledgements."""
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
    hours = sim.option("hours", HOURS)
    await _run(
        sim,
        people=sim.option("people", PEOPLE),
        seconds=hours * HOUR,
        calm_seconds=min(CALM_HOURS, hours / 4) * HOUR,
        weather_seconds=60.0 * sim.option("minutes", WEATHER_MINUTES),
    )


async def rush(sim: Simulation) -> None:
    """Half an hour in which a dozen people come at once and something fails every minute."""
    await _run(
        sim,
        people=sim.option("people", 12),
        seconds=1800.0,
        calm_seconds=600.0,
        weather_seconds=sim.option("seconds", 60),
    )


async def _run(
    sim: Simulation, *, people: int, seconds: float, calm_seconds: float, weather_seconds: float
) -> None:
    shop = SimulatedShop(sim)
    luck = sim.luck("people")
    stormy = seconds - calm_seconds
    crowd = [Person(shop, n, temper(luck, stormy)) for n in range(1, people + 1)]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_health, shop)
            for person in crowd:
                nursery.start_soon(person.live, name=f"person {person.user.id}")
            with trio.move_on_after(stormy):
                shop.lost_answers = LOST_ANSWERS
                await bad_weather(shop, EVERYTHING, mean_seconds=weather_seconds)
            shop.heal()
            await served(sim, crowd)
            await trio.sleep_until(max(seconds - QUIET_SECONDS, trio.current_time() + REST_SECONDS))
            nursery.cancel_scope.cancel()  # who never pays waits no longer
        await check_calm(shop)
        await check(shop, crowd)
    check_the_end(shop)


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
        asks=luck.randrange(1, 4) if luck.random() < ASKS else 0,
        renames=luck.random() < RENAMES,
        blocks_for=luck.uniform(1.0, 600.0) if luck.random() < BLOCKS else 0.0,
    )
