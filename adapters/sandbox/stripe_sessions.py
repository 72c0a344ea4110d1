"""What a new checkout session is made of, and what Stripe refuses to make one of."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from adapters.sandbox.stripe_errors import invalid, missing
from adapters.sandbox.stripe_forms import Fields

Json = dict[str, Any]
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
REFERENCE_MAX = 200
SMALLEST_UNITS = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}
"""Stripe's smallest charges, as far as they are known here."""
HUNDREDS = frozenset({"isk", "ugx"})
"""Without a minor unit, and yet counted in hundredths."""
KNOWN = frozenset(
    {"mode", "success_url", "cancel_url", "client_reference_id", "metadata", "line_items"}
    | {"payment_intent_data", "expires_at", "customer_email", "locale", "payment_method_types"}
)
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


def new_session(fields: Fields, *, now: datetime, live: bool) -> Json:
    """A session for one payment, without `id` and `url`. Raises Refused."""
    fields.only(KNOWN)
    if fields.text("mode") != "payment":
        raise invalid("mode", "This sandbox sells one thing at a time: mode must be payment")
    success_url, cancel_url = fields.text("success_url"), fields.text("cancel_url", "")
    for name, url in (("success_url", success_url), ("cancel_url", cancel_url)):
        if url and _URL.fullmatch(url) is None:
            raise invalid(name, "Not a valid URL", "url_invalid")
    reference = fields.text("client_reference_id", "")
    if len(reference) > REFERENCE_MAX:
        raise invalid("client_reference_id", f"Invalid string: at most {REFERENCE_MAX} characters")
    currency, total = _total(fields.items("line_items"))
    expires = fields.integer("expires_at", int((now + LONGEST).timestamp()))
    _check_expiry(expires, now)
    return {
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": cancel_url or None,
        "client_reference_id": reference or None,
        "created": int(now.timestamp()),
        "currency": currency,
        "customer": None,
        "customer_details": None,
        "expires_at": expires,
        "livemode": live,
        "metadata": fields.texts("metadata"),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "subscription": None,
        "success_url": success_url,
    }


def _total(items: list[Fields]) -> tuple[str, int]:
    """Currency and sum of the line items; raises Refused."""
    if not items:
        raise missing("line_items")
    currencies, total = set(), 0
    for item in items:
        price = item.inner("price_data")
        currency = price.text("currency")
        if _CURRENCY.fullmatch(currency) is None:
            raise invalid(price.name("currency"), f"Invalid currency: {currency[:40]}.")
        units = price.integer("unit_amount")
        if units < 0:
            raise invalid(price.name("unit_amount"), "Invalid non-negative integer")
        price.inner("product_data").text("name")
        total += units * item.integer("quantity", 1)
        currencies.add(currency.lower())
    if len(currencies) > 1:
        raise invalid("line_items", "All line items must have the same currency")
    (currency,) = currencies
    if total < SMALLEST_UNITS.get(currency, 1):
        text = "The Checkout Session's total amount due is below the smallest charge"
        raise invalid("line_items", text, "amount_too_small")
    if currency in HUNDREDS and total % 100:
        text = f"Invalid amount. Amounts in {currency} must be evenly divisible by 100."
        raise invalid("line_items", text, "invalid_charge_amount_no_decimal_compatible")
    return currency, total


def _check_expiry(expires: int, now: datetime) -> None:
    left = expires - int(now.timestamp())
    if left < SHORTEST.total_seconds():
        text = (
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        )
        raise invalid("expires_at", text)
    if left > LONGEST.total_seconds():
        text = (
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        )
        raise invalid("expires_at", text)
