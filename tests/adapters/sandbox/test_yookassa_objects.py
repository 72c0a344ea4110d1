"""The objects have the fields that the vendor documents, and its library reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.sandbox import yookassa_objects as objects
from adapters.sandbox.yookassa_objects import Refused
from tests.adapters.sandbox.test_yookassa import FIELDS
from tests.adapters.yookassa.samples import CANCELED, PAID, REFUND

NOW = datetime(2026, 11, 20, 10, 51, 18, 139_000, UTC)
RUB = {"value": "990.00", "currency": "RUB"}


def a_payment() -> dict[str, Any]:
    return objects.new_payment(FIELDS, number=1, shop_id="100500", now=NOW)


def paid() -> dict[str, Any]:
    payment = a_payment()
    objects.held(payment, now=NOW)
    objects.captured(payment, now=NOW)
    return payment


def test_a_paid_payment_has_the_documented_fields() -> None:
    payment = paid()
    assert payment.keys() == PAID.keys()
    for name in ("amount", "income_amount", "refunded_amount", "created_at"):
        assert payment[name] == PAID[name]
    assert payment["payment_method"].keys() == PAID["payment_method"].keys()


def test_a_cancelled_one_too() -> None:
    payment = a_payment()
    objects.canceled(payment, party="yoo_money", reason="expired_on_confirmation")
    assert payment.keys() - {"description"} == CANCELED.keys()
    assert payment["cancellation_details"] == CANCELED["cancellation_details"]


def test_a_held_one_ends_by_itself() -> None:
    payment = a_payment()
    objects.held(payment, now=NOW)
    assert payment["expires_at"] == "2026-11-27T10:51:18.139Z"
    assert "confirmation" not in payment


def test_refunds_add_up_to_what_was_paid() -> None:
    payment = paid()
    first = objects.new_refund(payment, RUB | {"value": "90.00"}, number=2, now=NOW)
    assert first.keys() == REFUND.keys()
    assert (payment["refunded_amount"]["value"], payment["refundable"]) == ("90.00", True)
    with pytest.raises(Refused, match="more than"):
        objects.new_refund(payment, RUB | {"value": "900.01"}, number=3, now=NOW)
    objects.new_refund(payment, RUB | {"value": "900.00"}, number=3, now=NOW)
    assert (payment["refunded_amount"]["value"], payment["refundable"]) == ("990.00", False)
    for wrong in (a_payment(), paid() | {"amount": {"value": "1.00", "currency": "USD"}}):
        with pytest.raises(Refused, match="cannot be refunded"):
            objects.new_refund(wrong, RUB, number=4, now=NOW)


def test_ids_look_like_ids_and_differ() -> None:
    ids = {objects.object_id(name) for name in "abc"}
    assert len(ids) == 3
    assert all(len(identity) == 36 for identity in ids)
