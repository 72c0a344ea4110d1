"""The sandbox keeps NOWPayments' habits, the bad ones included."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import trio

from actors.ingress.model import Delivery, Event, SourceName
from adapters.nowpayments.reports import Reader
from adapters.nowpayments.source import NowPaymentsSource
from adapters.sandbox.nowpayments import (
    API_KEY,
    EMAIL,
    IPN_SECRET,
    PASSWORD,
    TOKEN_LIFE,
    NowPaymentsSandbox,
)
from adapters.sandbox.server import Request, serve
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.sandbox.shop import Listening

USD = {"price_amount": 5, "price_currency": "usd"}
SOURCE = NowPaymentsSource(secrets=(IPN_SECRET,), reader=Reader(live=False))


async def ask(
    sandbox: NowPaymentsSandbox,
    method: str,
    path: str,
    fields: object = None,
    *,
    query: str = "",
    **headers: str,
) -> tuple[int, Any]:
    """Status and body of one request, with the API key unless another is given."""
    response = await sandbox(
        Request(
            method=method,
            path=path,
            query=query,
            headers={"x-api-key": API_KEY} | {k.replace("_", "-"): v for k, v in headers.items()},
            body=b"" if fields is None else json.dumps(fields).encode(),
        )
    )
    assert response is not None
    return response.status, json.loads(response.body)


@dataclass
class Shop:
    """An invoice of 49.90 USD, and what the shop is told of it."""

    sandbox: NowPaymentsSandbox
    listening: Listening
    invoice_id: str

    @property
    def statuses(self) -> list[str]:
        return [body["payment_status"] for body in self.listening.bodies]

    async def told(self) -> list[str]:
        await self.sandbox.deliveries.settled()
        return self.statuses


@asynccontextmanager
async def shop(
    *, listening: Listening | None = None, ipn_secret: str = IPN_SECRET
) -> AsyncIterator[Shop]:
    sandbox = NowPaymentsSandbox(now=virtual_now, ipn_secret=ipn_secret)
    listening = listening or Listening()
    async with serve(listening) as url, sandbox.deliveries:
        fields = {
            "price_amount": 49.9,
            "price_currency": "usd",
            "order_id": "42",
            "ipn_callback_url": f"{url}/webhooks/nowpayments",
        }
        status, invoice = await ask(sandbox, "POST", "/v1/invoice", fields)
        assert status == 200
        yield Shop(sandbox, listening, invoice["id"])


async def one_by_one(at: Shop, *moves: str, payment_id: int) -> None:
    for status in moves:
        at.sandbox.move(payment_id, status)
        await at.sandbox.deliveries.settled()


async def test_a_payment_goes_its_way_and_every_step_is_told_and_signed() -> None:
    async with shop() as at:
        payment_id = at.sandbox.choose(at.invoice_id, "ton")
        await at.sandbox.deliveries.settled()
        assert at.sandbox.pay(payment_id) == payment_id
        told = await at.told()
        _, read = await ask(at.sandbox, "GET", f"/v1/payment/{payment_id}")
    assert told[0] == "waiting"
    assert sorted(told[1:]) == ["confirmed", "confirming", "finished", "sending"]
    assert at.sandbox.payments[payment_id].history == [
        *["waiting", "confirming", "confirmed", "sending", "finished"]
    ]
    for request in at.listening.got:
        delivery = Delivery(
            source=SourceName.NOWPAYMENTS, headers=request.headers, body=request.body, peer=""
        )
        assert isinstance(SOURCE.verify(delivery, now=virtual_now()), Event)
    assert read["payment_status"] == "finished"
    assert read["actually_paid"] == read["pay_amount"] == 9.072728
    assert read["order_id"] == "42"


async def test_too_few_coins_are_partially_paid_and_the_rest_is_another_payment() -> None:
    async with shop() as at:
        payment_id = at.sandbox.choose(at.invoice_id)
        at.sandbox.pay(payment_id, share="0.4")
        rest = at.sandbox.pay(payment_id, share="0.6")
        await at.told()
    first, second = at.sandbox.payments[payment_id], at.sandbox.payments[rest]
    assert (first.status, str(first.actually_paid)) == ("partially_paid", "159.680000")
    assert (second.status, second.parent_payment_id) == ("finished", payment_id)
    assert second.purchase_id == first.purchase_id
    last = [body for body in at.listening.bodies if body["payment_id"] == rest]
    assert {body["parent_payment_id"] for body in last} == {payment_id}
    assert "waiting" not in {body["payment_status"] for body in last}


async def test_more_coins_are_all_of_them() -> None:
    async with shop() as at:
        payment_id = at.sandbox.choose(at.invoice_id)
        at.sandbox.pay(payment_id, share="1.5")
        assert at.sandbox.payments[payment_id].as_ipn()["payment_status"] == "finished"
        assert str(at.sandbox.payments[payment_id].actually_paid) == "598.800000"


async def test_nobody_is_told_that_a_payment_expired_and_late_coins_find_a_new_one() -> None:
    async with shop() as at:
        payment_id = at.sandbox.choose(at.invoice_id)
        at.sandbox.expire(payment_id)
        assert await at.told() == ["waiting"]
        late = at.sandbox.pay(payment_id)
        assert late != payment_id
        assert at.sandbox.payments[payment_id].status == "expired"
        assert at.sandbox.payments[late].parent_payment_id == payment_id


async def test_a_payment_may_stop_anywhere_and_go_anywhere() -> None:
    async with shop() as at:
        payment_id = at.sandbox.choose(at.invoice_id)
        at.sandbox.pay(payment_id, until="confirmed")
        assert at.sandbox.payments[payment_id].status == "confirmed"
        await at.told()
        await one_by_one(at, "failed", "refunded", payment_id=payment_id)
        assert at.statuses[-2:] == ["failed", "refunded"]


async def test_what_is_not_accepted_is_repeated_a_minute_apart() -> None:
    async with shop(listening=Listening(answers=[500, 302, 404, 503, 200])) as at:
        at.sandbox.choose(at.invoice_id)
        await at.told()
        assert at.listening.at == [0, 60, 120, 180]
        assert not at.sandbox.deliveries.sendings[0].delivered


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_any_2xx_counts(status: int) -> None:
    async with shop(listening=Listening(answers=[status])) as at:
        at.sandbox.choose(at.invoice_id)
        assert await at.told() == ["waiting"]


async def test_an_answer_after_three_seconds_is_none() -> None:
    async with shop(listening=Listening(takes_seconds=3.5)) as at:
        at.sandbox.choose(at.invoice_id)
        assert len(await at.told()) == 4


async def test_notifications_come_twice_and_in_any_order() -> None:
    async with shop() as at:
        payment_id = at.sandbox.choose(at.invoice_id)
        await at.told()
        at.sandbox.deliveries.duplicate_next(1)
        at.sandbox.deliveries.reorder_next(4)
        at.sandbox.pay(payment_id)
        assert await at.told() == [
            *["waiting", "finished", "sending", "confirmed", "confirming", "confirming"]
        ]
        at.sandbox.deliveries.resend(f"{payment_id}:finished")
        assert (await at.told())[-1] == "finished"
        assert at.listening.got[-1].body == at.listening.got[1].body


async def test_without_a_secret_or_an_address_nothing_is_sent() -> None:
    async with shop(ipn_secret="") as at:
        at.sandbox.pay(at.sandbox.choose(at.invoice_id))
        assert await at.told() == []
    sandbox = NowPaymentsSandbox()
    fields = {"price_amount": "5", "price_currency": "eur"}
    _, invoice = await ask(sandbox, "POST", "/v1/invoice", fields)
    sandbox.choose(invoice["id"])
    assert sandbox.deliveries.sendings == []


async def test_one_invoice_may_have_several_payments() -> None:
    async with shop() as at:
        for coin in ("trx", "btc", "eth"):
            at.sandbox.choose(at.invoice_id, coin)
        other = {"price_amount": 5, "price_currency": "usd"}
        _, foreign = await ask(at.sandbox, "POST", "/v1/invoice", other)
        at.sandbox.choose(foreign["id"])
        login = {"email": EMAIL, "password": PASSWORD}
        _, found = await ask(at.sandbox, "POST", "/v1/auth", login)
        bearer = f"Bearer {found['token']}"
        query = f"invoiceId={at.invoice_id}&limit=2&page=1"
        status, page = await ask(
            at.sandbox, "GET", "/v1/payment/", query=query, authorization=bearer
        )
    assert status == 200
    assert [payment["pay_currency"] for payment in page["data"]] == ["eth"]
    assert (page["total"], page["pagesCount"], page["page"]) == (3, 2, 1)


async def test_a_token_lives_for_five_minutes() -> None:
    sandbox = NowPaymentsSandbox(now=virtual_now)
    login = {"email": EMAIL, "password": PASSWORD}
    _, found = await ask(sandbox, "POST", "/v1/auth", login)
    bearer = f"Bearer {found['token']}"
    assert (await ask(sandbox, "GET", "/v1/payment/", authorization=bearer))[0] == 200
    assert (await ask(sandbox, "GET", "/v1/payment/"))[0] == 401
    await trio.sleep(TOKEN_LIFE.total_seconds())
    assert (await ask(sandbox, "GET", "/v1/payment/", authorization=bearer))[0] == 401


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (("GET", "/v1/payment/1"), 404, "PAYMENT_NOT_FOUND"),
        (("GET", "/v1/payment/x"), 404, "PAYMENT_NOT_FOUND"),
        (("GET", "/v1/nothing"), 404, "NOT_FOUND"),
        (("POST", "/v1/auth", {"email": EMAIL}), 403, "INVALID_CREDENTIALS"),
        (("POST", "/v1/invoice", []), 400, "INVALID_REQUEST_PARAMS"),
        (("POST", "/v1/invoice", {"price_amount": 5}), 400, "INVALID_REQUEST_PARAMS"),
        (("POST", "/v1/invoice", USD | {"price_amount": "x"}), 400, "INVALID_REQUEST_PARAMS"),
        (("POST", "/v1/invoice", USD | {"price_amount": True}), 400, "INVALID_REQUEST_PARAMS"),
        (("POST", "/v1/invoice", USD | {"price_amount": -5}), 400, "INVALID_REQUEST_PARAMS"),
        (("POST", "/v1/invoice", USD | {"pay_currency": "doge"}), 400, "INVALID_REQUEST_PARAMS"),
        (("POST", "/v1/invoice", USD | {"price_amount": 0.1}), 400, "AMOUNT_MINIMAL_ERROR"),
    ],
)
async def test_it_refuses_in_nowpayments_words(
    asked: tuple[str, str, object], status: int, code: str
) -> None:
    got, body = await ask(NowPaymentsSandbox(), *asked)
    assert (got, body["statusCode"], body["code"]) == (status, status, code)
    assert body["message"]


@pytest.mark.parametrize(
    ("key", "status", "code"), [("", 401, "AUTH_REQUIRED"), ("wrong", 403, "INVALID_API_KEY")]
)
async def test_it_knows_its_own_key_only(key: str, status: int, code: str) -> None:
    got, body = await ask(NowPaymentsSandbox(), "GET", "/v1/payment/1", x_api_key=key)
    assert (got, body["code"]) == (status, code)


async def test_a_list_is_asked_for_in_numbers() -> None:
    sandbox = NowPaymentsSandbox(now=virtual_now)
    _, found = await ask(sandbox, "POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD})
    bearer = f"Bearer {found['token']}"
    status, _ = await ask(sandbox, "GET", "/v1/payment/", query="limit=-1", authorization=bearer)
    assert status == 400


async def test_its_health_wants_no_key_and_faults_come_in_turn() -> None:
    sandbox = NowPaymentsSandbox()
    sandbox.fail_next(1, 502, kind="status")
    assert (await ask(sandbox, "GET", "/v1/status"))[0] == 502
    assert await ask(sandbox, "GET", "/v1/status", x_api_key="") == (200, {"message": "OK"})
    sandbox.hang_next(1, 5)
    await ask(sandbox, "GET", "/v1/status")
    assert trio.current_time() == pytest.approx(5)
    sandbox.drop_next(1, kind="invoice")
    body = b'{"price_amount":5,"price_currency":"usd"}'
    request = Request(method="POST", path="/v1/invoice", headers={"x-api-key": API_KEY}, body=body)
    assert await sandbox(request) is None
    assert len(sandbox.invoices) == 1
    assert sandbox.calls == {"status": 3, "invoice": 1}
