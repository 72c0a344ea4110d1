"""A scenario comes to its end only when all are served, and is judged then."""

from __future__ import annotations

from random import Random

import trio

from config.scenarios.course import course, crowd_of
from config.scenarios.people import Temper
from config.scenarios.shop import SimulatedShop
from runtime.testing import Plan, PropertyError, Simulation, simulate
from runtime.testing.pytest_plugin import simulation


def _temper(luck: Random) -> Temper:
    return Temper(comes_after=luck.uniform(50.0, 70.0), pays_after=luck.uniform(0.0, 200.0))


@simulation(seeds=1)
async def test_a_crowd_is_drawn_by_the_seed(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    tempers = [[person.temper for person in crowd_of(shop, _temper, people=3)] for _ in range(2)]

    assert tempers[0] == tempers[1]
    assert len(set(tempers[0])) == 3


@simulation(seeds=1, twice=False)
async def test_what_the_weather_leaves_is_healed_and_all_are_served(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    crowd = crowd_of(shop, _temper, people=3)
    seen: list[bool] = []

    async def weather(_: SimulatedShop) -> None:
        shop.database_away = True
        await trio.sleep(10.0)

    def extra(_: SimulatedShop) -> None:
        seen.append(shop.database_away)

    await course(shop, crowd, weather, until=300.0, checks=(extra,))

    assert seen == [False]
    assert all(person.saved and person.told_at for person in crowd)
    assert trio.current_time() > 300.0


async def _deaf(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    crowd = crowd_of(shop, _temper, people=1)

    async def nothing(_: SimulatedShop) -> None:
        await trio.sleep(0.0)
        crowd[0].user.deactivates()  # whatever the bot sends, he never sees it

    await course(shop, crowd, nothing)


def test_a_crowd_that_is_never_served_is_not_passed_over() -> None:
    run = simulate(_deaf, Plan(seed=0))

    assert isinstance(run.failure, PropertyError)
    assert "everybody is served" in str(run.failure)
