"""The bot is stopped and started in order every minute, in the midst of its work.

Then nobody stops it any more, but its actors fail for an hour, one after the other: nothing
adds up over the failures of a long life.
"""

from __future__ import annotations

import random

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import REST_SECONDS, check, check_calm, check_the_end, served
from config.scenarios.weather import ACTORS, bad_weather, the_bot_is_restarted
from runtime.testing.simulation import Simulation

PEOPLE = 16
RESTARTING_SECONDS = 600.0
RESTARTS_SECONDS = 30.0
FAILING_SECONDS = 1800.0
FAILURES_SECONDS = 75.0
"""Between two failures of the same actor: longer than its budget looks back, and than its longest
back-off.
"""


async def restarts(sim: Simulation) -> None:
    """First the restarts, then the failures; `people` can be set."""
    shop = SimulatedShop(sim)
    luck = sim.luck("people")
    people = range(1, sim.option("people", PEOPLE) + 1)
    crowd = [Person(shop, number, _temper(luck)) for number in people]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            for person in crowd:
                nursery.start_soon(person.live, name=f"person {person.user.id}")
            with trio.move_on_after(RESTARTING_SECONDS):
                await bad_weather(shop, (the_bot_is_restarted,), mean_seconds=RESTARTS_SECONDS)
            with trio.move_on_after(FAILING_SECONDS):
                await _fail(shop)
            shop.heal()
            await served(sim, crowd)
            await trio.sleep(REST_SECONDS)
        await check_calm(shop)
        await check(shop, crowd)
    check_the_end(shop)


def _temper(luck: random.Random) -> Temper:
    within = RESTARTING_SECONDS + FAILING_SECONDS
    return Temper(
        comes_after=luck.uniform(0.0, luck.choice((60.0, within * 0.9))),
        thinks_for=luck.choice((0.0, 1.0, 10.0)),
        pays_after=luck.uniform(-20.0, 60.0),
        asks=luck.randrange(4),
    )


async def _fail(shop: SimulatedShop) -> None:
    """All of them by turns, for ever."""
    while True:
        for path in ACTORS:
            await trio.sleep(FAILURES_SECONDS / len(ACTORS))
            if shop.present is not None:
                shop.sim.sometimes("an actor failed")
                shop.present.system.ref(path).kill(RuntimeError("struck by lightning"))
