"""A YooKassa sandbox moved from another process."""

from __future__ import annotations

import pytest

from adapters.sandbox.yookassa import YooKassaSandbox
from adapters.sandbox.yookassa_control import controlled
from tests.adapters.sandbox.calls import ask_control, virtual_now
from tests.adapters.sandbox.test_yookassa import FIELDS, ask, opened


async def test_a_payer_pays_and_the_shop_refunds_from_afar() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    app = controlled(sandbox)
    one, two, three = [await opened(sandbox, key=key) for key in "abc"]

    assert await ask_control(app, "POST", "/_control/pay", {"payment_id": one}) == (200, None)
    refunded = {"payment_id": one, "value": "1.00"}
    status, refund_id = await ask_control(app, "POST", "/_control/refund", refunded)
    assert (status, list(sandbox.refunds)) == (200, [refund_id])
    await ask_control(app, "POST", "/_control/expire", {"payment_id": two})
    cancelled = {"payment_id": three, "reason": "fraud_suspected"}
    await ask_control(app, "POST", "/_control/cancel", cancelled)
    _, payments = await ask_control(app, "GET", "/_control/payments")
    assert [payment["status"] for payment in payments] == ["succeeded", "canceled", "canceled"]


async def test_deliveries_and_faults_are_switched_from_afar() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    app = controlled(sandbox)
    await ask_control(app, "POST", "/_control/webhooks_to", {"url": "http://127.0.0.1:9/"})
    await ask_control(app, "POST", "/_control/deliveries/lose_next", {"times": 1})
    await ask_control(app, "POST", "/_control/processing_next", {"times": 1})
    assert (await ask(sandbox, "POST", "/payments", FIELDS))[0] == 202
    payment_id = await opened(sandbox)
    async with sandbox.deliveries:
        sandbox.pay(payment_id)
        await sandbox.deliveries.settled()
        resent = {"name": f"payment.succeeded:{payment_id}"}
        assert await ask_control(app, "POST", "/_control/resend", resent) == (200, True)
        await sandbox.deliveries.settled()
    _, counters = await ask_control(app, "GET", "/_control/counters")
    assert counters == {"calls": {"POST payments": 2}, "sent": 2, "delivered": 0, "attempts": 14}


@pytest.mark.parametrize(
    ("verb", "fields", "status"),
    [
        ("pay", {"payment_id": "none"}, 400),
        ("pay", {}, 400),
        ("refund", {"payment_id": "none"}, 400),
        ("resend", {"name": "x"}, 400),
        ("deliveries/send", {}, 404),
        ("rob", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_an_answer(
    verb: str, fields: dict[str, object], status: int
) -> None:
    app = controlled(YooKassaSandbox())
    got, answer = await ask_control(app, "POST", f"/_control/{verb}", fields)
    assert got == status
    assert answer["error"]


async def test_too_large_a_refund_is_an_answer_too() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    payment_id = await opened(sandbox)
    sandbox.pay(payment_id)
    wanted = {"payment_id": payment_id, "value": "990.01"}
    status, answer = await ask_control(controlled(sandbox), "POST", "/_control/refund", wanted)
    assert (status, answer["error"]) == (400, "Refund amount is more than what is left")
