"""Telegram's own payments, as reports."""

from __future__ import annotations

from typing import Any

import pytest

from actors.kernel.charges import Rail, Standing
from actors.kernel.ids import UpdateId
from actors.kernel.money import Money
from actors.payments.messages import PaymentReceived, PaymentRefunded
from actors.payments.telegram import report_of
from actors.sessions.messages import Profile
from tests.actors.payments.orders import NOON, ORDER

PAID = PaymentReceived(
    update_id=UpdateId(1),
    profile=Profile(first_name="Anna"),
    charge_id="charge",
    currency="XTR",
    total_amount=100,
    payload=ORDER.order_id,
    at=NOON,
)


def test_a_payment_is_known_by_its_charge_and_never_by_its_payload() -> None:
    report = report_of(PAID, live=True)
    assert (report.payment_id, report.order_id) == ("charge", ORDER.order_id)
    assert (report.rail, report.standing) == (Rail.STARS, Standing.PAID)
    assert (report.amount, report.live, report.at) == (Money.of("100", "XTR"), True, NOON)
    assert report.refunded is None


def test_other_currencies_came_through_a_provider() -> None:
    card = PaymentReceived(**{**_fields(), "currency": "USD", "total_amount": 499, "payload": "?"})
    report = report_of(card, live=False)
    assert (report.rail, report.amount) == (Rail.TELEGRAM, Money.of("4.99", "USD"))
    assert (report.order_id, report.live) == (None, False)


def test_a_refund_is_of_the_whole() -> None:
    report = report_of(PaymentRefunded(**_fields()), live=True)
    assert (report.standing, report.amount) == (Standing.REFUNDED, report.refunded)


def test_what_is_no_money_is_refused() -> None:
    with pytest.raises(ValueError, match="currency"):
        report_of(PaymentReceived(**{**_fields(), "currency": "???"}), live=True)


def _fields() -> dict[str, Any]:
    return {name: getattr(PAID, name) for name in PAID.__dataclass_fields__}
