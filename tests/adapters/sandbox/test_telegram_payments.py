"""Invoices: what Telegram takes, asks, charges and gives back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing

from adapters.sandbox.telegram import PROVIDER_TOKEN, TelegramSandbox
from adapters.sandbox.telegram_payments import TOO_OLD
from adapters.sandbox.telegram_user import CannotDo
from tests.adapters.sandbox.calls import Bot, virtual_now

STARS: dict[str, Any] = {
    "title": "VIP access",
    "description": "For a month",
    "payload": "order-42",
    "provider_token": "",
    "currency": "XTR",
    "prices": [{"label": "VIP", "amount": 100}],
}
DOLLARS = STARS | {
    "provider_token": PROVIDER_TOKEN,
    "currency": "usd",
    "prices": [{"label": "VIP", "amount": 1900}, {"label": "VAT", "amount": 99}],
}


def world() -> tuple[TelegramSandbox, Bot]:
    sandbox = TelegramSandbox(now=virtual_now)
    sandbox.user(7, "Ada").commands("/start")
    return sandbox, Bot(sandbox)


async def answered(sandbox: TelegramSandbox, bot: Bot, **answer: object) -> None:
    """The bot answers whoever asks, once he has."""
    await trio.testing.wait_all_tasks_blocked()
    (waiting,) = [q for q in sandbox.payments.queries.values() if q.ok is None]
    await bot("answerPreCheckoutQuery", pre_checkout_query_id=waiting.id, **answer)


async def paid(sandbox: TelegramSandbox, bot: Bot, link: str = "", user_id: int = 7) -> str:
    """He pays, and the bot lets him; the charge's id."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sandbox.user(user_id).pays, link)
        await answered(sandbox, bot, ok=True)
    return list(sandbox.payments.charges)[-1]


async def test_a_payment_is_asked_about_made_and_told() -> None:
    sandbox, bot = world()
    link = await bot("createInvoiceLink", **STARS)
    charge = await paid(sandbox, bot, link)
    _, asked, told = sandbox.world.updates.waiting(9)

    assert link.startswith("https://t.me/$")
    query = asked["pre_checkout_query"]
    assert (query["from"]["id"], query["currency"], query["total_amount"]) == (7, "XTR", 100)
    assert query["invoice_payload"] == "order-42"
    message = told["message"]
    assert (message["from"]["id"], message["chat"]["id"]) == (7, 7)
    payment = message["successful_payment"]
    assert payment.pop("provider_payment_charge_id")
    assert payment == {
        "currency": "XTR",
        "total_amount": 100,
        "invoice_payload": "order-42",
        "telegram_payment_charge_id": charge,
    }


async def test_a_provider_is_paid_the_sum_of_the_prices() -> None:
    sandbox, bot = world()
    charge = await paid(sandbox, bot, await bot("createInvoiceLink", **DOLLARS))
    invoice = sandbox.payments.charges[charge].invoice
    assert (invoice.currency, invoice.total_amount) == ("USD", 1999)


async def test_an_invoice_in_a_chat_is_paid_by_its_button() -> None:
    sandbox, bot = world()
    sent = await bot("sendInvoice", chat_id=7, **STARS)
    assert sent["invoice"]["total_amount"] == 100
    assert sent["reply_markup"]["inline_keyboard"][0][0]["pay"] is True
    assert await paid(sandbox, bot)
    with pytest.raises(CannotDo):
        sandbox.user(8).starts_paying("")


async def test_a_link_can_be_passed_on_and_paid_again() -> None:
    sandbox, bot = world()
    link = await bot("createInvoiceLink", **STARS)
    first = await paid(sandbox, bot, link)
    second = await paid(sandbox, bot, link, user_id=8)
    assert first != second
    assert [charge.payer.id for charge in sandbox.payments.charges.values()] == [7, 8]


async def test_a_refused_payment_does_not_happen() -> None:
    sandbox, bot = world()
    link, told = await bot("createInvoiceLink", **STARS), []

    async def try_to_pay() -> None:
        with pytest.raises(CannotDo) as error:
            await sandbox.user(7).pays(link)
        told.append(str(error.value))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(try_to_pay)
        await answered(sandbox, bot, ok=False, error_message="Sold out")
    assert told == ["Sold out"]
    assert sandbox.payments.charges == {}


async def test_after_ten_seconds_nobody_waits_any_more() -> None:
    sandbox, bot = world()
    link = await bot("createInvoiceLink", **STARS)
    with pytest.raises(CannotDo, match="10 s"):
        await sandbox.user(7).pays(link)
    assert trio.current_time() == pytest.approx(10)
    (query,) = sandbox.payments.queries.values()
    await trio.sleep(0.1)
    late = await bot.refused("answerPreCheckoutQuery", pre_checkout_query_id=query.id, ok=True)
    assert late == (400, f"Bad Request: {TOO_OLD}")


async def test_a_query_is_answered_once_and_with_a_reason() -> None:
    sandbox, bot = world()
    query = sandbox.user(7).starts_paying(await bot("createInvoiceLink", **STARS))
    answer = {"pre_checkout_query_id": query.id}
    assert (await bot.refused("answerPreCheckoutQuery", ok=False, **answer))[0] == 400
    assert await bot("answerPreCheckoutQuery", ok=True, **answer)
    assert (await bot.refused("answerPreCheckoutQuery", ok=True, **answer))[0] == 400
    assert (await bot.refused("answerPreCheckoutQuery", ok=True))[0] == 400


async def test_stars_go_back_once_and_the_bot_is_told() -> None:
    sandbox, bot = world()
    charge = await paid(sandbox, bot, await bot("createInvoiceLink", **STARS))
    wrong = {"user_id": 8, "telegram_payment_charge_id": charge}
    right = wrong | {"user_id": 7}

    assert "CHARGE_ID_INVALID" in (await bot.refused("refundStarPayment", **wrong))[1]
    assert await bot("refundStarPayment", **right) is True
    assert "CHARGE_ALREADY_REFUNDED" in (await bot.refused("refundStarPayment", **right))[1]
    told = sandbox.world.updates.waiting(9)[-1]["message"]
    assert told["chat"]["id"] == 7
    assert told["refunded_payment"]["telegram_payment_charge_id"] == charge


async def test_only_stars_are_given_back_this_way() -> None:
    sandbox, bot = world()
    charge = await paid(sandbox, bot, await bot("createInvoiceLink", **DOLLARS))
    asked = {"user_id": 7, "telegram_payment_charge_id": charge}
    assert (await bot.refused("refundStarPayment", **asked))[0] == 400


async def test_transactions_are_listed_oldest_first() -> None:
    sandbox, bot = world()
    link = await bot("createInvoiceLink", **STARS)
    charges = []
    for _ in range(3):
        charges.append(await paid(sandbox, bot, link))
        await trio.sleep(1)
    await paid(sandbox, bot, await bot("createInvoiceLink", **DOLLARS))
    await bot("refundStarPayment", user_id=7, telegram_payment_charge_id=charges[0])

    async def listed(**page: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await bot("getStarTransactions", **page))["transactions"]
        return found

    everything = await listed()
    assert [entry["id"] for entry in everything] == [*charges, charges[0]]
    assert everything[0]["source"]["invoice_payload"] == "order-42"
    assert everything[3]["receiver"]["user"]["id"] == 7
    assert await listed(offset=1, limit=2) == everything[1:3]
    assert await listed(offset=4) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "MEDIA_INVALID"),
        ({"title": "x" * 33}, "MEDIA_INVALID"),
        ({"description": ""}, "MEDIA_INVALID"),
        ({"description": "x" * 256}, "MEDIA_INVALID"),
        ({"payload": ""}, "INVOICE_PAYLOAD_INVALID"),
        ({"payload": "ї" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"prices": [{"label": "a", "amount": 1}] * 2}, "STARS_INVOICE_INVALID"),
        ({"is_flexible": True}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "a", "amount": 100_001}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"currency": "USD"}, "PAYMENT_PROVIDER_INVALID"),
        ({"currency": "USD", "provider_token": "1:TEST:2"}, "PAYMENT_PROVIDER_INVALID"),
        ({"currency": "US"}, "CURRENCY_INVALID"),
        ({"prices": None}, "prices"),
        ({"prices": []}, "prices"),
        ({"prices": [5]}, "labeled price"),
        ({"prices": [{"amount": 5}]}, "label"),
        ({"prices": [{"label": "a", "amount": 1.5}]}, "amount"),
        ({"prices": [{"label": "a", "amount": True}]}, "amount"),
    ],
)
async def test_what_telegram_does_not_take_is_refused(fields: dict[str, Any], words: str) -> None:
    _, bot = world()
    for method in ("createInvoiceLink", "sendInvoice"):
        status, description = await bot.refused(method, chat_id=7, **(STARS | fields))
        assert status == 400
        assert words in description


async def test_prices_may_come_as_text() -> None:
    _, bot = world()
    assert await bot("createInvoiceLink", **STARS | {"prices": json.dumps(STARS["prices"])})
