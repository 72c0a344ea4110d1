"""Stripe's webhooks: what each means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actors.ingress.model import (
    Fact,
    Nothing,
    PaymentSeen,
    Rejected,
    StoredEvent,
    SubscriptionSeen,
    Unusable,
)
from actors.kernel.charges import PaymentReport, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from actors.kernel.money import Money
from adapters.sandbox.server import Response, serve
from tests.adapters.stripe.test_source import INTENT, ORDER, source, verified
from tests.adapters.stripe.wire import CREATED, NOW, Scripted, event

SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "mode": "payment",
    "status": "complete",
    "payment_status": "paid",
    "payment_intent": "pi_1",
    "client_reference_id": ORDER,
    "amount_total": 1999,
    "currency": "usd",
    "metadata": {"order_id": ORDER},
}
INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "status": "paid",
    "billing_reason": "subscription_cycle",
    "amount_paid": 1500,
    "currency": "usd",
    "parent": {
        "type": "subscription_details",
        "subscription_details": {"subscription": "sub_1", "metadata": {"order_id": ORDER}},
    },
}
DISPUTE: dict[str, Any] = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 1999,
    "currency": "usd",
    "status": "needs_response",
    "charge": "ch_1",
    "payment_intent": "pi_1",
}
PAYMENTS = {"data": [{"status": "paid", "payment": {"payment_intent": "pi_1"}}]}


def stored(raw: object) -> StoredEvent:
    found = verified(raw)
    assert not isinstance(found, Rejected), found
    return StoredEvent(event_id=EventId(1), event=found, received_at=NOW)


async def fact(kind: str, thing: dict[str, Any], *, live: bool = False, **fields: object) -> Fact:
    return await source(live=live).interpret(stored(event(kind, thing, **fields)))


async def report(kind: str, thing: dict[str, Any]) -> PaymentReport:
    found = await fact(kind, thing)
    assert isinstance(found, PaymentSeen), found
    return found.report


async def test_a_payment_through_checkout_is_one_charge_told_twice() -> None:
    first = await report("checkout.session.completed", SESSION)
    second = await report("payment_intent.succeeded", INTENT)

    assert first == second
    assert (first.payment_id, first.order_id, first.standing) == ("pi_1", ORDER, Standing.PAID)
    assert first.amount == Money.of("19.99", "USD")
    assert first.at == datetime.fromtimestamp(CREATED, UTC)
    assert not first.live


@pytest.mark.parametrize(
    ("kind", "thing", "standing"),
    [
        (
            "checkout.session.completed",
            SESSION | {"payment_status": "unpaid"},
            Standing.PROCESSING,
        ),
        ("checkout.session.async_payment_succeeded", SESSION, Standing.PAID),
        (
            "checkout.session.async_payment_failed",
            SESSION | {"payment_status": "unpaid"},
            Standing.FAILED,
        ),
        (
            "checkout.session.expired",
            SESSION | {"payment_status": "unpaid", "status": "expired"},
            Standing.EXPIRED,
        ),
        ("payment_intent.processing", INTENT | {"status": "processing"}, Standing.PROCESSING),
        (
            "payment_intent.payment_failed",
            INTENT | {"status": "requires_payment_method", "amount_received": 0},
            Standing.WAITING,
        ),
        ("payment_intent.canceled", INTENT | {"status": "canceled"}, Standing.FAILED),
        ("charge.dispute.created", DISPUTE, Standing.DISPUTED),
        ("charge.dispute.closed", DISPUTE | {"status": "lost"}, Standing.DISPUTED),
    ],
)
async def test_an_event_is_about_the_payment(
    kind: str, thing: dict[str, Any], standing: Standing
) -> None:
    found = await report(kind, thing)
    assert (found.payment_id, found.standing) == ("pi_1", standing)


async def test_a_delayed_method_ends_one_way_only() -> None:
    waits = await report("checkout.session.completed", SESSION | {"payment_status": "unpaid"})
    declined = INTENT | {"status": "requires_payment_method", "amount_received": 0}
    first = await report("payment_intent.payment_failed", declined)
    last = await report(
        "checkout.session.async_payment_failed", SESSION | {"payment_status": "unpaid"}
    )
    ranks = [found.standing.rank for found in (first, waits, last)]
    assert ranks == sorted(set(ranks))


async def test_a_refund_tells_the_total_given_back() -> None:
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 1999,
        "amount_captured": 1999,
        "amount_refunded": 500,
        "currency": "usd",
        "payment_intent": "pi_1",
        "metadata": {"order_id": ORDER},
    }
    found = await report("charge.refunded", charge)
    assert (found.payment_id, found.order_id, found.standing) == ("pi_1", ORDER, Standing.REFUNDED)
    assert (found.amount, found.refunded) == (Money.of("19.99", "USD"), Money.of("5", "USD"))


@pytest.mark.parametrize("kind", ["refund.failed", "charge.refund.updated", "refund.updated"])
@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_refund_that_comes_back_is_for_a_person(kind: str, status: str) -> None:
    back = {"id": "re_1", "object": "refund", "status": status, "payment_intent": "pi_1"}
    found = await fact(kind, back)
    assert isinstance(found, Unusable)
    assert "re_1 of pi_1" in found.why


@pytest.mark.parametrize("status", ["succeeded", "pending", "requires_action"])
async def test_a_refund_that_is_on_its_way_is_told_by_its_charge(status: str) -> None:
    found = await fact("refund.updated", {"id": "re_1", "object": "refund", "status": status})
    assert isinstance(found, Nothing)


async def test_a_question_of_a_bank_moves_no_money() -> None:
    asked = await fact("charge.dispute.created", DISPUTE | {"status": "warning_needs_response"})
    assert isinstance(asked, Nothing)


@pytest.mark.parametrize("kind", ["created", "closed"])
async def test_a_dispute_that_was_prevented_is_not_booked_besides_its_refund(kind: str) -> None:
    found = await fact(f"charge.dispute.{kind}", DISPUTE | {"status": "prevented"})
    assert isinstance(found, Unusable)
    assert "dp_1" in found.why


@pytest.mark.parametrize("kind", ["closed", "funds_reinstated"])
async def test_a_dispute_that_was_won_gives_back_what_it_took(kind: str) -> None:
    lost = await fact("charge.dispute.created", DISPUTE)
    won = await fact(f"charge.dispute.{kind}", DISPUTE | {"status": "won"})
    assert isinstance(lost, PaymentSeen)
    assert isinstance(won, PaymentSeen)
    assert lost.report.reinstated is None
    assert won.report.standing is Standing.REINSTATED
    assert won.report.reinstated == won.report.disputed == lost.report.disputed
    assert won.report.dispute == lost.report.dispute == DISPUTE["id"]


@pytest.mark.parametrize("kind", ["invoice.payment_succeeded", "invoice.paid"])
@pytest.mark.parametrize(
    "shape",
    [
        {"payments": PAYMENTS},
        {"payment_intent": "pi_1", "paid": True, "status": None},
        {
            "payment_intent": "pi_1",
            "parent": None,
            "subscription_details": {"metadata": {"order_id": ORDER}},
        },
    ],
)
async def test_a_renewal_is_a_payment_in_either_shape(kind: str, shape: dict[str, Any]) -> None:
    found = await report(kind, INVOICE | shape)
    assert (found.payment_id, found.order_id, found.standing) == ("pi_1", ORDER, Standing.PAID)
    assert found.amount == Money.of("15", "USD")


async def test_who_paid_an_invoice_is_looked_up_where_the_event_does_not_tell() -> None:
    server = Scripted(Response.of(INVOICE | {"payments": PAYMENTS}))
    async with serve(server) as url:
        found = await source(url=url).interpret(stored(event("invoice.paid", INVOICE)))

    assert isinstance(found, PaymentSeen)
    assert (found.report.payment_id, found.report.order_id) == ("pi_1", ORDER)
    (asked,) = server.seen
    assert (asked.path, asked.parameters) == ("/v1/invoices/in_1", {"expand[]": "payments"})


async def test_an_invoice_paid_elsewhere_goes_by_its_own_id() -> None:
    async with serve(Scripted(Response.of(INVOICE | {"payments": {"data": []}}))) as url:
        found = await source(url=url).interpret(stored(event("invoice.paid", INVOICE)))
    assert isinstance(found, PaymentSeen)
    assert found.report.payment_id == "in_1"


@pytest.mark.parametrize("status", [403, 500])
async def test_an_invoice_that_cannot_be_looked_up_waits(status: int) -> None:
    async with serve(Scripted(Response.of({}, status))) as url:
        with pytest.raises(Unavailable):
            await source(url=url).interpret(stored(event("invoice.paid", INVOICE)))


@pytest.mark.parametrize("odd", [{"amount_paid": 0}, {"status": "open"}])
async def test_an_invoice_without_money_is_nothing(odd: dict[str, Any]) -> None:
    assert isinstance(await fact("invoice.paid", INVOICE | odd), Nothing)


@pytest.mark.parametrize(
    "end",
    [
        {"current_period_end": 1_769_904_000},
        {
            "items": {
                "object": "list",
                "data": [{"id": "si_1", "current_period_end": 1_769_904_000}],
            }
        },
    ],
)
@pytest.mark.parametrize("word", ["updated", "deleted"])
async def test_a_subscription_is_seen_in_either_shape(word: str, end: dict[str, Any]) -> None:
    raw = {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "cancel_at_period_end": True,
        "metadata": {"order_id": ORDER},
    }
    assert await fact(f"customer.subscription.{word}", raw | end) == SubscriptionSeen(
        subscription_id="sub_1",
        order_id=ORDER,  # type: ignore[arg-type]
        status="active",
        ends_at_period_end=True,
        period_end=datetime.fromtimestamp(1_769_904_000, UTC),
        at=datetime.fromtimestamp(CREATED, UTC),
    )


@pytest.mark.parametrize(
    "kind",
    [
        "customer.created",
        "checkout.session.new_word",
        "payment_intent.created",
        "charge.succeeded",
        "customer.subscription.trial_will_end",
        "invoice.created",
        "x",
    ],
)
async def test_other_events_are_nothing_whatever_is_in_them(kind: str) -> None:
    assert isinstance(await fact(kind, SESSION), Nothing)


async def test_a_checkout_for_a_subscription_is_told_by_its_invoice() -> None:
    raw = SESSION | {"mode": "subscription", "payment_intent": None}
    assert isinstance(await fact("checkout.session.completed", raw), Nothing)


@pytest.mark.parametrize(("live", "livemode"), [(True, False), (False, True), (True, None)])
async def test_the_other_mode_is_for_a_person(live: bool, livemode: bool | None) -> None:
    found = await fact("payment_intent.succeeded", INTENT, live=live, livemode=livemode)
    assert isinstance(found, Unusable)
    assert "live" in found.why


async def test_a_live_event_on_a_live_shop_counts() -> None:
    found = await fact("payment_intent.succeeded", INTENT, live=True, livemode=True)
    assert isinstance(found, PaymentSeen)
    assert found.report.live


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("payment_intent.succeeded", INTENT | {"amount_received": "1999"}),
        ("payment_intent.succeeded", INTENT | {"currency": "x1"}),
        ("payment_intent.succeeded", {}),
        ("checkout.session.completed", SESSION | {"id": "a b"}),
        ("checkout.session.completed", SESSION | {"currency": None}),
        ("charge.dispute.created", DISPUTE | {"charge": None, "payment_intent": None}),
        ("invoice.paid", {"id": "in_1"}),
        ("customer.subscription.deleted", {"id": "sub_1"}),
    ],
)
async def test_what_stripe_does_not_document_is_for_a_person(
    kind: str, thing: dict[str, Any]
) -> None:
    found = await fact(kind, thing)
    assert isinstance(found, Unusable)
    assert found.why.startswith(kind)
