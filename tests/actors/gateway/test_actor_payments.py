"""Whom the gateway tells of purchases, and who does not wait for the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import trio

from actors.gateway.messages import UpdateParked
from actors.gateway.model import Entry
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from actors.payments import messages as payments
from adapters.memory.gateway import MemoryInbox
from runtime.testing import running
from tests.actors.gateway.world import World, text

ADA = {"id": 7, "first_name": "Ada", "language_code": "uk"}
PAID = {
    "currency": "XTR",
    "total_amount": 100,
    "invoice_payload": "0123456789abcdef0123456789abcdef",
    "telegram_payment_charge_id": "stx_1",
    "provider_payment_charge_id": "p_1",
}


def service(kind: str, **changes: Any) -> dict[str, Any]:
    """A service message about a payment."""
    message = {"message_id": 1, "date": 1_767_225_600, "chat": {"id": 7, "type": "private"}}
    return {"message": {**message, "from": ADA, kind: PAID | changes}}


def asked(**changes: Any) -> dict[str, Any]:
    """Telegram asks whether a payment may go ahead."""
    query = {"id": "q1", "from": ADA, **PAID, **changes}
    del query["telegram_payment_charge_id"]
    return {"pre_checkout_query": query}


class AwayInbox(MemoryInbox):
    """A store that does not answer."""

    async def add(self, *_args: Any, **_options: Any) -> frozenset[UpdateId]:
        await trio.sleep(30)
        raise Unavailable("the database is away")


@pytest.mark.parametrize("command", ["/buy", "/orders", "/paysupport", "/BUY@shop_bot vip"])
async def test_commands_of_purchases_reach_the_purchases_of_the_chat(command: str) -> None:
    world = World()
    async with running() as system:
        world.start(system)
        world.updates.push(text(command))
        chat_id, heard = await world.purchases.expect(tuple)
    assert (chat_id, heard.name) == (7, command.lstrip("/").split("@")[0].lower())
    assert world.sessions.told == []


async def test_a_payment_reaches_the_purchases_with_its_charge() -> None:
    world = World()
    async with running() as system:
        world.start(system)
        world.updates.push(service("successful_payment"))
        world.updates.push(service("refunded_payment", currency="USD", total_amount=1999))
        _, paid = await world.purchases.expect(tuple)
        _, back = await world.purchases.expect(tuple)
    assert isinstance(paid, payments.PaymentReceived)
    assert (paid.charge_id, paid.currency, paid.total_amount) == ("stx_1", "XTR", 100)
    assert paid.payload == PAID["invoice_payload"]
    assert paid.at == datetime(2026, 1, 1, tzinfo=UTC)
    assert paid.profile.language_code == "uk"
    assert isinstance(back, payments.PaymentRefunded)
    assert (back.currency, back.total_amount) == ("USD", 1999)


async def test_a_button_of_an_order_reaches_the_purchases_and_no_other_does() -> None:
    world = World()
    async with running() as system:
        world.start(system)
        for data in ("p:show:1", "save:3"):
            callback = {"id": "c1", "from": ADA, "data": data}
            world.updates.push({"callback_query": callback})
        _, pressed = await world.purchases.expect(tuple)
        _, other = await world.sessions.expect(tuple)
    assert (pressed.data, other.data) == ("p:show:1", "save:3")


async def test_who_is_about_to_pay_is_asked_about_before_anything_is_stored() -> None:
    world = World()
    world.inbox = AwayInbox()
    async with running() as system:
        world.start(system)
        world.updates.push(text("hello"))
        world.updates.push(asked())
        question = await world.pre_checkout.expect(payments.PreCheckoutAsked, within=1)
        assert trio.current_time() < 10
        assert world.sessions.told == []
    assert (question.query_id, question.chat_id) == ("q1", 7)
    assert (question.currency, question.total_amount) == ("XTR", 100)


async def test_a_question_that_was_stored_is_asked_about_once() -> None:
    world = World()
    async with running() as system:
        world.start(system)
        world.updates.push(asked())
        await world.pre_checkout.expect(payments.PreCheckoutAsked)
        await world.pre_checkout.expect_none(within=5)
    assert (await world.inbox.counts()).unhandled == 1, "whoever answers it finishes it"


async def test_an_unanswered_question_is_asked_about_again_after_a_restart() -> None:
    world = World()
    body = '{"update_id": 5, "pre_checkout_query": {"id": "q", "from": {"id": 7}, "currency": "XTR"'
    entry = Entry(
        UpdateId(5), f'{body}, "total_amount": 1, "invoice_payload": "x"}}}}', chat_id=None
    )
    async with running() as system:
        await world.inbox.add([entry], batch_id=system.world.uuid(), at=system.world.now())
        world.start(system)
        question = await world.pre_checkout.expect(payments.PreCheckoutAsked)
    assert question.query_id == "q"


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "xtr"}, {"currency": "XTRX"}, {"total_amount": -1}, {"total_amount": 1.5},
        {"total_amount": True}, {"telegram_payment_charge_id": ""},
        {"telegram_payment_charge_id": "x" * 257}, {"telegram_payment_charge_id": "a b"},
    ],
)  # fmt: skip
async def test_a_payment_that_is_none_is_parked_for_a_person(changes: dict[str, Any]) -> None:
    world = World()
    async with running() as system:
        world.start(system)
        world.updates.push(service("successful_payment", **changes))
        parked = await world.parked.expect(UpdateParked)
    assert "malformed" in parked.reason
    assert world.purchases.told == []
