"""Objects and notifications of the contract (section 2), as YooKassa sends them."""

from __future__ import annotations

from typing import Any

PAYMENT_ID = "22e12f66-000f-5000-8000-18db351245c7"
REFUND_ID = "216749f7-0016-50be-b000-078d43a63ae4"
ORDER = "42"

PAID: dict[str, Any] = {
    "id": PAYMENT_ID,
    "status": "succeeded",
    "amount": {"value": "990.00", "currency": "RUB"},
    "income_amount": {"value": "955.35", "currency": "RUB"},
    "description": "Order 42",
    "recipient": {"account_id": "100500", "gateway_id": "100700"},
    "payment_method": {
        "type": "bank_card",
        "id": PAYMENT_ID,
        "saved": False,
        "status": "inactive",
        "title": "Bank card *4444",
        "card": {
            "first6": "555555",
            "last4": "4444",
            "expiry_month": "07",
            "expiry_year": "2030",
            "card_type": "MasterCard",
            "issuer_country": "RU",
        },
    },
    "captured_at": "2026-11-20T10:53:29.072Z",
    "created_at": "2026-11-20T10:51:18.139Z",
    "test": True,
    "refunded_amount": {"value": "0.00", "currency": "RUB"},
    "paid": True,
    "refundable": True,
    "metadata": {"order_id": ORDER},
}
CANCELED: dict[str, Any] = {
    "id": PAYMENT_ID,
    "status": "canceled",
    "paid": False,
    "amount": {"value": "990.00", "currency": "RUB"},
    "created_at": "2026-11-20T10:51:18.139Z",
    "metadata": {"order_id": ORDER},
    "recipient": {"account_id": "100500", "gateway_id": "100700"},
    "cancellation_details": {"party": "yoo_money", "reason": "expired_on_confirmation"},
    "refundable": False,
    "test": True,
}
REFUND: dict[str, Any] = {
    "id": REFUND_ID,
    "status": "succeeded",
    "amount": {"value": "990.00", "currency": "RUB"},
    "created_at": "2026-11-21T19:27:51.407Z",
    "payment_id": PAYMENT_ID,
}


def notification(event: str = "payment.succeeded", **changes: object) -> dict[str, Any]:
    """What is posted to us."""
    subject = {"payment": PAID, "refund": REFUND}.get(event.split(".", maxsplit=1)[0], PAID)
    return {"type": "notification", "event": event, "object": subject | changes}
