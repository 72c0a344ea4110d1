"""Providers are asked, slowly, about what they forgot to tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import trio

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import OrderId, ProductId
from actors.operations import messages as operations
from actors.payments.looks import (
    LATE_SECONDS,
    LOOK_FIRST_SECONDS,
    SETTLED_SECONDS,
    LookLimits,
    MoreToRead,
    OpenCheckout,
)
from actors.payments.messages import RailAnswered
from actors.payments.orders import Order, State
from actors.payments.ports import Charges, Till
from actors.payments.reconciler import (
    COMPONENT,
    OVERDUE_WARN_SECONDS,
    PAGE_MAX,
    PAUSE_MAX_SECONDS,
    Reconciler,
)
from actors.tracker import messages as tracker
from adapters.memory.database import MemoryDatabase
from adapters.memory.orders import MemoryOrders
from runtime import VirtualWorld
from runtime.testing import Probe, TestSystem, running
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


RAILS = tuple(Rail)


class Rig:
    def __init__(self) -> None:
        self.world = VirtualWorld(epoch=NOON)
        self.store = MemoryOrders(MemoryDatabase(now=self.world.now).connect())
        self.stripe, self.yookassa, self.tracker = Provider(), Provider(), Probe()
        self.reports = Probe()
        self.charges: Charges | None = None
        """Of YooKassa, one by one."""

    def reported(self) -> tuple[str, float]:
        """The status and how late it was, as it was reported last."""
        report = self.reports.told[-1]
        (late,) = report.measurements
        return report.status, late.value

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TestSystem]:
        tills = {
            Rail.STRIPE: Till(rail=Rail.STRIPE, checkout=self.stripe, currencies=(USD,)),
            Rail.YOOKASSA: Till(
                rail=Rail.YOOKASSA, checkout=self.yookassa, currencies=(USD,), charges=self.charges
            ),
        }
        async with running(world=self.world) as system:
            system.events.subscribe(operations.Reported, self.reports)
            system.spawn(lambda: Reconciler(store=self.store, tills=tills, tracker=self.tracker))
            yield system

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
        async def checkouts(
            self, rails: Collection[Rail], *, now: datetime, limit: int
        ) -> tuple[OpenCheckout, ...]:
            nonlocal asked
            asked += 1
            return await super().checkouts(rails, now=now, limit=limit)

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
        await trio.sleep(LOOK_FIRST_SECONDS + 55)
        assert sorted(rig.stripe.looked) == sorted(set(rig.stripe.looked))
        await trio.sleep(285)
        assert rig.stripe.looking_max == LookLimits().at_a_time
        assert set(rig.stripe.looked) == {f"cs_{number}" for number in range(1, 21)}


async def test_a_rail_that_is_away_is_left_alone_and_holds_nobody_up() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("503")
    async with rig.open():
        for number in range(1, 11):
            await rig.save(number)
        await rig.save(11, rail=Rail.YOOKASSA)
        await trio.sleep(100)
        assert rig.yookassa.looked == ["cs_11"]
        assert len(rig.stripe.looked) <= LookLimits().at_a_time + 2
        seen = await rig.store.checkouts(RAILS, now=NOON + timedelta(days=1), limit=99)
        assert {each.looks for each in seen if each.rail is Rail.STRIPE} == {0}
        rig.stripe.failure = None
        rig.stripe.looked.clear()
        await trio.sleep(1_200)
        assert set(rig.stripe.looked) >= {f"cs_{number}" for number in range(1, 11)}


async def test_a_key_that_a_look_is_refused_is_told_once_and_so_is_its_return() -> None:
    rig, answers = Rig(), Probe()
    rig.stripe.failure = KeyRefused("401")
    async with rig.open() as system:
        system.events.subscribe(RailAnswered, answers)
        await rig.save()
        await trio.sleep(600)
        refused = RailAnswered(rail=Rail.STRIPE, product_id=None, detail="401", key_refused=True)
        assert answers.told == [refused]
        rig.stripe.failure = Unavailable("503")
        await trio.sleep(3_600)
        assert answers.told == [refused]
        rig.stripe.failure = None
        await trio.sleep(3_600)
        assert answers.told == [refused, RailAnswered(rail=Rail.STRIPE, product_id=None)]


async def test_a_rail_is_left_alone_for_as_long_as_it_asks() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("429", retry_after_seconds=3_000)
    async with rig.open():
        await rig.save()
        await trio.sleep(2_900)
        assert len(rig.stripe.looked) == 1


async def test_a_settled_order_is_looked_at_soon_and_then_ever_less_often() -> None:
    rig = Rig()
    settled = (State.GRANTED, State.REFUNDED, State.HELD, State.LATE)
    async with rig.open():
        for number, state in enumerate(settled):
            await rig.save(number, state=state, sold=ORDER.price, paid_at=NOON)
        for days, looks in ((0.5, 1), (1.5, 2), (2.4, 2), (4.5, 3)):
            await trio.sleep(days * 86_400 - trio.current_time())
            assert Counter(rig.stripe.looked) == {f"cs_{n}": looks for n in range(len(settled))}


async def test_a_settled_order_is_looked_at_until_nothing_can_become_of_it() -> None:
    rig = Rig()
    async with rig.open():
        old = NOON - timedelta(seconds=SETTLED_SECONDS - 86_400)
        await rig.save(state=State.GRANTED, sold=ORDER.price, paid_at=old, expires_at=old)
        await trio.sleep(86_300)
        assert len(rig.stripe.looked) == 1
        await trio.sleep(200)
        assert len(rig.stripe.looked) == 2
        assert await rig.store.next_look() is None


async def test_whoever_was_paid_meanwhile_is_looked_at_once_more_and_soon() -> None:
    """Its fee is told to whoever looks after it was paid; the webhook came during a look."""
    rig = Rig()
    async with rig.open():
        order = await rig.save()
        rig.stripe.slow_seconds = 5
        await trio.sleep(LOOK_FIRST_SECONDS + 3)
        assert rig.stripe.looking == 1
        await rig.store.save(
            replace(order, version=2, state=State.PAID, sold=ORDER.price, paid_at=NOON)
        )
        await trio.sleep(LOOK_FIRST_SECONDS + 10)
        assert rig.stripe.looked == ["cs_1"] * 2
        await trio.sleep(40_000)
        assert rig.stripe.looked == ["cs_1"] * 2


async def test_who_waits_for_money_comes_before_who_is_settled() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("429", retry_after_seconds=300)
    async with rig.open():
        await rig.save()
        await trio.sleep(LOOK_FIRST_SECONDS + 1)
        rig.stripe.failure = None
        rig.stripe.looked.clear()
        for number in range(2, 20):
            await rig.save(number, state=State.GRANTED, sold=ORDER.price, paid_at=NOON)
        await trio.sleep(1)
        for number in range(20, 20 + PAGE_MAX):
            await rig.save(number)
        await trio.sleep(330)
        assert len(rig.stripe.looked) == PAGE_MAX + 19
        assert {int(each[3:]) < 20 for each in rig.stripe.looked[:PAGE_MAX]} == {False}


async def test_a_rail_that_cannot_be_looked_at_or_is_no_more_is_dropped() -> None:
    rig = Rig()
    rig.yookassa.look_limits = None
    async with rig.open():
        for number in range(1, PAGE_MAX + 20):
            await rig.save(number, rail=Rail.YOOKASSA)
        await rig.save(999, rail=Rail.NOWPAYMENTS)
        await trio.sleep(LOOK_FIRST_SECONDS + 30)
        assert rig.yookassa.looked == []
        assert await rig.store.next_look() is None


async def test_one_look_follows_the_other_at_the_pace_of_the_provider() -> None:
    rig = Rig()
    rig.stripe.look_limits = LookLimits(at_a_time=1, pace_seconds=2)
    rig.stripe.slow_seconds = 0.5
    async with rig.open():
        for number in range(1, 61):
            await rig.save(number)
        await trio.sleep(LOOK_FIRST_SECONDS + 10)
        before = len(rig.stripe.looked)
        await trio.sleep(40)
        assert len(rig.stripe.looked) - before == 20
        assert rig.stripe.looking_max == 1


async def test_a_slow_rail_holds_nobody_up() -> None:
    rig = Rig()
    rig.stripe.slow_seconds = 150
    async with rig.open():
        for number in range(1, 40):
            await rig.save(number)
        await trio.sleep(100)
        await rig.save(99, rail=Rail.YOOKASSA)
        await trio.sleep(LOOK_FIRST_SECONDS + 15)
        assert rig.yookassa.looked == ["cs_99"]
        await trio.sleep(LOOK_FIRST_SECONDS + 4 * 150 - 10 - trio.current_time())
        assert sorted(rig.stripe.looked) == sorted(f"cs_{number}" for number in range(1, 40))


async def test_looks_that_fail_together_are_one_failure() -> None:
    rig = Rig()
    rig.stripe.failure = Unavailable("503")
    async with rig.open():
        for number in range(1, 11):
            await rig.save(number)
        await trio.sleep(LOOK_FIRST_SECONDS + 1)
        assert len(rig.stripe.looked) == 10
        rig.stripe.failure = None
        await trio.sleep(60)
        assert len(rig.stripe.looked) >= 20


async def test_a_rail_with_more_to_tell_has_not_failed() -> None:
    rig = Rig()
    rig.stripe.failure = MoreToRead("there is more to read")
    async with rig.open():
        await rig.save()
        await trio.sleep(LOOK_FIRST_SECONDS + 601)
        assert len(rig.stripe.looked) >= 55
        rig.stripe.failure, rig.stripe.reports = None, (REPORT,)
        await trio.sleep(15)
        assert rig.tracker.told == [tracker.Observed(report=REPORT)]


async def test_how_late_it_is_is_reported() -> None:
    rig = Rig()
    async with rig.open():
        await rig.save()
        await trio.sleep(300)
        assert {each.component for each in rig.reports.told} == {COMPONENT}
        assert {each.status for each in rig.reports.told} == {"pass"}
        assert rig.reported() == ("pass", 0)
        rig.stripe.failure = Unavailable("503", retry_after_seconds=9 * 3_600)
        for number in range(2, 40):
            await rig.save(number)
        await trio.sleep(OVERDUE_WARN_SECONDS)
        assert rig.reported()[0] == "pass"
        await trio.sleep(300)
        status, late = rig.reported()
        assert status == "warn"
        assert OVERDUE_WARN_SECONDS < late < OVERDUE_WARN_SECONDS + 300
        assert "should have been looked at" in rig.reports.told[-1].output
        rig.stripe.failure = None
        await trio.sleep(9 * 3_600)
        assert rig.reported() == ("pass", 0)


def test_the_longest_pause_is_no_warning() -> None:
    assert PAUSE_MAX_SECONDS * 1.25 + PAGE_MAX * 1.0 < OVERDUE_WARN_SECONDS
