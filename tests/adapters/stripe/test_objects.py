"""Stripe's objects: both shapes of what moved, and nothing that is not documented."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.stripe.objects import (
    Event,
    Invoice,
    Odd,
    PaymentIntent,
    Session,
    Subscription,
    id_of,
    read,
    subject,
)

INTENT: dict[str, Any] = {"id": "pi_1", "status": "succeeded", "currency": "usd"}
INVOICE: dict[str, Any] = {"id": "in_1", "amount_paid": 1500, "currency": "usd"}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def test_unknown_fields_are_ignored_and_known_ones_kept() -> None:
    intent = read(INTENT | {"amount_received": 1999, "shiny": {"new": 1}}, PaymentIntent)
    assert (intent.id, intent.amount_received, intent.latest_charge) == ("pi_1", 1999, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "pi_1\n"},
        {"id": "pi\x00"},
        {"id": "pi_\ud800"},
        {"id": ""},
        {"id": "x" * 256},
        {"id": 7},
        {"amount_received": True},
        {"amount_received": -1},
        {"amount_received": Decimal("19.99")},
        {"amount_received": "1999"},
        {"amount_received": 10**16},
        {"currency": "us"},
        {"currency": None},
        {"status": "Succeeded!"},
    ],
)
def test_what_stripe_does_not_document_is_odd(wrong: dict[str, object]) -> None:
    with pytest.raises(Odd) as told:
        read(INTENT | wrong, PaymentIntent)
    assert next(iter(wrong)) in str(told.value)
    assert "1999" not in str(told.value)


@given(raw=ANY_JSON)
def test_anything_else_is_odd(raw: object) -> None:
    for shape in (Event, Session, Invoice, Subscription):
        with pytest.raises(Odd):
            read(raw, shape)


@pytest.mark.parametrize(
    ("fields", "intent"),
    [
        ({"payment_intent": "pi_1"}, "pi_1"),
        ({"payment_intent": {"id": "pi_1"}}, "pi_1"),
        ({"payment_intent": None}, None),
        ({"payments": {"data": [{"payment": {"payment_intent": "pi_2"}}]}}, "pi_2"),
        (
            {
                "payments": {
                    "data": [
                        {"status": "canceled", "payment": {"payment_intent": "pi_1"}},
                        {"status": "paid", "payment": {"payment_intent": {"id": "pi_2"}}},
                    ]
                }
            },
            "pi_2",
        ),
        ({"payments": {"data": [{"payment": {"type": "charge", "charge": "ch_1"}}, {}]}}, None),
        ({}, None),
    ],
)
def test_the_payment_of_an_invoice_is_found_in_either_shape(
    fields: dict[str, object], intent: str | None
) -> None:
    assert read(INVOICE | fields, Invoice).intent == intent


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({"status": "paid"}, True),
        ({"paid": True}, True),
        ({"status": "open"}, False),
        ({"status": "open", "paid": False}, False),
        ({}, False),
    ],
)
def test_an_invoice_is_paid_in_either_shape(fields: dict[str, object], paid: bool) -> None:
    assert read(INVOICE | fields, Invoice).is_paid is paid


@pytest.mark.parametrize(
    "fields",
    [
        {"parent": {"subscription_details": {"metadata": {"order_id": "42"}}}},
        {"subscription_details": {"metadata": {"order_id": "42"}}},
        {"metadata": {"order_id": "42"}, "parent": None},
    ],
)
def test_an_invoices_order_is_found_in_every_shape(fields: dict[str, object]) -> None:
    assert read(INVOICE | fields, Invoice).metadatas == [{"order_id": "42"}]


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"current_period_end": 5}, 5),
        ({"items": {"data": [{"current_period_end": 5}, {"current_period_end": 7}]}}, 7),
        ({"items": {"data": []}}, None),
        ({}, None),
    ],
)
def test_a_period_ends_in_either_shape(fields: dict[str, object], end: int | None) -> None:
    found = read({"id": "sub_1", "status": "active"} | fields, Subscription)
    assert found.period_end == end


def test_a_reference_is_an_id_or_the_whole_object() -> None:
    assert id_of("pi_1") == id_of(read(INTENT, PaymentIntent)) == "pi_1"
    assert id_of(None) is None


@pytest.mark.parametrize(
    ("thing", "found"),
    [({"id": "pi_1"}, "pi_1"), ({}, ""), ({"id": "25 % OFF"}, ""), ({"id": 1}, "")],
)
def test_an_event_names_its_subject_where_that_is_a_word(thing: object, found: str) -> None:
    raw = {"id": "evt_1", "object": "event", "type": "coupon.created", "data": {"object": thing}}
    assert subject(read(raw, Event)) == found
