"""Providers are asked, slowly, about what they forgot to tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import trio

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId, ProductId
from actors.payments.orders import Order, State
from actors.payments.ports import LOOK_FIRST_SECONDS, OpenCheckout, Till
from actors.payments.reconciler import (
    AT_A_TIME_MAX,
    LATE_SECONDS,
    LOOK_MAX_SECONDS,
    Reconciler,
    is_over,
    look_seconds,
)
from actors.tracker import messages as tracker
from adapters.memory.database import MemoryDatabase
from adapters.memory.orders import MemoryOrders
from runtime import VirtualWorld
from runtime.testing import Probe, running
from tests.actors.payments.orders import NOON, ORDER, payment
from tests.actors.payments.provider import Provider
from tests.actors.payments.shop import USD

REPORT = PaymentReport(
    rail=Rail.STRIPE,
    payment_id=payment().payment_id,
    standing=Standing.PAID,
    amount=ORDER.price,
    live=True,
    order_id=ORDER.order_id,
)


class Rig:
    def __init__(self) -> None:
        self.world = VirtualWorld(epoch=NOON)
        self.store = MemoryOrders(MemoryDatabase(now=self.world.now).connect())
        self.stripe, self.yookassa, self.tracker = Provider(), Provider(), Probe()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        tills = {
            Rail.STRIPE: Till(rail=Rail.STRIPE, checkout=self.stripe, currencies=(USD,)),
            Rail.YOOKASSA: Till(rail=Rail.YOOKASSA, checkout=self.yookassa, currencies=(USD,)),
        }
        async with running(world=self.world) as system:
            system.spawn(lambda: Reconciler(store=self.store, tills=tills, tracker=self.tracker))
            yield

    async def save(self, number: int = 1, **changes: Any) -> Order:
        named = {
            "order_id": OrderId(f"{number:032x}"),
            "product_id": ProductId(f"p{number}"),
            "state": State.WAITING,
            "checkout_id": f"cs_{number}",
            "url": "https://x",
        }
        order = replace(ORDER, **(named | changes))
        await self.store.save(order)
        return order


async def test_what_a_provider_says_is_told_to_the_tracker() -> None:
    rig = Rig()
    rig.stripe.reports = (REPORT,)
    async with rig.open():
        await rig.save()
        await trio.sleep(50)
        assert rig.stripe.looked == []
        await trio.sleep(25)
        assert rig.stripe.looked == ["cs_1"]
        assert rig.tracker.told == [tracker.Observed(report=REPORT)]


async def test_a_checkout_is_looked_at_less_and_less_often_and_then_no_more() -> None:
    rig = Rig()
    async with rig.open():
        over = NOON + timedelta(days=1)
        await rig.save(expires_at=over - timedelta(seconds=LATE_SECONDS))
        await trio.sleep(3_600)
        first = len(rig.stripe.looked)
        assert 5 <= first <= 12
        await trio.sleep(86_400 - 3_700)
        last = len(rig.stripe.looked)
        assert 2 <= last - first <= 9
        await trio.sleep(86_400)
        assert len(rig.stripe.looked) == last


async def test_with_nothing_to_look_at_the_store_is_asked_once_a_minute() -> None:
    rig = Rig()
    asked = 0

    class Counting(MemoryOrders):
        async def checkouts(self, *, now: datetime, limit: int) -> tuple[OpenCheckout, ...]:
            nonlocal asked
            asked += 1
            return await super().checkouts(now=now, limit=limit)

    rig.store = Counting(MemoryDatabase(now=rig.world.now).connect())
    async with rig.open():
        await trio.sleep(3_600)
    assert 59 <= asked <= 61


async def test_a_checkout_is_looked_at_when_its_time_comes() -> None:
    rig = Rig()
    async with rig.open():
        await trio.sleep(45)
        await rig.save()
        await trio.sleep(LOOK_FIRST_SECONDS - 0.1)
        assert rig.stripe.looked == []
        await trio.sleep(0.2)
        assert rig.stripe.looked == ["cs_1"]


async def test_a_rail_that_is_back_is_asked_when_its_pause_is_over() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("503", retry_after_seconds=37)
    async with rig.open():
        await rig.save()
        await trio.sleep(LOOK_FIRST_SECONDS + 1)
        rig.stripe.failure = None
        assert len(rig.stripe.looked) == 1
        await trio.sleep(37)
        assert len(rig.stripe.looked) == 2


async def test_only_a_few_are_looked_at_at_a_time() -> None:
    rig = Rig()
    rig.stripe.slow_seconds = 25
    async with rig.open():
        for number in range(1, 21):
            await rig.save(number)
        await trio.sleep(400)
        assert rig.stripe.looking_max == AT_A_TIME_MAX
        assert set(rig.stripe.looked) == {f"cs_{number}" for number in range(1, 21)}


async def test_a_rail_that_is_away_is_left_alone_and_holds_nobody_up() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("503")
    async with rig.open():
        for number in range(1, 11):
            await rig.save(number)
        await rig.save(11, rail=Rail.YOOKASSA)
        await trio.sleep(130)
        assert rig.yookassa.looked == ["cs_11"]
        assert len(rig.stripe.looked) <= 2 * AT_A_TIME_MAX
        seen = await rig.store.checkouts(now=NOON + timedelta(days=1), limit=99)
        assert {each.looks for each in seen if each.rail is Rail.STRIPE} == {0}
        rig.stripe.failure = None
        await trio.sleep(1_200)
        assert set(rig.stripe.looked) >= {f"cs_{number}" for number in range(1, 11)}


async def test_a_rail_is_left_alone_for_as_long_as_it_asks() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("429", retry_after_seconds=3_000)
    async with rig.open():
        await rig.save()
        await trio.sleep(2_900)
        assert len(rig.stripe.looked) == 1


@pytest.mark.parametrize("state", [State.GRANTED, State.REFUNDED, State.HELD, State.LATE])
async def test_a_settled_order_is_not_looked_at(state: State) -> None:
    rig = Rig()
    async with rig.open():
        await rig.save(state=state, sold=ORDER.price, paid_at=NOON)
        await trio.sleep(500)
        assert rig.stripe.looked == []
        far = NOON + timedelta(days=999)
        assert await rig.store.checkouts(now=far, limit=9) == ()


async def test_a_rail_that_is_not_configured_any_more_is_dropped() -> None:
    rig = Rig()
    async with rig.open():
        await rig.save(rail=Rail.NOWPAYMENTS)
        await trio.sleep(500)
        assert await rig.store.checkouts(now=NOON + timedelta(days=999), limit=9) == ()


def test_late_money_is_looked_for_a_while() -> None:
    checkout = OpenCheckout(
        order_id=ORDER.order_id,
        rail=Rail.STRIPE,
        checkout_id="cs",
        state=State.EXPIRED,
        expires_at=NOON,
        looks=3,
    )
    assert not is_over(checkout, now=NOON + timedelta(seconds=LATE_SECONDS - 1))
    assert is_over(checkout, now=NOON + timedelta(seconds=LATE_SECONDS))
    assert is_over(replace(checkout, state=State.PAID), now=NOON)


def test_pauses_grow_up_to_a_quarter_of_a_day() -> None:
    assert look_seconds(0) == 60
    assert look_seconds(1) == 90
    assert look_seconds(1_000_000) == LOOK_MAX_SECONDS
