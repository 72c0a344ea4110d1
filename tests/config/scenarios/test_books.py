"""Whatever the providers' lists and the bot's tables disagree about is named."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import trio

from actors.ingress.model import Event, SourceName
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, EventId, OrderId
from actors.kernel.ledger import REFUNDS, UNMATCHED, customer, provider, sale, transfer
from actors.kernel.money import STARS, Money
from actors.payments.orders import State
from adapters.memory.tables import EventRow
from adapters.sandbox.deliveries import Sending
from adapters.sandbox.outgoing import Webhook
from config.scenarios.books import check_books
from config.scenarios.buyers import Buyer, Wish
from config.scenarios.market import Market
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import PropertyError, Simulation
from tests.actors.payments.orders import order

PRICE = Money.of("100", STARS)


def _found(market: Market, fault: str) -> None:
    with pytest.raises(PropertyError, match=re.escape(fault)):
        check_books(market)


@simulation(seeds=1)
async def test_books_without_an_entry_are_in_order(sim: Simulation) -> None:
    check_books(Market(sim))


@simulation(seeds=1)
async def test_money_that_no_provider_has_taken_is_found(sim: Simulation) -> None:
    market = Market(sim)
    both = ((provider(Rail.STARS), PRICE), (UNMATCHED, -PRICE))
    market.tables.ledger.post(transfer("stars:1:receipt:100", *both))

    _found(market, "stars keep 0 XTR, booked are 100 XTR")


@simulation(seeds=1)
async def test_a_sale_of_nothing_is_found(sim: Simulation) -> None:
    market = Market(sim)
    market.tables.ledger.post(sale(OrderId("a" * 32), ChatId(7), PRICE))

    _found(market, "goods for 0 XTR were granted, booked are 100 XTR")


@simulation(seeds=1)
async def test_money_that_a_customer_is_owed_at_the_end_is_found(sim: Simulation) -> None:
    market = Market(sim)
    waits = order(State.WAITING)
    market.tables.put_order(waits, saved_by=None)
    both = ((customer(waits.chat_id), -waits.price), (REFUNDS, waits.price))
    market.tables.ledger.post(transfer("order:1:returned", *both))

    _found(market, f"chat {waits.chat_id} is served, and has {-waits.price} in its account")


@simulation(seeds=1)
async def test_money_that_went_back_and_an_order_that_does_not_know_are_found(
    sim: Simulation,
) -> None:
    market = Market(sim)
    buyer = Buyer(market, 1, Wish(rail=Rail.YOOKASSA))
    async with market.open():
        await buyer.live()
        await market.still()
        await trio.sleep(30)
        check_books(market)
        market.yookassa.sandbox.webhooks_to("")
        market.yookassa.refund(buyer.orders[0].order_id)

        _found(market, "went back for")


@simulation(seeds=1)
async def test_a_balance_that_somebody_changed_is_found(sim: Simulation) -> None:
    market = Market(sim)
    market.tables.ledger.balances[REFUNDS, STARS] = PRICE

    _found(market, "the balances are not the sums of the entries")


@simulation(seeds=1)
async def test_an_order_that_nobody_paid_for_is_found(sim: Simulation) -> None:
    market = Market(sim)
    market.tables.put_order(order(State.GRANTED), saved_by=None)
    market.wrongs.clear()  # the market has seen it as well

    _found(market, "nothing was taken for")


@simulation(seeds=1)
async def test_an_event_that_is_acknowledged_and_not_stored_is_found(sim: Simulation) -> None:
    market = Market(sim)
    webhook = Webhook(url="http://bot/", headers={}, body=b"")
    sending = Sending(name="evt_1", make=lambda: webhook, delivered=True)
    market.stripe.deliveries.sendings.append(sending)

    _found(market, "event evt_1 was acknowledged and is not stored")

    event = Event(
        source=SourceName.STRIPE,
        key="evt_1",
        kind="charge.succeeded",
        subject="",
        body=b"",
        headers={},
    )
    row = EventRow(event, sim.now(), sim.now() + timedelta(days=1), sim.world("x").uuid())
    market.tables.events[EventId(1)] = row
    market.tables.event_keys[SourceName.STRIPE, "evt_1"] = EventId(1)
    _found(market, "event 1, charge.succeeded, is pending")
