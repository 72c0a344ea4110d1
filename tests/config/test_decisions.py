"""What an operator types about orders, against the operator API itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from actors.kernel.ids import OrderId
from actors.kernel.money import Money
from actors.payments import messages as payments
from actors.payments.orders import Order, State
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.orders import order_routes
from adapters.memory.orders import MemoryOrders
from adapters.memory.refunds import MemoryRefunds
from runtime import Actor
from runtime.testing import running
from runtime.world import RealWorld
from tests.actors.payments.orders import NOON, charge, order
from tests.adapters.http.wire import serving
from tests.config.program import ended

TOKEN = "a token of twenty-four characters"
Question = payments.Accept | payments.Dismiss | payments.GiveBack


class Judge(Actor[Question]):
    """Hears every decision, and refuses one about an order that is disputed."""

    def __init__(self, heard: list[Question], disputed: OrderId) -> None:
        super().__init__()
        self._heard, self._disputed = heard, disputed

    def on_receive(self, message: Question) -> payments.Done | payments.Refused:
        self._heard.append(message)
        if message.order_id == self._disputed:
            return payments.Refused(why="the payer's bank has\nit")
        return payments.Done(state="paid")


class Shop:
    """A running shop, as far as it is asked; `run` types a command."""

    def __init__(self, url: str, folder: Path, orders: list[Order]) -> None:
        self.url, self._folder, self.orders = url, folder, orders
        self.heard: list[Question] = []

    async def run(self, *typed: str) -> tuple[int, str, str]:
        """In the folder of the shop, where its `.env` says how to reach it."""
        told = f"HTTP_BIND={self.url.removeprefix('http://')}\nOPERATOR_TOKEN='{TOKEN}'\n"
        (self._folder / ".env").write_text(f"{told}TIME_ZONE=Europe/Kyiv\n", "utf-8")
        return await ended(*typed, folder=self._folder)


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[Shop]:
    """It has two orders for a person: one late, one disputed."""
    store, refunds = MemoryOrders(), MemoryRefunds()
    orders = [
        order(
            state,
            charge(),
            order_id=OrderId(f"{number:032x}"),
            created_at=NOON + timedelta(seconds=number),
            title="Gig\x1b[31m",
        )
        for number, state in enumerate((State.LATE, State.DISPUTED))
    ]
    for each in orders:
        await store.save(each)
    async with running(world=RealWorld()) as system:
        shop = Shop("", folder, orders)
        judge = system.spawn(lambda: Judge(shop.heard, orders[1].order_id))
        operators = Operators(token=TOKEN, loopback=True)
        routes = order_routes(
            store, refunds, operators, purchases=lambda _chat_id: judge, clerk=judge
        )
        async with serving(application(routes)) as served:
            shop.url = f"http://127.0.0.1:{served.port}"
            yield shop


@pytest.mark.process
async def test_an_operator_finds_what_waits_and_decides(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        late, disputed = shop.orders
        status, out, err = await shop.run("report", "orders", "--json")
        assert (status, err) == (0, "")
        assert out.count("\n") == 1
        listed = json.loads(out)["orders"]
        assert [each["concern"] for each in listed] == ["late", "disputed"]

        status, out, _ = await shop.run("report", "orders", "--limit", "1")
        assert (status, out.count("\n")) == (0, 2)
        header, row = out.splitlines()
        assert header.split() == [
            "order", "concern", "state", "rail", "price", "kept", "created", "product",
        ]  # fmt: skip
        assert row.split()[:5] == [late.order_id, "late", "late", "stripe", "10.00"]
        assert "\x1b" not in out

        status, out, _ = await shop.run("report", "order", late.order_id.upper())
        assert status == 0
        assert "state:        late\n" in out
        assert "created at:   2026-11-21 14:00:00 UTC+2\n" in out
        assert "None" not in out

        status, out, _ = await shop.run("replay", "accept", late.order_id, "--why", "a friend")
        assert (status, out) == (0, f"{late.order_id} paid\n")
        assert shop.heard == [
            payments.Accept(order_id=late.order_id, who="operator", why="a friend")
        ]

        typed = ("replay", "refund", late.order_id, "--why", "x", "--total", "4", "--charge", "pi")
        assert (await shop.run(*typed))[0] == 0
        told = shop.heard[-1]
        assert isinstance(told, payments.GiveBack)
        assert (told.total, told.payment_id) == (Money.of("4", "USD"), "pi")

        status, out, err = await shop.run("replay", "dismiss", disputed.order_id, "--why", "lost")
        assert (status, out, err) == (1, "", "the payer's bank has it\n")


@pytest.mark.process
async def test_what_makes_no_sense_changes_nothing(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        late = shop.orders[0].order_id
        for typed, status in (
            (("replay", "accept", "../prune", "--why", "x"), 2),
            (("replay", "accept", late), 2),
            (("replay", "accept", "f" * 32, "--why", "x"), 1),
            (("replay", "refund", late, "--why", "x", "--total", "much"), 1),
            (("report", "order", "f" * 32), 1),
            (("report", "orders", "--limit", "0"), 2),
        ):
            assert (await shop.run(*typed))[0] == status, typed
        assert shop.heard == []
