"""The tree on the page is the tree that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import trio

from actors.debounce.model import Patience
from actors.kernel.charges import Payment, Rail, Standing
from actors.kernel.ids import ChatId, OrderId, PaymentId, RecordId
from actors.kernel.money import Money
from actors.tracker.messages import OrderPaymentChanged, PaymentStatus, PaymentStatusChanged
from adapters.memory.relay import MemoryDestination
from config import topology as page
from config.relay import RelayParts
from config.topology import topology
from runtime import ChildSpec, KeyedSpec, SupervisorSpec
from tests.actors.payments.shop import CATALOGUE
from tests.stories.memory_shop import MemoryShop
from tests.stories.phone import Phone

Spec = SupervisorSpec | ChildSpec | KeyedSpec


async def test_the_children_start_in_the_order_in_which_they_need_each_other() -> None:
    tree = topology(_relaying())

    assert tree.strategy == "one_for_one"
    assert [child.name for child in tree.children] == [
        "http", "observer", "store", "tracker", "inspector", "sessions", "purchases",
        "courier", "delivery", "relay", "pre-checkout", "refunds", "reconciler", "auditor", "rails",
        "webhooks", "menu", "gateway",
    ]  # fmt: skip


async def test_whoever_loses_letters_takes_along_whoever_tells_them_again() -> None:
    (delivery,) = [c for c in topology(MemoryShop(seed=0)).children if c.name == "delivery"]

    assert isinstance(delivery, SupervisorSpec)
    assert delivery.strategy == "rest_for_one"
    names = [child.name for child in delivery.children]
    assert names == [
        "dispatcher", "broadcaster", "alarms", "order-alarms", "notices",
    ]  # fmt: skip


async def test_without_an_administrator_nobody_is_told_of_payments() -> None:
    shop = MemoryShop(seed=0)
    shop.admin_chat_id = None
    assert "notices" not in {spec.name for spec in _all(topology(shop))}


async def test_without_a_webhook_nothing_is_collected() -> None:
    assert "relay" not in {spec.name for spec in _all(topology(MemoryShop(seed=0)))}


async def test_a_lost_server_does_not_take_its_connections_along() -> None:
    (store,) = [c for c in topology(MemoryShop(seed=0)).children if c.name == "store"]

    assert isinstance(store, SupervisorSpec)
    assert store.strategy == "one_for_one"


async def test_the_drawing_names_the_children_and_strategies_of_the_tree() -> None:
    drawn = re.findall(r"^(?:│   )*[├└]── ([\w-]+)", page.__doc__ or "", re.MULTILINE)
    told = re.findall(r"([\w-]+) +(one_for_\w+|rest_for_one|keyed) ", page.__doc__ or "")
    tree = topology(_relaying())
    names = [spec.name for spec in _all(tree) if spec is not tree]

    # See test_wiring.
    of_store = {"postgres", "writer", "reader-1", "reader-2", "pulse", "reporter"}
    assert [name for name in drawn if name not in of_store] == [
        name for name in names if name not in of_store
    ]
    for name, strategy in told:
        (spec,) = [spec for spec in _all(tree) if spec.name == name.removesuffix("/<chat>")]
        found = "keyed" if isinstance(spec, KeyedSpec) else getattr(spec, "strategy", None)
        assert found == strategy, name


async def test_a_payment_wakes_the_session_of_its_chat_and_no_other() -> None:
    shop = MemoryShop(seed=0)
    async with shop.process() as system:
        system.events.publish(
            PaymentStatusChanged(
                record_id=RecordId(1), chat_id=ChatId(7), status=PaymentStatus.PAID
            )
        )
        await system.settle()

        assert [cell.name for cell in system.region("root/sessions").cells()] == ["7"]


async def test_money_for_an_order_wakes_the_purchases_of_its_chat_and_no_other() -> None:
    shop, usd = MemoryShop(seed=0), Money.of("19.99", "USD")
    payment = Payment(
        rail=Rail.STRIPE, payment_id=PaymentId("pi_1"), standing=Standing.PAID, received=usd,
        refunded=usd - usd, disputed=usd - usd, reinstated=usd - usd, fee=None, live=False,
        order_id=OrderId("f" * 32),
        chat_id=ChatId(7), parent=None, version=1, news_version=1,
    )  # fmt: skip
    async with shop.process() as system:
        system.events.publish(
            OrderPaymentChanged(order_id=OrderId("f" * 32), chat_id=ChatId(7), payment=payment)
        )
        await system.settle()

        assert [cell.name for cell in system.region("root/purchases").cells()] == ["7"]
        assert not system.region("root/sessions").cells()


async def test_where_something_is_on_sale_people_can_find_out() -> None:
    for products in ((), CATALOGUE.products):
        shop, sells = MemoryShop(seed=0), bool(products)
        shop.catalogue = replace(CATALOGUE, products=products)
        async with shop.process():
            phone = Phone(shop, 7)
            phone.commands("/start")
            await phone.sees("Which language")
            phone.commands("/help")
            await phone.sees("/status – where things stand")
            assert any("/buy – " in said.text for said in phone.shown.values()) is sells
        assert ("buy" in shop.menu.commands) is sells
        assert "status" in shop.menu.commands


async def test_everybody_stops_within_the_time_of_the_system() -> None:
    shop = MemoryShop(seed=0)
    async with shop.process():
        await trio.sleep(60)
        began = trio.current_time()

    assert trio.current_time() - began < 1.0


def _relaying() -> MemoryShop:
    shop = MemoryShop(seed=0)
    shop.relay = RelayParts(destination=MemoryDestination(), patience=Patience())
    return shop


def _all(spec: Spec) -> Iterator[Spec]:
    yield spec
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield from _all(child)
