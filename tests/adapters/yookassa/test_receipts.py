"""What a fiscal receipt says, and that a payment carries it only where the shop wants one."""

from __future__ import annotations

import pytest
from yookassa.domain.models.receipt_data.receipt_item import PaymentMode  # type: ignore[import-untyped]
from yookassa.domain.request.payment_request import PaymentRequest  # type: ignore[import-untyped]

from actors.kernel.money import Money
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.yookassa import SECRET_KEY, SHOP_ID, YooKassaSandbox
from adapters.yookassa.checkout import YooKassaCheckout
from adapters.yookassa.client import YooKassaClient
from adapters.yookassa.receipts import MODE, Receipts
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.yookassa.test_checkout import OFFER

RECEIPTS = Receipts(email="receipts@shop.test", vat_code=1, subject="service")


class Recorder(YooKassaSandbox):
    """Remembers what it was sent."""

    sent = b""

    async def __call__(self, request: Request) -> Response | None:
        self.sent = request.body
        return await super().__call__(request)


def test_a_receipt_names_one_thing_at_its_price() -> None:
    assert RECEIPTS.of("VIP " * 60, Money.of("990", "RUB")) == {
        "customer": {"email": "receipts@shop.test"},
        "items": [
            {
                "description": ("VIP " * 60)[:128],
                "quantity": "1.00",
                "amount": {"value": "990.00", "currency": "RUB"},
                "vat_code": 1,
                "payment_subject": "service",
                "payment_mode": "full_payment",
            }
        ],
    }


def test_the_vendors_own_library_reads_it() -> None:
    fields = {
        "amount": {"value": "990.00", "currency": "RUB"},
        "receipt": RECEIPTS.of("VIP", Money.of("990", "RUB")),
    }
    (item,) = PaymentRequest(fields).receipt.items
    assert (item.vat_code, item.payment_mode) == (1, PaymentMode.FULL_PAYMENT)
    assert PaymentMode.FULL_PAYMENT == MODE


@pytest.mark.parametrize("receipts", [RECEIPTS, None])
async def test_a_payment_carries_it_where_the_shop_wants_one(receipts: Receipts | None) -> None:
    sandbox = Recorder(now=virtual_now)
    async with (
        serve(sandbox) as url,
        YooKassaClient(url=f"{url}/v3", shop_id=SHOP_ID, secret_key=SECRET_KEY) as client,
    ):
        checkout = YooKassaCheckout(client=client, receipts=receipts)
        assert await checkout.open(OFFER) == await checkout.open(OFFER)
    assert (b'"receipt"' in sandbox.sent) is (receipts is not None)
