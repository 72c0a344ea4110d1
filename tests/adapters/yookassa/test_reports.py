"""A payment object is read strictly, and only what has arrived is money."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money
from adapters.yookassa.reports import Unreadable, payment_id, report_of
from tests.adapters.yookassa.samples import CANCELED, PAID, PAYMENT_ID, REFUND


def read(payment: dict[str, Any], **changes: object) -> PaymentReport:
    report = report_of(payment | changes)
    assert report is not None
    return report


def rub(value: str) -> dict[str, str]:
    return {"value": value, "currency": "RUB"}


def test_a_paid_payment() -> None:
    assert read(PAID) == PaymentReport(
        rail=Rail.YOOKASSA,
        payment_id=PaymentId(PAYMENT_ID),
        standing=Standing.PAID,
        amount=Money.of("990.00", "RUB"),
        live=False,
        order_id=OrderId("42"),
        fee=Money.of("34.65", "RUB"),
        at=datetime(2026, 11, 20, 10, 53, 29, 72000, UTC),
    )
    assert read(PAID, test=False).live


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"status": "pending", "paid": False}, Standing.WAITING),
        ({"status": "waiting_for_capture"}, Standing.PROCESSING),
        ({"status": "canceled", "paid": False}, Standing.FAILED),
    ],
)
def test_what_has_not_arrived_is_no_money(changes: dict[str, object], standing: Standing) -> None:
    report = read(PAID, **changes)
    assert (report.standing, report.amount) == (standing, Money.of("0", "RUB"))
    assert (report.fee, report.at) == (None, None)


@pytest.mark.parametrize(
    ("details", "standing"),
    [
        ({"party": "yoo_money", "reason": "expired_on_confirmation"}, Standing.EXPIRED),
        ({"party": "yoo_money", "reason": "expired_on_capture"}, Standing.EXPIRED),
        ({"party": "payment_network", "reason": "insufficient_funds"}, Standing.FAILED),
        ({"party": "nobody", "reason": "something_new"}, Standing.FAILED),
        ({"reason": ["expired_on_capture"]}, Standing.FAILED),
        ({}, Standing.FAILED),
        ("expired_on_capture", Standing.FAILED),
        (None, Standing.FAILED),
    ],
)
def test_a_cancellation_is_somebody_s_decision_or_nobody_s(
    details: object, standing: Standing
) -> None:
    assert read(CANCELED, cancellation_details=details).standing is standing


@pytest.mark.parametrize("value", ["0.01", "500", "990.00"])
def test_what_was_given_back_is_a_total(value: str) -> None:
    report = read(PAID, refunded_amount=rub(value))
    assert report.standing is Standing.REFUNDED
    assert report.amount == Money.of("990.00", "RUB")
    assert report.refunded == Money.of(value, "RUB")
    assert read(PAID, refunded_amount=None).standing is Standing.PAID


@pytest.mark.parametrize(
    "income",
    [None, {"value": "9.00", "currency": "USD"}, {"value": "990.01", "currency": "RUB"}],
)
def test_an_unknown_fee_is_none(income: object) -> None:
    assert read(PAID, income_amount=income).fee is None


@pytest.mark.parametrize("status", ["on_hold", None, 7, ["succeeded"]])
def test_a_status_nobody_knows_says_nothing(status: object) -> None:
    assert report_of(PAID | {"status": status}) is None


@pytest.mark.parametrize("metadata", [None, {}, {"order_id": ""}, {"plan_id": "1"}, "42"])
def test_a_payment_may_have_no_order(metadata: object) -> None:
    assert read(PAID, metadata=metadata).order_id is None


@pytest.mark.parametrize(
    "changes",
    [
        {"paid": False},
        {"paid": "true"},
        {"id": None},
        {"id": "../x"},
        {"test": None},
        {"test": "false"},
        {"amount": None},
        {"amount": "990.00"},
        {"amount": rub("0.00")},
        {"amount": rub("-1.00")},
        {"amount": rub("1e3")},
        {"amount": {"value": 990, "currency": "RUB"}},
        {"amount": {"value": "990.00"}},
        {"amount": {"value": "990.00", "currency": "рубль"}},
        {"refunded_amount": {"value": "1.00", "currency": "USD"}},
        {"refunded_amount": []},
        {"income_amount": rub("much")},
        {"metadata": {"order_id": "a b"}},
        {"metadata": {"order_id": 42}},
    ],
)
def test_what_yookassa_never_says_is_not_guessed(changes: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        report_of(PAID | changes)


def test_a_refund_names_its_payment() -> None:
    assert payment_id(REFUND, "payment_id") == PAYMENT_ID
    with pytest.raises(Unreadable, match="payment_id"):
        payment_id({}, "payment_id")


@pytest.mark.parametrize("told", [None, "soon", 5, "0001-01-01T00:00:00+14:00"])
def test_a_time_that_cannot_be_read_is_none(told: object) -> None:
    assert read(PAID, captured_at=told).at is None
