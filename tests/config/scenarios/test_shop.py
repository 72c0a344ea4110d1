"""The simulated shop is the production process, stopped, started and killed at will."""

from __future__ import annotations

from dataclasses import replace

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import RESTART_SECONDS, WRITES_WITHIN_SECONDS, SimulatedShop
from runtime import DeadLetter
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@simulation(seeds=1)
async def test_an_orderly_restart_is_a_new_start_of_the_same_life(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(10)
        first = shop.present
        shop.restart()
        await trio.sleep(20 + RESTART_SECONDS)

        assert shop.present is not first
        assert (shop.starts, shop.bot.lives) == (2, 1)


@simulation(seeds=1)
async def test_a_crash_is_a_new_life(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(10)
        shop.bot.crash()
        await trio.sleep(10 + RESTART_SECONDS)

        assert (shop.starts, shop.bot.lives) == (2, 2)


@simulation(seeds=1)
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


@simulation(seeds=1, sometimes=("database away",))
async def test_a_database_goes_away_while_a_session_writes(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper(comes_after=11.0, thinks_for=1.0))
    async with shop.open(), trio.open_nursery() as nursery:
        nursery.start_soon(person.live)
        await trio.sleep(10)
        await shop.lose_database()
        left_at = trio.current_time()
        await trio.sleep(60)
        shop.heal()
        await sim.eventually("he is told", lambda: person.told_at is not None, within=100)

    assert 11.0 < left_at < 10.0 + WRITES_WITHIN_SECONDS


@simulation(seeds=1)
async def test_a_message_that_dies_without_having_been_tried_is_wrong(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(10)
        assert shop.present is not None
        events = shop.present.system.events
        letter = DeadLetter(message="hello", recipient="root/tracker", sender=None, reason="failed")
        events.publish(letter)
        assert shop.wrongs == []
        events.publish(replace(letter, reason="stopped"))

        assert shop.wrongs == ["str for root/tracker was stopped"]
        shop.wrongs.clear()
