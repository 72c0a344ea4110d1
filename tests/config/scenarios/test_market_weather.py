"""Each kind of bad weather is over when it returns, and who buys in it gets what he paid for."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
import trio

from actors.kernel.charges import Rail
from config.scenarios.books import check_books
from config.scenarios.buyers import Buyer, Wish
from config.scenarios.market import Market
from config.scenarios.market_weather import EVERYTHING, HOSTS, MarketWeather
from config.scenarios.shop import NOCODB, TELEGRAM
from config.scenarios.verdict import REST_SECONDS, served
from runtime.testing import Plan, Simulation, check, simulate
from runtime.testing.pytest_plugin import simulation

KINDS = tuple(dict.fromkeys(EVERYTHING))
SETTLE_SECONDS = 3600.0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_market_recovers(kind: MarketWeather) -> None:
    check(simulate(partial(_recovers, kind=kind), Plan(seed=0)))


async def _recovers(sim: Simulation, kind: MarketWeather) -> None:
    market = Market(sim)
    wish = Wish(rail=Rail.STRIPE, comes_after=4.9, thinks_for=1.0)
    buyer = Buyer(market, 1, wish)
    async with market.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buyer.live)
            await trio.sleep(5)
            await kind(market, Random(sim.seed))
            market.heal()
            await served(sim, [buyer], within=SETTLE_SECONDS)
        await market.still()
        await trio.sleep(REST_SECONDS)

        assert buyer.faults() == []
        check_books(market)
        assert sim.reached.total() > 0


@simulation(seeds=1)
async def test_only_what_hinders_answers_is_an_excuse(sim: Simulation) -> None:
    market = Market(sim)
    market.present = None
    for host in (*HOSTS, TELEGRAM, NOCODB):
        sim.network.host(host)
    excused: dict[str, bool] = {}
    for kind in KINDS:
        with trio.CancelScope() as scope, trio.CancelScope():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(kind, market, Random(1))
                await trio.sleep(0.5)
                excused[kind.__name__] = not market.unhindered(since=trio.current_time() + 1e6)
                nursery.cancel_scope.cancel()
        assert not scope.cancelled_caught

    assert excused["telegram_is_cut_off"]
    assert excused["the_bot_dies_at_a_payment"]
    assert not excused["a_provider_is_cut_off"]
