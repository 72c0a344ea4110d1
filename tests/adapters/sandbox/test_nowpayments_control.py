"""A NOWPayments sandbox moved from another process."""

from __future__ import annotations

import pytest

from adapters.sandbox.nowpayments import NowPaymentsSandbox
from adapters.sandbox.nowpayments_control import controlled
from tests.adapters.sandbox.calls import ask_control, virtual_now
from tests.adapters.sandbox.test_nowpayments import ask

FIELDS = {"price_amount": 5, "price_currency": "usd", "ipn_callback_url": "http://127.0.0.1:9/"}


async def test_a_payer_pays_from_afar() -> None:
    sandbox = NowPaymentsSandbox(now=virtual_now)
    app = controlled(sandbox)
    _, invoice = await ask(sandbox, "POST", "/v1/invoice", FIELDS)

    chosen = {"invoice_id": invoice["id"], "coin": "trx"}
    _, payment_id = await ask_control(app, "POST", "/_control/choose", chosen)
    paid = {"payment_id": payment_id, "share": "0.5"}
    assert await ask_control(app, "POST", "/_control/pay", paid) == (200, payment_id)
    _, (payment,) = await ask_control(app, "GET", "/_control/payments")
    assert (payment["payment_status"], payment["actually_paid"]) == ("partially_paid", 20)

    moved = {"payment_id": payment_id, "status": "refunded"}
    assert (await ask_control(app, "POST", "/_control/move", moved))[0] == 200
    assert (await ask_control(app, "POST", "/_control/expire", {"payment_id": payment_id}))[
        0
    ] == 200
    assert sandbox.payments[payment_id].history[-2:] == ["refunded", "expired"]


async def test_deliveries_and_faults_are_switched_from_afar() -> None:
    sandbox = NowPaymentsSandbox(now=virtual_now)
    app = controlled(sandbox)
    await ask_control(app, "POST", "/_control/deliveries/lose_next", {"times": 1})
    await ask_control(app, "POST", "/_control/fail_next", {"times": 1, "status": 500})
    assert (await ask(sandbox, "POST", "/v1/invoice", FIELDS))[0] == 500
    _, invoice = await ask(sandbox, "POST", "/v1/invoice", FIELDS)
    async with sandbox.deliveries:
        payment_id = sandbox.choose(invoice["id"])
        await sandbox.deliveries.settled()
        resent = {"name": f"{payment_id}:waiting"}
        assert await ask_control(app, "POST", "/_control/resend", resent) == (200, True)
        await sandbox.deliveries.settled()
    _, counters = await ask_control(app, "GET", "/_control/counters")
    assert counters == {"calls": {"invoice": 2}, "sent": 2, "delivered": 0, "attempts": 8}


@pytest.mark.parametrize(
    ("verb", "fields", "status"),
    [
        ("pay", {"payment_id": 1}, 400),
        ("pay", {}, 400),
        ("choose", {"invoice_id": "x"}, 400),
        ("resend", {"name": "1:finished"}, 400),
        ("deliveries/send", {}, 404),
        ("rob", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_an_answer(
    verb: str, fields: dict[str, object], status: int
) -> None:
    app = controlled(NowPaymentsSandbox())
    got, answer = await ask_control(app, "POST", f"/_control/{verb}", fields)
    assert got == status
    assert answer["error"]
