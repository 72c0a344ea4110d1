"""A customer's purchases from end to end, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.kernel import ledger
from actors.kernel.charges import Rail, Standing
from actors.kernel.failures import Conflict
from actors.kernel.ids import OrderId
from actors.kernel.language import Language
from actors.payments import messages as payments
from actors.payments.deeds import What
from actors.payments.orders import Concern, State
from actors.payments.rules import OVERTIME_SECONDS
from actors.sessions import messages as sessions
from actors.sessions.model import Session
from adapters.memory.sessions import MemorySessions
from runtime.testing import Probe
from tests.actors.payments.shop import ANNA, BERTA, Shop

HOUR = 3_600


async def test_a_customer_buys_pays_and_gets_what_he_bought() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("buy")
        assert "What would you like" in shop.chat.panel.text
        await shop.press("Ticket")
        assert "To a gig &amp; dinner" in shop.chat.panel.text
        await shop.press("4.99 USD")
        assert shop.state() is State.WAITING
        assert len(shop.chat.shown) == 1
        (pay,), _ = shop.chat.panel.keyboard
        assert pay.url == f"https://pay.example/cs_{shop.order.order_id}"
        await shop.pay()
        shop.check()
    assert shop.state() is State.GRANTED
    panel, goods = shop.texts()
    assert "Paid and delivered" in panel
    assert "Receipt" in goods
    assert "Code &lt;E&gt;" in goods
    assert shop.balance(ledger.SALES) == ["-4.99 USD"]
    assert shop.balance(ledger.customer(ANNA)) == []
    assert [moved.state for moved in shop.moved.told] == ["opening", "waiting", "paid", "granted"]
    assert await shop.unhandled() == []


async def test_an_order_says_from_its_first_save_on_by_when_it_is_due() -> None:
    shop, said = Shop(), Probe()
    shop.provider.slow_seconds = 1
    async with shop.open(alarms=False) as system:
        system.events.subscribe(payments.DueBy, said)
        await shop.command("buy")
        await shop.press("Ticket")
        await shop.hear(shop.pressed("4.99"))
        assert shop.state() is State.OPENING
        assert shop.order.due_at in [word.at for word in said.told]


async def test_a_double_tap_is_one_order() -> None:
    shop = Shop()
    shop.provider.slow_seconds = 1
    async with shop.open():
        await shop.command("buy")
        await shop.press("Ticket")
        press = shop.pressed("4.99")
        await shop.hear(press)
        await shop.hear(replace(press, update_id=shop.update_id()))
        await shop.rest(2)
        await shop.hear(replace(press, update_id=shop.update_id()))
        shop.check()
        assert len(shop.orders) == 1
        assert len(shop.provider.offers) == 1
        assert len(shop.chat.shown) == 1
        await shop.pay()
        await shop.buy()
    assert len(shop.orders) == 2


async def test_the_same_product_on_another_rail_is_another_order() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.buy(rail="stars")
        shop.check()
    assert {order.rail for order in shop.orders} == {Rail.STRIPE, Rail.STARS}


async def test_ordering_again_shows_the_order_that_is_alive_at_the_bottom() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        first = shop.chat.panel_id
        await shop.buy()
        shop.check()
        assert first not in shop.chat.shown
    assert len(shop.orders) == 1


async def test_digital_goods_are_offered_for_stars_only() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("buy")
        await shop.press("Book")
        labels = [button.text for row in shop.chat.panel.keyboard for button in row]
        assert labels == ["250 XTR, Telegram Stars", "Back"]
        forged = replace(shop.pressed("250"), data="p:rail:book:stripe")
        await shop.hear(forged)
    assert shop.orders == []
    assert "out of date" in shop.chat.bubbles[-1]


async def test_a_provider_that_declines_ends_the_order() -> None:
    shop = Shop()
    shop.provider.declines = True
    async with shop.open():
        await shop.buy()
        assert shop.state() is State.FAILED
        assert "nothing was charged" in shop.chat.panel.text
        shop.check()


async def test_an_order_that_is_not_paid_expires() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.rest(HOUR + OVERTIME_SECONDS - 10)
        assert shop.state() is State.WAITING
        await shop.rest(20)
        assert shop.state() is State.EXPIRED
        shop.check()
        await shop.press("Buy again")
        assert "What would you like" in shop.chat.panel.text
        assert len(shop.chat.shown) == 2


async def test_who_cancels_is_told_so() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.press("Cancel")
        assert shop.state() is State.CANCELLED
        assert shop.chat.bubbles[-1] == "The order is cancelled."
        shop.check()
        await shop.buy()
    assert len(shop.orders) == 2


async def test_orders_can_be_listed_and_shown() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("orders")
        assert "no orders yet" in shop.chat.panel.text
        await shop.buy()
        old = shop.chat.panel_id
        await shop.command("orders")
        await shop.press("Ticket <1>, 4.99 USD: to be paid")
        assert "To pay" in shop.chat.panel.text
        assert old not in shop.chat.shown
        shop.check()


async def test_who_needs_help_is_told_to_the_administrators() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("paysupport")
        assert "no orders yet" in shop.chat.panel.text
        await shop.buy()
        await shop.pay()
        await shop.command("paysupport")
        await shop.press("Ticket <1>")
        assert "We have your question" in shop.chat.panel.text
    text = shop.admin.panel.text
    assert shop.order.order_id in text
    assert "Anna &lt;3" in text
    assert "charge" in text


async def test_nobody_presses_the_buttons_of_others() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        cancel = shop.pressed("Cancel")
        shop.heard.append(cancel)
        await shop.tell_purchases(cancel, chat_id=BERTA)
        assert shop.state() is State.WAITING
        assert "out of date" in shop.chat.bubbles[-1]


@pytest.mark.parametrize("data", ["p:", "p:x", "p:cancel", "p:cancel:zz", "p:rail:a:b:c", "p:item"])
async def test_a_forged_button_does_nothing_but_stop_its_spinner(data: str) -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.hear(replace(shop.pressed("Cancel"), data=data))
        assert shop.state() is State.WAITING
        assert len(shop.chat.bubbles) == 3
        assert await shop.unhandled() == []


async def test_a_button_of_the_shop_does_not_take_an_orders_panel_away() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("buy")
        late = shop.pressed("Book")
        await shop.press("Ticket")
        await shop.press("4.99")
        await shop.hear(replace(late, update_id=shop.update_id()))
        shop.check()


async def test_the_language_of_the_session_comes_first() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("buy", profile=sessions.Profile(first_name="A", language_code="ru"))
        assert shop.chat.panel.text == "Что вы хотите купить?"
        store = MemorySessions(shop.connection)
        await store.save(Session(chat_id=ANNA, language=Language.UK))
        await shop.press("Билет", profile=sessions.Profile(first_name="A", language_code="ru"))
        await shop.press("4.99")
        assert "Сплатіть до" in shop.chat.panel.text
        await shop.pay()
    assert "Код &lt;U&gt;" in shop.texts()[1]


async def test_an_order_nobody_knows_is_nobodys_business() -> None:
    shop = Shop()
    async with shop.open():
        unknown = OrderId("f" * 32)
        accept = payments.Accept(order_id=unknown, who="olga", why="?")
        assert await shop.decide(accept) == payments.Refused(
            why="there is no such order", missing=True
        )
        await shop.tell_purchases(payments.Due())
    assert shop.orders == []


async def test_an_operator_who_cannot_decide_hears_why_and_nothing_is_written_down() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        order_id = shop.order.order_id
        accepted = await shop.decide(payments.Accept(order_id=order_id, who="olga", why="so"))
        dismissed = await shop.decide(payments.Dismiss(order_id=order_id, who="olga", why="so"))
        assert accepted == payments.Refused(
            why="only an order that is late, held or underpaid can be accepted, "
            "and this one is waiting"
        )
        assert dismissed == payments.Refused(why="nobody has to look at this order")
        assert await shop.store.deeds(order_id) == ()
        await shop.pay()  # paid, and by nobody's grace
        again = await shop.decide(payments.Accept(order_id=order_id, who="olga", why="so"))
        assert isinstance(again, payments.Refused)


async def test_what_an_operator_has_seen_to_waits_for_nobody() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay()
        await shop.pay(shop.charge(name="again"))
        assert shop.order.concern is Concern.SURPLUS
        dismiss = payments.Dismiss(order_id=shop.order.order_id, who="olga", why="sent by hand")
        for _ in range(2):
            assert await shop.decide(dismiss) == payments.Done(state="granted")
        (deed,) = await shop.store.deeds(shop.order.order_id)
        assert (deed.what, deed.who, deed.why) == (What.DISMISS, "olga", "sent by hand")
        assert await shop.store.concerning(limit=9) == ()
        shop.check()


async def test_a_decision_is_made_once_when_the_answer_of_the_store_is_lost() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.press("Cancel")
        await shop.pay()
        assert shop.state() is State.LATE
        shop.store.lost_answer = Conflict("lost")
        accept = payments.Accept(order_id=shop.order.order_id, who="olga", why="so")
        assert isinstance(await shop.decide(accept), payments.Done)
        assert shop.state() is State.GRANTED
        assert len(await shop.store.deeds(shop.order.order_id)) == 1
        shop.check()


async def test_what_was_accepted_once_and_taken_back_is_not_accepted_again() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.press("Cancel")
        await shop.pay()
        accept = payments.Accept(order_id=shop.order.order_id, who="olga", why="so")
        assert isinstance(await shop.decide(accept), payments.Done)
        await shop.pay(shop.charge(Standing.DISPUTED))
        refused = await shop.decide(accept)
        assert isinstance(refused, payments.Refused)
        assert "this one is disputed" in refused.why
