"""A market knows what providers have taken, and sees goods that are granted for nothing."""

from __future__ import annotations

import trio

from actors.kernel.charges import Rail
from actors.kernel.money import STARS, Money
from actors.payments.orders import State
from actors.payments.views import goods_of, text_of
from config.scenarios.buyers import Buyer, Manner, Wish
from config.scenarios.market import RECOVERS_SECONDS, Market
from config.scenarios.providers import DOLLARS
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation
from tests.actors.payments.orders import order


@simulation(seeds=1, twice=False)
async def test_what_providers_took_is_known_by_order_and_by_rail(sim: Simulation) -> None:
    market = Market(sim)
    card, stars, never = (
        Buyer(market, number, Wish(rail=rail, manner=manner))
        for number, (rail, manner) in enumerate(
            (
                (Rail.STRIPE, Manner.PROMPTLY),
                (Rail.STARS, Manner.PROMPTLY),
                (Rail.STARS, Manner.NEVER),
            )
        )
    )
    async with market.open():
        for buyer in (card, stars, never):
            await buyer.live()

    price, price_in_stars = Money.of("4.99", DOLLARS), Money.of("100", STARS)
    assert [market.taken(b.orders[0].order_id) for b in (card, stars, never)] == [
        (price,),
        (price_in_stars,),
        (),
    ]
    assert market.all_taken(Rail.STRIPE) == price
    assert market.all_taken(Rail.STARS) == price_in_stars


@simulation(seeds=1)
async def test_goods_for_nothing_are_seen_when_they_are_stored(sim: Simulation) -> None:
    market = Market(sim)
    market.tables.put_order(order(State.WAITING), saved_by=None)
    assert market.wrongs == []

    market.tables.put_order(order(State.PAID), saved_by=None)

    assert len(market.wrongs) == 1
    assert "nobody has taken its price" in market.wrongs[0]
    market.wrongs.clear()


@simulation(seeds=1)
async def test_panels_may_be_shown_once_stored_and_goods_once_sold(sim: Simulation) -> None:
    market = Market(sim)
    waiting = order(State.WAITING)
    market.tables.put_order(waiting, saved_by=None)
    assert market.tables.views[waiting.chat_id] == {text_of(waiting)}

    paid = order(State.PAID, sold=waiting.price, paid_at=sim.now())
    market.tables.put_order(paid, saved_by=None)
    market.wrongs.clear()
    assert goods_of(paid) in market.tables.views[waiting.chat_id]


@simulation(seeds=1)
async def test_who_presses_pay_soon_after_a_trouble_may_wait(sim: Simulation) -> None:
    market = Market(sim)
    await trio.sleep(2 * RECOVERS_SECONDS)
    assert market.unhindered(since=trio.current_time())
    with market.hindrance():
        assert not market.unhindered(since=trio.current_time())
    await trio.sleep(RECOVERS_SECONDS)
    assert not market.unhindered(since=trio.current_time())
    await trio.sleep(1)
    assert market.unhindered(since=trio.current_time())


@simulation(seeds=1)
async def test_a_payment_is_ungranted_until_its_order_says_so(sim: Simulation) -> None:
    market = Market(sim)
    buyer = Buyer(market, 1, Wish(rail=Rail.STARS))
    seen: set[bool] = set()
    sim.always("looked at", lambda: seen.add(market.stored_ungranted()) is None)
    async with market.open():
        await buyer.live()
        await trio.sleep(5)
        assert not market.stored_ungranted()

    assert seen == {True, False}
