"""An operator sees over the network how the bot is, and a bot that hides is found out."""

from __future__ import annotations

import pytest
import trio

from config.scenarios.shop import BOT, SimulatedShop
from config.scenarios.watch import health, watch_health
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import PropertyError, Simulation


@simulation(seeds=1, twice=False)
async def test_a_shop_at_rest_is_ready_and_well(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(60)
        seen = await health()

    assert seen.ready
    assert seen.document["status"] == "pass"


@simulation(seeds=1, twice=False)
async def test_a_shop_without_its_database_says_so(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(60)
        shop.database_away = True
        await trio.sleep(60)
        seen = await health()
        shop.heal()

    assert seen.document["status"] == "fail"
    assert "database" in seen.document["output"]


@simulation(seeds=1, sometimes=("health: pass",), twice=False)
async def test_a_bot_that_dies_now_and_then_is_excused(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open(), trio.open_nursery() as nursery:
        nursery.start_soon(lambda: watch_health(shop, every_seconds=1.0))
        for _ in range(8):
            await trio.sleep(7)
            shop.bot.crash()
        nursery.cancel_scope.cancel()


@simulation(seeds=1, twice=False)
async def test_a_bot_that_is_up_and_does_not_answer_is_not(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        sim.network.refuse(BOT)
        with pytest.raises(PropertyError, match="does not answer"), trio.fail_after(60):
            await watch_health(shop, every_seconds=10.0)
