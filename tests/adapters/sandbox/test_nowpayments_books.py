"""What the sandbox says and signs, beside what NOWPayments documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.sandbox.nowpayments_books import (
    Invoice,
    Payment,
    coins_for,
    dumps,
    ipn_signature,
    plain,
    told,
)
from tests.adapters.nowpayments.vectors import SECRET, VECTORS, signed

NOON = datetime(2026, 11, 21, 12, 0, 1, 500_000, UTC)
INVOICE = Invoice(
    invoice_id=7,
    created_at=NOON,
    price_amount=Decimal("49.90"),
    price_currency="usd",
    pay_currency=None,
    echo={"order_id": "42", "order_description": 'Доступ "VIP"', "ipn_callback_url": None},
)


def a_payment() -> Payment:
    return Payment(
        payment_id=9,
        invoice=INVOICE,
        purchase_id="8",
        pay_currency="trx",
        pay_amount=Decimal("399.2"),
        created_at=NOON,
        updated_at=NOON,
        actually_paid=Decimal("399.2"),
    )


@pytest.mark.parametrize("name", ["N1", "N4", "N5"])
def test_documents_are_signed_as_the_contract_has_it(name: str) -> None:
    body, canonical, signature = VECTORS[name]
    document = json.loads(body, parse_float=Decimal)
    assert dumps(document, is_sorted=True) == canonical
    assert ipn_signature(document, SECRET) == signature


def test_what_is_sent_is_what_is_signed() -> None:
    document = a_payment().as_ipn()
    body = dumps(document)
    assert ipn_signature(document, SECRET) == signed(body)
    assert dumps(document, is_sorted=True) != body


def test_a_notification_has_the_fields_that_the_vendor_lists() -> None:
    listed = json.loads(VECTORS["N1"][0])
    said = a_payment().as_ipn()
    assert said.keys() == listed.keys()
    assert said["fee"].keys() == listed["fee"].keys()  # type: ignore[attr-defined]
    assert a_payment().as_json()["updated_at"] == "2026-11-21T12:00:01.500Z"


def test_an_invoice_answers_with_texts() -> None:
    answer = INVOICE.as_json()
    assert (answer["id"], answer["price_amount"]) == ("7", "49.9")
    assert answer["invoice_url"] == "https://nowpayments.io/payment/?iid=7"


def test_coins_are_rounded_up_to_their_last_digit() -> None:
    assert coins_for(Decimal("49.90"), "usd", "trx") == Decimal("399.2")
    assert coins_for(Decimal(1), "usd", "btc") == Decimal("0.000015")
    with pytest.raises(KeyError):
        coins_for(Decimal(1), "usd", "doge")


def test_amounts_have_no_exponent_and_no_zeros_behind() -> None:
    amounts = ("100", "1.50", "0.000001", "0")
    assert [plain(Decimal(text)) for text in amounts] == ["100", "1.5", "0.000001", "0"]
    assert told(NOON) == "2026-11-21T12:00:01.500Z"
