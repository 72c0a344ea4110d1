"""Each kind of bad weather is over when it returns, and the shop recovers from each alone.

That a run with all of them can be repeated is proved by `main.py sim diff` in `make test`.
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.weather import EVERYTHING, Weather, bad_weather, nocodb_throttles
from runtime.testing import Plan, Simulation, check, simulate
from runtime.testing.pytest_plugin import simulation

KINDS = (*EVERYTHING, nocodb_throttles)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_shop_recovers(kind: Weather) -> None:
    check(simulate(partial(_recovers, kind=kind), Plan(seed=0)))


async def _recovers(sim: Simulation, kind: Weather) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper(comes_after=4.9, thinks_for=1.0, pays_after=30.0))
    async with shop.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.live)
            await trio.sleep(5)
            await kind(shop, Random(sim.seed))
        await trio.sleep(60)

        assert person.faults() == []
        assert sim.reached.total() > 0


@simulation(seeds=1)
async def test_it_goes_on_for_ever_and_comes_in_every_kind(sim: Simulation) -> None:
    seen: set[str] = set()

    def weather(name: str) -> Weather:
        async def happens(_: SimulatedShop, luck: Random) -> None:
            seen.add(name)
            await trio.sleep(luck.random())

        return happens

    kinds = tuple(weather(str(number)) for number in range(5))
    with trio.move_on_after(100):
        await bad_weather(SimulatedShop(sim), kinds, mean_seconds=1.0)

    assert len(seen) == len(kinds)
