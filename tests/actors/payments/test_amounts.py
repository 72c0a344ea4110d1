"""Each way in which money can fit an order, or not: what becomes of it, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.kernel import ledger
from actors.kernel.charges import Rail, Standing
from actors.kernel.money import STARS, Money
from actors.payments import messages as payments
from actors.payments.life import UNDERPAID_SECONDS
from actors.payments.orders import State
from tests.actors.payments.shop import ANNA, CATALOGUE, USD_PRICE, Shop

HOUR = 3_600


async def test_stars_are_paid_by_the_charge_that_telegram_tells() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        await shop.stars()
        assert shop.state() is State.GRANTED
        assert await shop.unhandled() == []
        await shop.stars()  # the same charge in another update
        assert await shop.unhandled() == []
        shop.check()
    assert shop.balance(ledger.SALES) == ["-250 XTR"]
    assert len(shop.chat.shown) == 2
    assert {report.payment_id for report in shop.books.observed} == {"stars"}
    assert {report.rail for report in shop.books.observed} == {Rail.STARS}


@pytest.mark.parametrize("payload", ["", "0" * 32, "not one of ours", "A" * 32])
async def test_a_payment_for_no_order_of_ours_is_told_and_nobody_gets_anything(
    payload: str,
) -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        await shop.stars(payload=payload)
        assert shop.state() is State.WAITING
        assert len(await shop.unhandled()) == 1
        await shop.rest(31)
    assert len(shop.books.observed) == 2
    assert shop.balance(ledger.UNMATCHED) == ["-250 XTR"]
    assert await shop.unhandled() == []


async def test_what_telegram_refunds_is_refunded() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        await shop.stars()
        received = shop.heard[-1]
        assert isinstance(received, payments.PaymentReceived)
        await shop.hear(
            payments.PaymentRefunded(
                update_id=shop.update_id(),
                profile=received.profile,
                charge_id=received.charge_id,
                currency="XTR",
                total_amount=250,
                payload=received.payload,
            )
        )
        assert shop.state() is State.REFUNDED
        assert await shop.unhandled() == []
        shop.check()


async def test_money_on_its_way_cannot_be_cancelled() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        cancel = shop.pressed("Cancel")
        await shop.pay(shop.charge(Standing.PROCESSING))
        assert shop.state() is State.PROCESSING
        await shop.hear(cancel)
        assert "on its way" in shop.chat.bubbles[-1]
        await shop.rest(3 * HOUR)
        assert shop.state() is State.PROCESSING
        await shop.pay()
        assert shop.state() is State.GRANTED


async def test_who_pays_less_is_asked_for_the_rest() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay(shop.charge(Standing.PARTIAL, Money.of("4.00", "USD")))
        assert shop.state() is State.UNDERPAID
        assert "0.99 USD" in shop.chat.panel.text
        await shop.pay(shop.charge(Standing.PAID, Money.of("0.99", "USD"), name="rest"))
        assert shop.state() is State.GRANTED
        shop.check()
    assert shop.balance(ledger.customer(ANNA)) == []


async def test_the_rest_that_never_comes_is_for_a_person_who_may_accept_it() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay(shop.charge(Standing.PAID, Money.of("4.00", "USD")))
        await shop.rest(UNDERPAID_SECONDS + 10)
        assert shop.state() is State.HELD
        shop.check()
        accept = payments.Accept(order_id=shop.order.order_id, who="olga", why="she is a friend")
        assert await shop.decide(accept) == payments.Done(state="paid")
        assert await shop.decide(accept) == payments.Done(state="granted")
        assert shop.state() is State.GRANTED
        shop.check()
    assert shop.balance(ledger.SALES) == ["-4.00 USD"]
    assert shop.balance(ledger.customer(ANNA)) == []


async def test_who_pays_more_sees_what_is_his() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay(shop.charge(amount=Money.of("6.00", "USD")))
        assert shop.state() is State.GRANTED
        assert "1.01 USD more than the price" in shop.texts()[0]
        shop.check()
    assert shop.balance(ledger.customer(ANNA)) == ["-1.01 USD"]


async def test_paying_twice_is_granted_once_and_shown() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay()
        await shop.pay(shop.charge(name="again"))
        assert "4.99 USD more than the price" in shop.texts()[0]
        assert len(shop.chat.shown) == 2
        shop.check()
    assert shop.balance(ledger.SALES) == ["-4.99 USD"]


async def test_a_late_payment_waits_for_the_customers_word() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.rest(2 * HOUR)
        await shop.pay()
        assert shop.state() is State.LATE
        shop.check()
        await shop.press("Take it now")
        assert shop.state() is State.GRANTED
        shop.check()
    assert shop.balance(ledger.SALES) == ["-4.99 USD"]


async def test_what_is_sold_at_another_price_now_cannot_be_taken_late() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.press("Cancel")
        await shop.pay()
        assert shop.state() is State.LATE
    shop.catalogue = replace(CATALOGUE, products=())
    async with shop.open():
        await shop.press("Take it now")
        assert shop.state() is State.LATE
        assert "not sold at this price" in shop.chat.bubbles[-1]
    assert shop.balance(ledger.SALES) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Money.of("4.99", "EUR")},
        {"amount": Money.of_minor(499, STARS)},
        {"live": False},
        {"parent": "earlier"},
        {"standing": Standing.FAILED, "amount": USD_PRICE},
        {"standing": Standing.FAILED, "amount": Money.of("0.01", "USD")},
    ],
)
async def test_money_that_does_not_fit_grants_nothing(changes: dict[str, object]) -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay(shop.charge(**changes))  # type: ignore[arg-type]
        assert shop.state() is State.HELD
        assert "does not match the order" in shop.chat.panel.text
        shop.check()
    assert shop.balance(ledger.SALES) == []
    assert not any("Receipt" in text for text in shop.texts())


async def test_a_redeposit_after_the_purchase_is_a_surplus() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay()
        await shop.pay(shop.charge(amount=Money.of("1.50", "USD"), name="more", parent="charge"))
        assert shop.state() is State.GRANTED
        assert "1.50 USD more than the price" in shop.texts()[0]


async def test_a_refund_is_shown_in_part_and_in_whole() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay()
        half = shop.charge(Standing.REFUNDED, refunded=Money.of("2.00", "USD"))
        await shop.pay(half)
        assert shop.state() is State.GRANTED
        assert "Given back: 2.00 USD" in shop.texts()[0]
        await shop.pay(replace(half, refunded=USD_PRICE))
        assert shop.state() is State.REFUNDED
        shop.check()


async def test_a_refund_of_what_was_never_granted_settles_the_customers_account() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.press("Cancel")
        await shop.pay()
        await shop.pay(shop.charge(Standing.REFUNDED, refunded=USD_PRICE))
        assert shop.state() is State.REFUNDED
        shop.check()
    assert shop.balance(ledger.customer(ANNA)) == []
    assert shop.balance(ledger.REFUNDS) == []


async def test_a_chargeback_is_for_a_person() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay()
        await shop.pay(shop.charge(Standing.DISPUTED))
        assert shop.state() is State.DISPUTED
        shop.check()
        await shop.pay(
            replace(shop.charge(Standing.REINSTATED), disputed=USD_PRICE, reinstated=USD_PRICE)
        )
        assert shop.state() is State.GRANTED
        assert "4.99 USD counts as paid again" in shop.texts()[0]
        assert len(shop.chat.shown) == 2  # the goods do not come twice
        shop.check()
    assert shop.balance(ledger.REFUNDS) == []


async def test_a_charge_that_fails_ends_the_order() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay(shop.charge(Standing.FAILED))
        assert shop.state() is State.FAILED
        shop.check()


async def test_what_is_told_twice_is_done_once() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        for _ in range(3):
            await shop.pay()
        assert shop.state() is State.GRANTED
        assert shop.chat.said == 2  # the shop, which became the panel, and the goods
        assert await shop.books.payments.unrecorded(limit=9) == ()
