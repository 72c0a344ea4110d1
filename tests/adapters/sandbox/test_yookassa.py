"""The sandbox keeps YooKassa's habits; the vendor's own library is at home in it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import trio

from adapters.sandbox.server import Request, serve
from adapters.sandbox.yookassa import KEY_LIFE, SECRET_KEY, SHOP_ID, YooKassaSandbox
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.sandbox.shop import Listening

FIELDS = {
    "amount": {"value": "990.00", "currency": "RUB"},
    "capture": True,
    "confirmation": {"type": "redirect", "return_url": "https://shop.example"},
    "metadata": {"order_id": "42"},
}


async def ask(
    sandbox: YooKassaSandbox,
    method: str,
    path: str,
    fields: object = None,
    *,
    key: str = "key-1",
    secret: str = SECRET_KEY,
) -> tuple[int, Any]:
    """Status and body of one request."""
    basic = base64.b64encode(f"{SHOP_ID}:{secret}".encode()).decode()
    response = await sandbox(
        Request(
            method=method,
            path=f"/v3{path}",
            headers={"authorization": f"Basic {basic}", "idempotence-key": key},
            body=b"" if fields is None else json.dumps(fields).encode(),
        )
    )
    assert response is not None
    return response.status, json.loads(response.body)


async def opened(sandbox: YooKassaSandbox, *, key: str = "key-1", **changes: object) -> str:
    status, payment = await ask(sandbox, "POST", "/payments", FIELDS | changes, key=key)
    assert (status, payment["status"]) == (200, "pending")
    return str(payment["id"])


@dataclass
class Shop:
    """A payment, and what the shop is told of it."""

    sandbox: YooKassaSandbox
    listening: Listening
    payment_id: str

    async def told(self) -> list[str]:
        await self.sandbox.deliveries.settled()
        return [body["event"] for body in self.listening.bodies]


@asynccontextmanager
async def shop(listening: Listening | None = None, *, capture: bool = True) -> AsyncIterator[Shop]:
    sandbox, listening = YooKassaSandbox(now=virtual_now), listening or Listening()
    async with serve(listening) as url, sandbox.deliveries:
        sandbox.webhooks_to(f"{url}/v1/payments/webhook")
        yield Shop(sandbox, listening, await opened(sandbox, capture=capture))


async def test_a_payment_in_one_step_is_told_once_and_unsigned() -> None:
    async with shop() as at:
        at.sandbox.pay(at.payment_id)
        assert await at.told() == ["payment.succeeded"]
        _, payment = await ask(at.sandbox, "GET", f"/payments/{at.payment_id}")
        (body,) = at.listening.bodies
        assert body == {"type": "notification", "event": "payment.succeeded", "object": payment}
        assert "x-yookassa-signature" not in at.listening.got[0].headers
    assert (payment["status"], payment["paid"], payment["test"]) == ("succeeded", True, True)
    assert payment["income_amount"] == {"value": "955.35", "currency": "RUB"}
    assert payment["metadata"] == {"order_id": "42"}


async def test_a_payment_in_two_steps_waits_to_be_taken() -> None:
    async with shop(capture=False) as at:
        at.sandbox.pay(at.payment_id)
        await at.told()
        path = f"/payments/{at.payment_id}"
        assert (await ask(at.sandbox, "POST", f"{path}/capture", {}, key="key-2"))[0] == 200
        assert await at.told() == ["payment.waiting_for_capture", "payment.succeeded"]
        status, error = await ask(at.sandbox, "POST", f"{path}/cancel", {}, key="key-3")
        assert (status, error["code"]) == (400, "invalid_request")
    async with shop(capture=False) as at:
        at.sandbox.pay(at.payment_id)
        await at.told()
        path = f"/payments/{at.payment_id}/cancel"
        _, payment = await ask(at.sandbox, "POST", path, {}, key="key-2")
        assert payment["cancellation_details"]["reason"] == "canceled_by_merchant"
        assert await at.told() == ["payment.waiting_for_capture", "payment.canceled"]


async def test_banks_refuse_and_payers_stay_away() -> None:
    async with shop() as at:
        at.sandbox.cancel(at.payment_id)
        with pytest.raises(ValueError, match="canceled"):
            at.sandbox.pay(at.payment_id)
        other = await opened(at.sandbox, key="key-2")
        at.sandbox.expire(other)
        assert await at.told() == ["payment.canceled"] * 2
    reasons = {
        (p["cancellation_details"]["party"], p["cancellation_details"]["reason"])
        for p in at.sandbox.payments.values()
    }
    assert reasons == {
        ("payment_network", "insufficient_funds"),
        ("yoo_money", "expired_on_confirmation"),
    }


async def test_refunds_are_objects_of_their_own_and_never_more_than_was_paid() -> None:
    async with shop() as at:
        at.sandbox.pay(at.payment_id)
        first = at.sandbox.refund(at.payment_id, "90.00")
        amount = {"value": "400.00", "currency": "RUB"}
        wanted = {"payment_id": at.payment_id, "amount": amount}
        status, second = await ask(at.sandbox, "POST", "/refunds", wanted, key="r2")
        assert (status, second["status"]) == (200, "succeeded")
        assert second["id"] != first
        _, again = await ask(at.sandbox, "POST", "/refunds", wanted, key="r2")
        assert again == second
        status, error = await ask(
            at.sandbox, "POST", "/refunds", wanted | {"amount": FIELDS["amount"]}, key="r3"
        )
        assert (status, error["parameter"]) == (400, "amount.value")
        assert sorted(await at.told()) == ["payment.succeeded", *["refund.succeeded"] * 2]
        _, refund = await ask(at.sandbox, "GET", f"/refunds/{first}")
        _, payment = await ask(at.sandbox, "GET", f"/payments/{at.payment_id}")
    assert (refund["payment_id"], refund["amount"]["value"]) == (at.payment_id, "90.00")
    assert payment["refunded_amount"]["value"] == "490.00"


async def test_only_a_200_ends_the_seven_attempts_of_a_day() -> None:
    answers = [201, 204, 302, 404, 500, 503, 400]
    async with shop(Listening(answers=answers)) as at:
        at.sandbox.pay(at.payment_id)
        await at.told()
        assert at.listening.at == [0, 32, 74, 158, 662, 5366, 86006]
        assert not at.sandbox.deliveries.sendings[0].delivered
    async with shop(Listening(answers=[202, 200])) as at:
        at.sandbox.pay(at.payment_id)
        assert len(await at.told()) == 2
        assert at.sandbox.deliveries.sendings[0].delivered


async def test_a_late_notification_tells_what_was_then() -> None:
    async with shop(Listening(answers=[500]), capture=False) as at:
        at.sandbox.pay(at.payment_id)
        await trio.sleep(1)
        await ask(at.sandbox, "POST", f"/payments/{at.payment_id}/capture", {}, key="key-2")
        assert await at.told() == [
            *["payment.waiting_for_capture", "payment.succeeded", "payment.waiting_for_capture"]
        ]
        assert at.listening.bodies[2]["object"]["status"] == "waiting_for_capture"


async def test_a_key_names_one_result_for_a_day() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    first = await opened(sandbox)
    assert await opened(sandbox) == first
    status, error = await ask(sandbox, "POST", "/payments", FIELDS | {"capture": False})
    assert (status, error["description"]) == (400, "Duplicate idempotence key")
    assert await opened(sandbox, key="key-2") != first
    await trio.sleep(KEY_LIFE.total_seconds())
    assert await opened(sandbox) != first
    assert len(sandbox.payments) == 3


async def test_the_first_result_is_repeated_even_when_the_object_has_moved_on() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    sandbox.pay(await opened(sandbox))
    assert await opened(sandbox) in sandbox.payments  # still "pending" in that answer


async def test_work_that_is_not_finished_or_forgotten_was_done_once() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    sandbox.processing_next(1)
    status, body = await ask(sandbox, "POST", "/payments", FIELDS)
    assert (status, body) == (202, {"type": "processing", "retry_after": 1800})
    sandbox.forget_next(1)
    assert (await ask(sandbox, "POST", "/payments", FIELDS))[0] == 500
    payment_id = await opened(sandbox)
    assert list(sandbox.payments) == [payment_id]


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"amount": {"value": 990, "currency": "RUB"}}, "amount.value"),
        ({"amount": {"value": "990", "currency": "RUB"}}, "amount.value"),
        ({"amount": {"value": "0.00", "currency": "RUB"}}, "amount.value"),
        ({"amount": None}, "amount.value"),
        ({"amount": {"value": "1.00", "currency": "rubles"}}, "amount.currency"),
        ({"confirmation": {"type": "embedded"}}, "confirmation.type"),
        ({"confirmation": {"type": "redirect"}}, "confirmation.return_url"),
        ({"description": "x" * 129}, "description"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"metadata": {"n": 5}}, "metadata.n"),
        ({"metadata": {"n": "x" * 513}}, "metadata.n"),
        ({"metadata": {"n" * 33: "x"}}, f"metadata.{'n' * 32}"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(
    changes: dict[str, object], parameter: str
) -> None:
    sandbox = YooKassaSandbox()
    status, error = await ask(sandbox, "POST", "/payments", FIELDS | changes)
    assert (status, error["type"], error["code"]) == (400, "error", "invalid_request")
    assert error["parameter"] == parameter
    assert not sandbox.payments


async def test_keys_and_credentials_are_required() -> None:
    sandbox = YooKassaSandbox()
    status, error = await ask(sandbox, "POST", "/payments", FIELDS, key="")
    assert (status, error["description"]) == (400, "Idempotence key is empty")
    assert (await ask(sandbox, "POST", "/payments", FIELDS, key="k" * 65))[0] == 400
    status, error = await ask(sandbox, "GET", "/payments/1", secret="wrong")
    assert (status, error["code"]) == (401, "invalid_credentials")
    for path in ("/payments/1", "/refunds/1", "/nothing"):
        status, error = await ask(sandbox, "GET", path)
        assert (status, error["code"]) == (404, "not_found")
    for path in ("/payments/1/capture", "/nothing"):
        assert (await ask(sandbox, "POST", path, {}))[0] == 404
    assert (await ask(sandbox, "POST", "/payments", []))[0] == 400


async def test_faults_come_in_turn() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    sandbox.fail_next(1, 429, kind="GET payments/*")
    payment_id = await opened(sandbox)
    status, error = await ask(sandbox, "GET", f"/payments/{payment_id}")
    assert (status, error["code"], error["retry_after"]) == (429, "too_many_requests", 1800)
    sandbox.hang_next(1, 5)
    assert (await ask(sandbox, "GET", f"/payments/{payment_id}"))[0] == 200
    assert trio.current_time() == pytest.approx(5)
    assert sandbox.calls == {"POST payments": 1, "GET payments/*": 2}


async def test_nothing_is_sent_without_an_address() -> None:
    sandbox = YooKassaSandbox()
    sandbox.pay(await opened(sandbox))
    assert sandbox.deliveries.sendings == []
