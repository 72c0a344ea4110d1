"""Money goes back once, whatever is lost on the way, and the provider's word is what is booked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from actors.kernel import ledger
from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId
from actors.kernel.money import Money
from actors.operations import messages as operations
from actors.payments import messages as payments
from actors.payments.deeds import Deed, Refund, RefundState, What, refund_of
from actors.payments.orders import State
from actors.payments.refunding import AGAIN_SECONDS, KEY_SECONDS, RefundClerk
from runtime import ActorRef, ask
from runtime.testing import Probe
from tests.actors.payments.shop import NOON, USD_PRICE, Shop

Clerk = ActorRef[RefundClerk]
A_DEED = Deed(
    deed_id=UUID(int=1),
    order_id=OrderId("0" * 32),
    what=What.REFUND,
    who="olga",
    why="she asked",
    at=NOON,
)


@asynccontextmanager
async def bought() -> AsyncIterator[tuple[Shop, Clerk]]:
    """Somebody has what he paid for."""
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.pay()
        yield shop, shop.clerk()


async def wish(shop: Shop, clerk: Clerk, **more: object) -> payments.Done | payments.Refused:
    told = {"order_id": shop.order.order_id, "payment_id": None, "total": None} | more
    question = payments.GiveBack(who="olga", why="she asked", **told)  # type: ignore[arg-type]
    answer = await ask(clerk, question)
    await shop.system.settle()
    return answer


def went_back(shop: Shop) -> PaymentReport:
    return shop.charge(Standing.REFUNDED, refunded=USD_PRICE)


async def state_of(shop: Shop) -> RefundState:
    (refund,) = await shop.refunds.of_order(shop.order.order_id)
    return refund.state


async def test_what_went_back_is_booked_by_the_providers_word_alone() -> None:
    async with bought() as (shop, clerk):
        assert await wish(shop, clerk) == payments.Done(state="pending")
        assert await state_of(shop) is RefundState.DONE
        assert shop.state() is State.GRANTED
        assert shop.balance(ledger.REFUNDS) == []
        await shop.pay(went_back(shop))  # its webhook
        assert shop.state() is State.REFUNDED
        assert shop.balance(ledger.REFUNDS) == ["4.99 USD"]
        shop.check()


async def test_what_can_be_read_at_once_is_not_waited_for() -> None:
    async with bought() as (shop, clerk):
        shop.provider.reports = (went_back(shop),)
        await wish(shop, clerk)
        assert shop.state() is State.REFUNDED
        shop.check()


async def test_told_twice_it_goes_back_once() -> None:
    async with bought() as (shop, clerk):
        await wish(shop, clerk)
        assert await wish(shop, clerk) == payments.Done(state="done")
        assert len(shop.provider.given_back) == 1
        (deed,) = await shop.store.deeds(shop.order.order_id)
        assert (deed.what, deed.who) == (What.REFUND, "olga")
        assert deed.why == "4.99 USD of charge: she asked"


@asynccontextmanager
async def paid_late() -> AsyncIterator[tuple[Shop, Clerk]]:
    """Somebody has paid for what he had cancelled, and may take it yet."""
    shop = Shop()
    async with shop.open():
        await shop.buy()
        await shop.press("Cancel")
        await shop.pay()
        assert shop.state() is State.LATE
        yield shop, shop.clerk()


@pytest.mark.parametrize("away", [True, False])
async def test_what_is_on_its_way_back_buys_nothing(*, away: bool) -> None:
    async with paid_late() as (shop, clerk):
        shop.provider.failure = Unavailable("away") if away else None
        await wish(shop, clerk)  # its provider has not told of it yet
        await shop.press("Take it now")
        accept = payments.Accept(order_id=shop.order.order_id, who="olga", why="so")
        refused = await shop.decide(accept)
        assert shop.state() is State.LATE
        assert isinstance(refused, payments.Refused)
        assert "on its way back" in refused.why
        shop.check()


async def test_what_its_provider_did_not_give_back_can_be_taken() -> None:
    async with paid_late() as (shop, clerk):
        shop.provider.declines = True
        await wish(shop, clerk)
        await shop.press("Take it now")
        assert shop.state() is State.GRANTED
        shop.check()


async def test_two_parts_go_back_one_after_the_other() -> None:
    async with bought() as (shop, clerk):
        shop.provider.slow_seconds = 5
        await wish(shop, clerk, total=Money.of("1.00", "USD"))
        refused = await wish(shop, clerk, total=Money.of("3.00", "USD"))
        assert isinstance(refused, payments.Refused)
        await shop.rest(20)
        await wish(shop, clerk, total=Money.of("3.00", "USD"))
        await shop.rest(20)
        assert [str(each.amount) for each in shop.provider.given_back] == ["1.00 USD", "2.00 USD"]
        assert len({each.key for each in shop.provider.given_back}) == 2


async def test_an_answer_that_is_lost_is_asked_for_under_the_same_key() -> None:
    async with bought() as (shop, clerk):
        shop.provider.cut_off = Unavailable("cut off")
        await wish(shop, clerk)
        assert await state_of(shop) is RefundState.PENDING
        await shop.rest(AGAIN_SECONDS - 1)
        assert len(shop.provider.given_back) == 1
        shop.provider.cut_off = None
        await shop.rest(60)
        assert await state_of(shop) is RefundState.DONE
        assert len(shop.provider.given_back) == 2
        assert len({each.key for each in shop.provider.given_back}) == 1


async def test_whoever_asks_again_looks_first_whether_it_went_back() -> None:
    async with bought() as (shop, clerk):
        shop.provider.cut_off = Unavailable("cut off")
        await wish(shop, clerk)
        shop.provider.cut_off = None
        shop.provider.reports = (went_back(shop),)
        await shop.rest(AGAIN_SECONDS + 60)
        assert len(shop.provider.given_back) == 1
        assert await state_of(shop) is RefundState.DONE
        assert shop.state() is State.REFUNDED


async def test_a_charge_that_nothing_went_back_of_is_asked_for_again() -> None:
    async with bought() as (shop, clerk):
        shop.provider.cut_off = Unavailable("cut off")
        await wish(shop, clerk)
        shop.provider.cut_off = None
        none_yet = replace(went_back(shop), refunded=Money.of("0", "USD"))
        shop.provider.reports = (none_yet, replace(none_yet, refunded=None))
        await shop.rest(AGAIN_SECONDS + 60)
        assert len(shop.provider.given_back) == 2


@pytest.mark.parametrize("was_asked", [True, False])
async def test_where_a_part_went_back_by_hand_a_person_says_how_it_goes_on(
    *, was_asked: bool
) -> None:
    async with bought() as (shop, clerk):
        part = replace(went_back(shop), refunded=Money.of("1.00", "USD"))
        if was_asked:
            shop.provider.cut_off = Unavailable("cut off")
            await wish(shop, clerk)
            shop.provider.cut_off = None
            shop.provider.reports = (part,)
            await shop.rest(AGAIN_SECONDS + 60)
        else:
            shop.provider.reports = (part,)
            await wish(shop, clerk)
        assert len(shop.provider.given_back) == was_asked
        (refund,) = await shop.refunds.of_order(shop.order.order_id)
        assert refund.state is RefundState.UNKNOWN
        assert refund.detail.startswith("1.00 USD of the charge went back")
        assert shop.balance(ledger.REFUNDS) == ["1.00 USD"]  # what was read is booked
        await wish(shop, clerk)  # a person has looked
        assert str(shop.provider.given_back[-1].amount) == "3.99 USD"
        assert await state_of(shop) is RefundState.DONE
        assert len({each.key for each in shop.provider.given_back}) == 1 + was_asked


async def test_what_went_back_by_hand_is_not_given_twice() -> None:
    async with bought() as (shop, clerk):
        shop.provider.reports = (went_back(shop),)
        await wish(shop, clerk)
        assert shop.provider.given_back == []
        assert await state_of(shop) is RefundState.DONE


async def test_what_its_provider_has_not_decided_is_read_by_its_id_until_he_has() -> None:
    async with paid_late() as (shop, clerk):
        shop.provider.undecided = "refund-7"
        await wish(shop, clerk)
        shop.provider.reports = (replace(went_back(shop), refunded=Money.of("1.00", "USD")),)
        await shop.rest(2 * KEY_SECONDS)  # its key is long forgotten
        assert await state_of(shop) is RefundState.PENDING
        first, *later = shop.provider.given_back
        assert first.refund_id == ""
        assert {each.refund_id for each in later} == {"refund-7"}
        await shop.press("Take it now")
        assert shop.state() is State.LATE  # it may go back yet
        shop.provider.undecided, shop.provider.declines = "", True
        await shop.rest(1_000)
        assert await state_of(shop) is RefundState.DECLINED
        await shop.press("Take it now")
        assert shop.state() is State.GRANTED
        shop.check()


async def test_after_a_restart_what_is_undecided_is_still_read_by_its_id() -> None:
    async with bought() as (shop, clerk):
        shop.provider.undecided = "refund-7"
        await wish(shop, clerk)
        clerk.kill(RuntimeError("struck by lightning"))
        await shop.system.settle()
        shop.provider.undecided = ""
        await shop.rest(1_000)
        assert [each.refund_id for each in shop.provider.given_back] == ["", "refund-7"]
        assert await state_of(shop) is RefundState.DONE


A_DAY_SECONDS = 86_400


async def test_what_is_done_and_no_report_shows_is_warned_of_and_wanted_once_more() -> None:
    async with bought() as (shop, clerk):
        reports: Probe = Probe()
        shop.system.events.subscribe(operations.Reported, reports)
        await wish(shop, clerk)
        await shop.rest(A_DAY_SECONDS - 3_700)
        assert {each.status for each in reports.told if each.component == "refunds"} == {"pass"}
        assert await wish(shop, clerk) == payments.Done(state="done")
        await shop.rest(2 * 3_700)
        warned = [each for each in reports.told if each.component == "refunds"]
        assert warned[-1].status == "warn"
        assert "1 refund is done" in warned[-1].output
        shop.provider.reports = (went_back(shop),)
        assert await wish(shop, clerk) == payments.Done(state="pending")
        assert len(shop.provider.given_back) == 1  # he has looked before
        await shop.rest(3_700)
        warned = [each for each in reports.told if each.component == "refunds"]
        assert (warned[-1].status, shop.state()) == ("pass", State.REFUNDED)


async def test_after_a_restart_what_was_asked_for_is_asked_for_again() -> None:
    async with bought() as (shop, clerk):
        shop.provider.slow_seconds = 10_000  # and its answer never comes
        await wish(shop, clerk)
        await shop.rest(10_001)  # that of his look does
        clerk.kill(RuntimeError("struck by lightning"))
        await shop.system.settle()
        shop.provider.slow_seconds = 0
        await shop.rest(AGAIN_SECONDS + 60)
        assert len({each.key for each in shop.provider.given_back}) == 1
        assert len(shop.provider.given_back) == 2
        assert await state_of(shop) is RefundState.DONE


async def test_when_its_key_is_forgotten_nobody_asks_and_a_person_has_to_look() -> None:
    async with bought() as (shop, clerk):
        reports: Probe = Probe()
        shop.system.events.subscribe(operations.Reported, reports)
        shop.provider.failure = Unavailable("away for days")
        await wish(shop, clerk)
        await shop.rest(KEY_SECONDS + 700)
        assert await state_of(shop) is RefundState.UNKNOWN
        asked = len(shop.provider.given_back)
        await shop.rest(KEY_SECONDS)
        assert len(shop.provider.given_back) == asked
        warned = [each for each in reports.told if each.component == "refunds"]
        assert warned[-1].status == "warn"
        assert "1 refund:" in warned[-1].output
        shop.provider.failure = None
        assert await wish(shop, clerk) == payments.Done(state="pending")
        await shop.rest(60)
        assert await state_of(shop) is RefundState.DONE
        assert shop.provider.looked  # before he asked again


async def test_what_the_provider_will_not_do_is_said_and_can_be_wanted_anew() -> None:
    async with bought() as (shop, clerk):
        shop.provider.declines = True
        await wish(shop, clerk)
        (refund,) = await shop.refunds.of_order(shop.order.order_id)
        assert (refund.state, refund.detail) == (RefundState.DECLINED, "no money left")
        shop.provider.declines = False
        await wish(shop, clerk)
        assert await state_of(shop) is RefundState.DONE
        assert len({each.key for each in shop.provider.given_back}) == 2


async def test_a_rail_on_which_nothing_can_be_given_back_says_so() -> None:
    shop = Shop()
    async with shop.open():
        await shop.buy(rail="stars")
        await shop.stars()
        assert shop.tills[Rail.STARS].refunding is None
        refused = await wish(shop, shop.clerk())
        assert refused == payments.Refused(why="money that came by stars goes back by hand only")
        assert await shop.refunds.of_order(shop.order.order_id) == ()


async def test_an_order_nobody_knows_and_a_charge_it_has_not_are_refused() -> None:
    async with bought() as (shop, clerk):
        unknown = await wish(shop, clerk, order_id=OrderId("f" * 32))
        assert unknown == payments.Refused(why="there is no such order", missing=True)
        other = await wish(shop, clerk, payment_id="other")
        assert other == payments.Refused(why="the order has no such charge")
        assert shop.provider.given_back == []


@pytest.mark.parametrize("was_asked", [True, False])
async def test_a_rail_that_is_gone_gives_nothing_back(*, was_asked: bool) -> None:
    async with bought() as (shop, clerk):
        if was_asked:
            shop.provider.cut_off = Unavailable("cut off")
            await wish(shop, clerk)
        else:
            refund = refund_of(shop.order, (), payment_id=None, total=None, now=shop.clock)
            assert isinstance(refund, Refund)
            deed = replace(A_DEED, order_id=shop.order.order_id)
            assert await shop.refunds.want(refund, deed)
        clerk.stop()
        shop.catalogue = replace(shop.catalogue, rails={})
        shop.clerk()
        await shop.rest(AGAIN_SECONDS + 60)
        ends = RefundState.UNKNOWN if was_asked else RefundState.DECLINED
        assert await state_of(shop) is ends
        assert len(shop.provider.given_back) == was_asked
