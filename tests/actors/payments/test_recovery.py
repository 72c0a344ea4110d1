"""Whatever fails, nothing is lost and nothing is done twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.kernel import ledger
from actors.kernel.charges import Standing
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.money import Money
from actors.operations import messages as operations
from actors.payments.actor import COMPONENT, RETELL_SECONDS, TELLINGS_MAX
from actors.payments.orders import Concern, State
from runtime.testing import Probe
from tests.actors.payments.shop import ANNA, USD_PRICE, Shop

HOUR = 3_600


async def test_a_payment_is_told_again_until_the_order_has_recorded_it() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        shop.books.deaf = True
        await shop.stars()
        assert len(await shop.unhandled()) == 1
        shop.books.deaf = False
        await shop.rest(31)
        assert shop.state() is State.GRANTED
        assert await shop.unhandled() == []
        told = len(shop.books.observed)
        await shop.rest(120)
        assert len(shop.books.observed) == told


async def test_a_payment_survives_the_process_that_heard_of_it() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        shop.books.deaf = True
        await shop.stars()
    shop.books.deaf = False
    async with shop.open():
        assert shop.state() is State.GRANTED
        assert await shop.unhandled() == []


@pytest.mark.parametrize("failure", [Unavailable("not now"), RuntimeError("struck")])
async def test_a_payment_is_handled_whatever_befell_who_heard_of_it(failure: Exception) -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        shop.books.deaf = True
        await shop.stars()
        shop.system.region("root/purchases").ref(ANNA).kill(failure)
        await shop.rest(5)
        shop.books.deaf = False
        await shop.rest(31)
        assert shop.state() is State.GRANTED
        assert await shop.unhandled() == []


@pytest.mark.parametrize("granted", [True, False])
async def test_a_payment_that_the_books_refuse_is_not_told_for_ever(*, granted: bool) -> None:
    shop = Shop()
    async with shop.open():
        warnings: Probe = Probe()
        shop.system.events.subscribe(operations.Reported, warnings)
        await shop.buy(rail="stars")
        if granted:
            await shop.stars()
        shop.books.deaf = True
        told = len(shop.books.observed)
        await shop.stars(charge_id="another" if granted else "stars")
        await shop.rest(RETELL_SECONDS * (TELLINGS_MAX - 1) - 1)
        assert len(await shop.unhandled()) == 1
        assert not [each for each in warnings.told if each.component == COMPONENT]
        await shop.rest(RETELL_SECONDS)
        assert await shop.unhandled() == []
        await shop.rest(HOUR)
        assert len(shop.books.observed) == told + TELLINGS_MAX
        warned = [each.status for each in warnings.told if each.component == COMPONENT]
        if granted:  # where an order cannot say so, the process does
            assert (shop.state(), warned) == (State.GRANTED, ["warn"])
        else:
            assert (shop.order.concern, warned) == (Concern.HELD, [])
        shop.check()


async def test_an_order_is_kept_before_its_provider_is_asked() -> None:
    shop = Shop()
    shop.provider.slow_seconds = 10
    async with shop.open():
        await shop.buy()
        assert shop.state() is State.OPENING
        assert "Preparing" in shop.chat.panel.text
    shop.provider.slow_seconds = 0
    async with shop.open():
        await shop.command("orders")
        assert shop.state() is State.WAITING
        shop.check()
    first, second = shop.provider.offers
    assert first == second
    assert first.price == USD_PRICE
    assert first.expires_at == shop.order.expires_at
    assert first.return_url == f"https://shop.example/{first.order_id}"


async def test_a_provider_that_is_away_is_asked_again_with_the_same_order() -> None:
    shop = Shop()
    shop.provider.failure = Unavailable("503")
    async with shop.open():
        await shop.buy()
        assert "does not answer yet" in shop.chat.panel.text
        await shop.rest(120)
        assert shop.state() is State.OPENING
        shop.provider.failure = None
        await shop.rest(400)
        assert shop.state() is State.WAITING
        shop.check()
    assert len({offer.order_id for offer in shop.provider.offers}) == 1
    assert 4 <= len(shop.provider.offers) <= 9


async def test_a_provider_that_stays_away_ends_the_order() -> None:
    shop = Shop()
    shop.provider.failure = Unavailable("503")
    async with shop.open():
        await shop.buy()
        await shop.rest(HOUR + 400)
        assert shop.state() is State.EXPIRED
        shop.check()


async def test_an_order_expires_while_the_process_is_down() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
    shop.clock += timedelta(days=1)
    async with shop.open():
        await shop.rest(10)
        assert shop.state() is State.EXPIRED
        shop.check()


async def test_the_goods_come_when_the_bot_is_let_in_again() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.chat.refusal = "blocked"
        await shop.pay()
        assert shop.state() is State.PAID
        await shop.rest(300)
        assert shop.state() is State.PAID
        shop.chat.refusal = None
        await shop.command("orders")
        assert shop.state() is State.GRANTED
        shop.check()


async def test_the_goods_come_without_a_word_of_the_customer_too() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.chat.refusal = "refused"
        await shop.pay()
        await shop.rest(100)
        shop.chat.refusal = None
        assert shop.state() is State.PAID
        await shop.rest(700)
        assert shop.state() is State.GRANTED
        shop.check()


async def test_a_panel_that_was_deleted_comes_anew() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.chat.shown.clear()
        await shop.pay()
        shop.check()
        assert shop.state() is State.GRANTED


async def test_letters_that_died_with_the_dispatcher_are_told_again() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.chat.held = True
        await shop.pay()
        shop.chat.restart()
        shop.chat.held = False
        await shop.rest(130)
        assert shop.state() is State.GRANTED
        shop.check()


async def test_a_store_that_is_away_loses_nothing() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.store.away = True
        await shop.pay()
        assert shop.state() is State.WAITING
        await shop.rest(5)
        shop.store.away = False
        await shop.rest(60)
        assert shop.state() is State.GRANTED
        shop.check()


@pytest.mark.parametrize("crashes_in", range(9))
@pytest.mark.parametrize("rail", ["$", "stars"])
async def test_a_crash_after_any_save_does_nothing_twice(crashes_in: int, rail: str) -> None:
    shop = Shop()
    for process in range(3):
        async with shop.open():
            shop.store.crashes_in = crashes_in if process == 0 else None
            if process == 0:
                await shop.buy(rail=rail)
                await shop.rest(70)
            if not shop.orders:
                await shop.buy(rail=rail)
            elif process == 1 and rail == "stars":
                await shop.stars()
            elif process == 1:
                await shop.pay()
            await shop.rest(200)
    assert shop.state() is State.GRANTED
    assert len(shop.orders) == 1
    assert shop.balance(ledger.customer(ANNA)) == []
    assert len(shop.balance(ledger.SALES)) == 1
    assert sum("Receipt" in text for text in shop.texts()) <= 2


@pytest.mark.parametrize("lost", [Conflict("told twice"), Unavailable("the answer got lost")])
async def test_a_save_whose_answer_was_lost_is_not_done_twice(lost: Exception) -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.store.lost_answer = lost
        await shop.pay()
        if isinstance(lost, Unavailable):
            await shop.rest(100)
        assert shop.state() is State.GRANTED
        shop.check()
    assert shop.balance(ledger.SALES) == ["-4.99 USD"]
    assert await shop.books.payments.unrecorded(limit=9) == ()


async def test_an_update_that_is_handled_already_does_not_stop_its_payment() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        shop.books.deaf = True
        await shop.stars()
        await shop.inbox.finish(shop.heard[-1].update_id, at=shop.clock)
        await shop.pay(shop.charge(name="stars"))
        assert shop.state() is State.GRANTED
        shop.check()


async def test_goods_that_died_with_the_process_come_with_the_next() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.chat.held = True
        await shop.pay()
        assert shop.state() is State.PAID
    shop.chat.held = False
    async with shop.open():
        await shop.rest(6)  # the alarm clock wakes the chat
        shop.clock = shop.system.world.now()
        assert shop.state() is State.PAID
    async with shop.open():
        await shop.command("orders")
        assert shop.state() is State.GRANTED


async def test_one_letter_of_a_panel_is_out_at_a_time() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        shop.chat.held = True
        await shop.pay(shop.charge(Standing.PROCESSING))
        await shop.pay(shop.charge(Standing.PARTIAL, Money.of("1", "USD")))
        await shop.pay(shop.charge(Standing.PARTIAL, Money.of("2", "USD")))
        assert len(shop.chat.queue) == 1
        shop.chat.held = False
        shop.chat.deliver()
        await shop.system.settle()
        shop.check()


@pytest.mark.parametrize("act", ["command", "press"])
async def test_whatever_somebody_does_brings_his_goods_at_once(act: str) -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("buy")
        await shop.press("Ticket")
        await shop.press("4.99")
        await shop.command("buy")
        shop.chat.refusal = "blocked"
        await shop.pay()
        shop.chat.refusal = None
        await (shop.command("orders") if act == "command" else shop.press("Book"))
        assert shop.state() is State.GRANTED
