"""What a provider took and gave back is known, by order and in all."""

from __future__ import annotations

import pytest
import trio

from actors.kernel.charges import Rail
from actors.kernel.money import Money
from adapters.sandbox.deliveries import Sending
from adapters.sandbox.outgoing import Webhook
from adapters.sandbox.stripe_checkout import CannotDo
from config.scenarios.buyers import Buyer, Wish
from config.scenarios.market import Market
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@pytest.mark.parametrize("rail", [Rail.STRIPE, Rail.STARS, Rail.YOOKASSA, Rail.NOWPAYMENTS])
@simulation(seeds=1, twice=False)
async def test_what_was_taken_is_gone_once_it_was_given_back(sim: Simulation, rail: Rail) -> None:
    market = Market(sim)
    buyers = [Buyer(market, number, Wish(rail=rail)) for number in (1, 2)]
    async with market.open():
        async with trio.open_nursery() as nursery:
            for buyer in buyers:
                nursery.start_soon(buyer.live)
        provider, [order] = market.providers[rail], buyers[0].orders
        assert (market.taken(order.order_id), market.gone(order.order_id)) == ((order.price,), ())
        assert market.all_taken(rail) == order.price + order.price

        provider.refund(order.order_id)

        assert market.gone(order.order_id) == (order.price,)
        assert market.all_gone(rail) == order.price
        assert market.all_taken(rail) == order.price + order.price


@simulation(seeds=1)
async def test_what_a_bank_took_is_gone_until_it_decides_for_the_shop(sim: Simulation) -> None:
    market = Market(sim)
    buyer = Buyer(market, 1, Wish(rail=Rail.STRIPE))
    async with market.open():
        await buyer.live()
        [order] = buyer.orders
        market.stripe.dispute(order.order_id)
        assert market.gone(order.order_id) == (order.price,)
        market.stripe.decide(order.order_id, won=True)
        assert market.gone(order.order_id) == ()
        assert market.all_gone(Rail.STRIPE) == Money.zero(order.price.currency)


@simulation(seeds=1)
async def test_nobody_pays_twice_on_a_page(sim: Simulation) -> None:
    market = Market(sim)
    buyer = Buyer(market, 1, Wish(rail=Rail.YOOKASSA))
    async with market.open():
        await buyer.live()
        with pytest.raises(CannotDo):
            market.yookassa.pay(str(buyer.orders[0].checkout_id))
        with pytest.raises(CannotDo):
            market.providers[Rail.STARS].pay("page")


@simulation(seeds=1)
async def test_only_what_nobody_asks_for_is_sent_again_by_hand(sim: Simulation) -> None:
    market = Market(sim)
    webhook = Webhook(url="http://bot/", headers={}, body=b"")
    names = ("payment.succeeded:1", "refund.succeeded:2", "refund.succeeded:3")
    sendings = [
        Sending(name=name, make=lambda: webhook, delivered=name.endswith("3")) for name in names
    ]
    market.yookassa.deliveries.sendings.extend(sendings)
    market.nowpayments.deliveries.sendings.extend(sendings)

    assert [sending.name for sending in market.yookassa.unheard()] == ["refund.succeeded:2"]
    unheard = [sending.name for sending in market.nowpayments.unheard()]
    assert unheard == ["payment.succeeded:1", "refund.succeeded:2"]
