"""What Stripe's objects say about a charge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.money import Money
from adapters.stripe import objects, reports
from adapters.stripe.objects import Odd, read
from adapters.stripe.reports import Told, money, units

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TOLD = Told(live=False, at=NOW)
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "status": "succeeded",
    "currency": "usd",
    "amount_received": 1999,
    "metadata": {"order_id": "42"},
}
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "mode": "payment",
    "status": "complete",
    "payment_status": "paid",
    "payment_intent": "pi_1",
    "client_reference_id": "42",
    "amount_total": 1999,
    "currency": "usd",
    "metadata": {},
}
CHARGE: dict[str, Any] = {"id": "ch_1", "amount": 1999, "currency": "usd"}


def session(**fields: object) -> PaymentReport:
    report = reports.of_session(read(SESSION | fields, objects.Session), TOLD)
    assert report is not None
    return report


def intent(**fields: object) -> PaymentReport:
    return reports.of_intent(read(INTENT | fields, objects.PaymentIntent), TOLD)


def test_a_paid_session_and_its_payment_say_the_same() -> None:
    expected = PaymentReport(
        rail=Rail.STRIPE,
        payment_id="pi_1",  # type: ignore[arg-type]
        standing=Standing.PAID,
        amount=Money.of("19.99", "USD"),
        live=False,
        order_id="42",  # type: ignore[arg-type]
        at=NOW,
    )
    assert session() == expected
    assert intent() == expected


@pytest.mark.parametrize(
    ("status", "payment_status", "standing", "amount"),
    [
        ("complete", "paid", Standing.PAID, "19.99"),
        ("complete", "no_payment_required", Standing.PAID, "19.99"),
        ("complete", "unpaid", Standing.PROCESSING, "0"),
        ("expired", "unpaid", Standing.EXPIRED, "0"),
        ("open", "unpaid", Standing.WAITING, "0"),
        (None, "unpaid", Standing.WAITING, "0"),
    ],
)
def test_a_session_stands_as_it_says(
    status: str | None, payment_status: str, standing: Standing, amount: str
) -> None:
    report = session(status=status, payment_status=payment_status)
    assert (report.standing, report.amount) == (standing, Money.of(amount, "USD"))


def test_a_session_without_a_payment_goes_by_its_own_id() -> None:
    assert session(payment_intent=None, payment_status="no_payment_required").payment_id == (
        "cs_test_1"
    )


@pytest.mark.parametrize("mode", ["subscription", "setup"])
def test_other_checkouts_are_no_payment(mode: str) -> None:
    raw = SESSION | {"mode": mode, "currency": None}
    assert reports.of_session(read(raw, objects.Session), TOLD) is None


def test_a_payment_without_a_currency_is_odd() -> None:
    with pytest.raises(Odd):
        session(currency=None)


@pytest.mark.parametrize(
    ("fields", "order"),
    [
        ({"metadata": {"order_id": "a1"}, "client_reference_id": "b2"}, "a1"),
        ({"metadata": None, "client_reference_id": "b2"}, "b2"),
        ({"metadata": {"order_id": 7}, "client_reference_id": "b2"}, "b2"),
        ({"metadata": {}, "client_reference_id": None}, None),
        ({"metadata": {}, "client_reference_id": "two words"}, None),
        ({"metadata": {}, "client_reference_id": "nul\x00"}, None),
        ({"metadata": {}, "client_reference_id": "x" * 65}, None),
    ],
)
def test_the_order_is_the_first_word_that_names_one(
    fields: dict[str, object], order: str | None
) -> None:
    assert session(**fields).order_id == order


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("succeeded", Standing.PAID),
        ("processing", Standing.PROCESSING),
        ("requires_capture", Standing.PROCESSING),
        ("requires_payment_method", Standing.WAITING),
        ("requires_action", Standing.WAITING),
        ("canceled", Standing.FAILED),
        ("something_new", Standing.WAITING),
    ],
)
def test_a_payment_stands_as_it_says(status: str, standing: Standing) -> None:
    assert intent(status=status).standing is standing


def test_what_has_arrived_counts_and_not_what_was_asked_for() -> None:
    assert intent(amount=1999, amount_received=500).amount == Money.of("5", "USD")
    assert intent(amount=1999, amount_received=0).amount == Money.of("0", "USD")


def test_an_expanded_payment_tells_what_was_given_back_and_what_it_cost() -> None:
    booked = {"id": "txn_1", "fee": 88, "currency": "usd"}
    paid = intent(latest_charge=CHARGE | {"balance_transaction": booked})
    back = intent(latest_charge=CHARGE | {"amount_refunded": 500, "balance_transaction": booked})

    assert (paid.standing, paid.fee) == (Standing.PAID, Money.of("0.88", "USD"))
    assert (back.standing, back.payment_id, back.order_id) == (Standing.REFUNDED, "pi_1", "42")
    assert (back.amount, back.refunded) == (Money.of("19.99", "USD"), Money.of("5", "USD"))
    assert back.fee == paid.fee


@pytest.mark.parametrize("booked", [None, "txn_1", {"id": "txn_1", "fee": 88, "currency": "eur"}])
def test_a_fee_in_another_currency_is_not_told(booked: object) -> None:
    assert intent(latest_charge=CHARGE | {"balance_transaction": booked}).fee is None


def test_an_expanded_session_knows_what_became_of_its_payment() -> None:
    refunded = CHARGE | {"amount_refunded": 1999}
    unpaid = {"payment_status": "unpaid"}

    assert session(payment_intent=INTENT).standing is Standing.PAID
    assert session(payment_intent=INTENT | {"latest_charge": refunded}).refunded == (
        Money.of("19.99", "USD")
    )
    for status in ("requires_payment_method", "canceled"):
        late = session(payment_intent=INTENT | {"status": status}, **unpaid)
        assert late.standing is Standing.FAILED
    assert session(payment_intent=INTENT | {"status": "processing"}, **unpaid).standing is (
        Standing.PROCESSING
    )
    again = session(payment_intent=INTENT | {"status": "requires_action"}, **unpaid, status="open")
    assert (again.standing, again.payment_id) == (Standing.WAITING, "pi_1")


def test_an_expanded_session_takes_the_order_from_wherever_it_stands() -> None:
    nowhere = {"metadata": None, "client_reference_id": None}
    assert session(payment_intent=INTENT, **nowhere).order_id == "42"
    assert session(payment_intent=INTENT | {"metadata": {"order_id": "7"}}).order_id == "42"


def test_a_refund_counts_what_was_captured() -> None:
    raw = CHARGE | {"amount_captured": 1500, "amount_refunded": 500, "payment_intent": "pi_1"}
    report = reports.of_charge(read(raw, objects.Charge), TOLD)
    assert (report.payment_id, report.standing) == ("pi_1", Standing.REFUNDED)
    assert (report.amount.minor, report.refunded and report.refunded.minor) == (1500, 500)


def test_a_charge_without_a_payment_goes_by_its_own_id() -> None:
    assert reports.of_charge(read(CHARGE, objects.Charge), TOLD).payment_id == "ch_1"


def test_a_dispute_names_the_payment_or_the_charge_or_is_odd() -> None:
    raw = {"id": "dp_1", "amount": 1999, "currency": "usd", "status": "needs_response"}

    def payment_id(**fields: object) -> str:
        report = reports.of_dispute(read(raw | fields, objects.Dispute), TOLD)
        assert report.amount == report.disputed == Money.of("19.99", "USD")
        assert report.refunded is None
        return report.payment_id

    assert payment_id(charge="ch_1", payment_intent={"id": "pi_1"}) == "pi_1"
    assert payment_id(charge="ch_1", payment_intent=None) == "ch_1"
    with pytest.raises(Odd):
        payment_id()


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1999, "usd", "19.99 USD"),
        (500, "jpy", "500 JPY"),
        (5120, "kwd", "5.120 KWD"),
        (500, "isk", "5 ISK"),
        (500, "ugx", "5 UGX"),
        (0, "usd", "0.00 USD"),
    ],
)
def test_amounts_are_counted_as_stripe_does(amount: int, currency: str, text: str) -> None:
    assert str(money(amount, currency)) == text
    assert units(money(amount, currency)) == amount


def test_parts_of_a_minor_unit_are_no_price() -> None:
    with pytest.raises(ValueError, match="minor unit"):
        units(Money.of("19.999", "USD"))
