"""The simulated shop is the production process, stopped, started and killed at will."""

from __future__ import annotations

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import RESTART_SECONDS, SimulatedShop
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@simulation(seeds=2)
async def test_an_orderly_restart_is_a_new_start_of_the_same_life(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(10)
        first = shop.present
        shop.restart()
        await trio.sleep(20 + RESTART_SECONDS)

        assert shop.present is not first
        assert (shop.starts, shop.bot.lives) == (2, 1)


@simulation(seeds=2)
async def test_a_crash_is_a_new_life(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(10)
        shop.bot.crash()
        await trio.sleep(10 + RESTART_SECONDS)

        assert (shop.starts, shop.bot.lives) == (2, 2)


@simulation(seeds=2)
async def test_healing_ends_what_was_only_planned(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper())
    async with shop.open():
        shop.database_away = True
        shop.telegram.fail_next(1000, 502, "Bad Gateway")
        shop.nocodb.hang_next(1000, 60.0)
        sim.network.cut("bot", "nocodb")
        await trio.sleep(10)
        shop.heal()
        with trio.fail_after(200):
            await person.live()

    assert shop.wrongs == []
