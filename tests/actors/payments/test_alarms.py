"""Who is woken, when, and what operators hear of orders that wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import trio

from actors.kernel.ids import ChatId, OrderId, ProductId
from actors.operations.messages import Reported
from actors.payments import messages as payments
from actors.payments.alarms import (
    AGAIN_SECONDS,
    COUNT_SECONDS,
    INTERVAL_SECONDS,
    LOOK_SECONDS,
    PAGE_MAX,
    UNGRANTED_WARN_SECONDS,
    OrderAlarms,
)
from actors.payments.orders import Order, State
from adapters.memory.orders import MemoryOrders
from runtime import VirtualWorld
from runtime.testing import KeyedProbe, Probe, running
from tests.actors.payments.orders import NOON, ORDER, usd


def numbered(number: int, **changes: object) -> Order:
    named = {
        "order_id": OrderId(f"{number:032x}"),
        "chat_id": ChatId(number),
        "product_id": ProductId("p"),
        "deadline": NOON,
    }
    return replace(ORDER, **(named | changes))  # type: ignore[arg-type]


async def test_the_due_are_woken_and_again_when_they_stay_so() -> None:
    store, woken = MemoryOrders(), Probe()
    await store.save(numbered(1))
    await store.save(numbered(2, deadline=NOON + timedelta(seconds=30)))
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        system.spawn(lambda: OrderAlarms(store=store, purchases=KeyedProbe(woken)))
        await system.settle()
        assert woken.told == [(1, payments.Due())]
        await trio.sleep(32)
        assert [chat for chat, _ in woken.told] == [1, 2]
        await trio.sleep(AGAIN_SECONDS - 10)
        assert [chat for chat, _ in woken.told] == [1, 2, 1]


async def test_an_order_that_says_by_when_it_is_due_is_woken_at_that_moment() -> None:
    store, woken = MemoryOrders(), Probe()
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        system.spawn(lambda: OrderAlarms(store=store, purchases=KeyedProbe(woken)))
        await trio.sleep(10)
        at = NOON + timedelta(seconds=20)
        await store.save(numbered(1, deadline=at))
        system.events.publish(payments.DueBy(at=at))
        await woken.expect_none(within=9.9)
        await woken.expect(tuple, within=0.2)


async def test_an_order_that_did_not_say_so_is_found_within_a_minute() -> None:
    store, woken = MemoryOrders(), Probe()
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        system.spawn(lambda: OrderAlarms(store=store, purchases=KeyedProbe(woken)))
        await trio.sleep(10)
        await store.save(numbered(1))
        await woken.expect(tuple, within=LOOK_SECONDS)


async def test_a_chat_is_woken_once_for_all_of_its_orders() -> None:
    store, woken = MemoryOrders(), Probe()
    for number in (1, 2, 3):
        await store.save(numbered(number, chat_id=ChatId(7), product_id=ProductId(f"p{number}")))
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        system.spawn(lambda: OrderAlarms(store=store, purchases=KeyedProbe(woken)))
        await system.settle()
    assert woken.told == [(7, payments.Due())]


async def test_the_due_are_woken_page_by_page() -> None:
    store, woken = MemoryOrders(), Probe()
    for number in range(1, PAGE_MAX + 3):
        await store.save(numbered(number))
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        system.spawn(lambda: OrderAlarms(store=store, purchases=KeyedProbe(woken)))
        await system.settle()
        assert len(woken.told) == PAGE_MAX
        await trio.sleep(INTERVAL_SECONDS + 1)
        assert len(woken.told) == PAGE_MAX + 2


async def test_operators_hear_of_paid_orders_that_do_not_arrive() -> None:
    store, heard = MemoryOrders(), Probe()
    paid = numbered(1, state=State.PAID, sold=usd("10"), paid_at=NOON)
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        system.events.subscribe(Reported, heard)
        system.spawn(lambda: OrderAlarms(store=store, purchases=KeyedProbe(Probe())))
        await system.settle()
        assert heard.told[-1].status == "pass"
        await store.save(paid)
        await trio.sleep(UNGRANTED_WARN_SECONDS - 1)
        assert heard.told[-1].status == "pass"
        await trio.sleep(COUNT_SECONDS + 2)
        report = heard.told[-1]
        assert (report.component, report.status) == ("orders", "warn")
        assert "1 paid order has not reached its chat, the oldest for 120 s" in report.output
        figures = {each.name: each.value for each in report.measurements}
        assert figures["ungranted"] == 1
        waited = UNGRANTED_WARN_SECONDS + COUNT_SECONDS
        assert UNGRANTED_WARN_SECONDS < figures["ungranted_oldest_seconds"] <= waited
        await store.save(replace(paid, version=2, state=State.HELD))
        await trio.sleep(COUNT_SECONDS)
        assert "1 order paid late, oddly or taken back waits for a person" in heard.told[-1].output
