"""What a sandbox of YooKassa keeps: payments and refunds, in the shapes its API shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID, uuid5

Json = dict[str, Any]

AMOUNT = re.compile(r"[0-9]{1,12}\.[0-9]{1,2}")
CURRENCY = re.compile(r"[A-Z]{3}")
FEE_SHARE = Decimal("0.035")
"""Of a payment by card, as in the vendor's examples."""
KOPECK = Decimal("0.01")
DESCRIPTION_LENGTH_MAX = 128
METADATA_KEYS_MAX, METADATA_KEY_LENGTH_MAX, METADATA_VALUE_LENGTH_MAX = 16, 32, 512
HELD = timedelta(days=7)
PAGE_URL = "https://yoomoney.ru/checkout/payments/v2/contract?orderId="
_NAMES = UUID("22e12f66-000f-5000-8000-18db351245c7")


class Refused(Exception):  # noqa: N818 - a verdict
    """The request is refused in the words of YooKassa."""

    def __init__(self, status: int, code: str, description: str, parameter: str = "") -> None:
        super().__init__(description)
        self.status, self.code = status, code
        self.description, self.parameter = description, parameter

    def as_json(self) -> Json:
        """The body of the answer."""
        body = {
            "type": "error",
            "id": object_id(f"error {self.description}"),
            "code": self.code,
            "description": self.description,
        }
        return body | ({"parameter": self.parameter} if self.parameter else {})


def invalid(description: str, parameter: str) -> Refused:
    """400 for one field."""
    return Refused(400, "invalid_request", description, parameter)


def object_id(name: str) -> str:
    """An id in the form of YooKassa's, the same for the same name."""
    return str(uuid5(_NAMES, name))


def new_payment(fields: Mapping[str, Any], *, number: int, shop_id: str, now: datetime) -> Json:
    """A pending payment as asked for; raises `Refused`."""
    value, currency = checked_amount(fields.get("amount"))
    confirmation = fields.get("confirmation")
    if not isinstance(confirmation, dict) or confirmation.get("type") != "redirect":
        raise invalid("Only redirect is simulated", "confirmation.type")
    if not isinstance(confirmation.get("return_url"), str):
        raise invalid("Return url is required", "confirmation.return_url")
    description = fields.get("description") or ""
    if len(description) > DESCRIPTION_LENGTH_MAX:
        raise invalid("Description is too long", "description")
    payment_id = object_id(f"payment {shop_id} {number}")
    return {
        "id": payment_id,
        "status": "pending",
        "amount": {"value": f"{value:.2f}", "currency": currency},
        "description": description,
        "recipient": {"account_id": shop_id, "gateway_id": f"{shop_id}00"},
        "created_at": told(now),
        "confirmation": {
            "type": "redirect",
            "return_url": confirmation["return_url"],
            "confirmation_url": f"{PAGE_URL}{payment_id}",
        },
        "test": True,
        "paid": False,
        "refundable": False,
        "metadata": checked_metadata(fields.get("metadata") or {}),
    }


def held(payment: Json, *, now: datetime) -> None:
    """The payer has paid, and the shop has not taken it yet."""
    payment.pop("confirmation", None)
    payment |= {
        "status": "waiting_for_capture",
        "paid": True,
        "expires_at": told(now + HELD),
        "payment_method": {
            "type": "bank_card",
            "id": payment["id"],
            "saved": False,
            "status": "inactive",
            "title": "Bank card *4477",
            "card": {
                "first6": "555555",
                "last4": "4477",
                "expiry_month": "07",
                "expiry_year": "2030",
                "card_type": "MasterCard",
                "issuer_country": "RU",
            },
        },
    }


def captured(payment: Json, *, now: datetime) -> None:
    """The money is the shop's, less YooKassa's fee."""
    value = Decimal(payment["amount"]["value"])
    fee = (value * FEE_SHARE).quantize(KOPECK, ROUND_HALF_UP)
    currency = payment["amount"]["currency"]
    payment.pop("expires_at", None)
    payment |= {
        "status": "succeeded",
        "paid": True,
        "refundable": True,
        "captured_at": told(now),
        "income_amount": {"value": f"{value - fee:.2f}", "currency": currency},
        "refunded_amount": {"value": "0.00", "currency": currency},
    }


def canceled(payment: Json, *, party: str, reason: str) -> None:
    """It will not be paid."""
    payment.pop("confirmation", None)
    payment.pop("expires_at", None)
    payment |= {
        "status": "canceled",
        "paid": False,
        "cancellation_details": {"party": party, "reason": reason},
    }


def new_refund(payment: Json, amount: object, *, number: int, now: datetime) -> Json:
    """A refund of a part or all of a payment, already carried out; raises `Refused`."""
    value, currency = checked_amount(amount)
    if payment["status"] != "succeeded" or currency != payment["amount"]["currency"]:
        raise invalid("Payment cannot be refunded", "payment_id")
    total = Decimal(payment["refunded_amount"]["value"]) + value
    whole = Decimal(payment["amount"]["value"])
    if total > whole:
        raise invalid("Refund amount is more than what is left", "amount.value")
    payment["refunded_amount"] = {"value": f"{total:.2f}", "currency": currency}
    payment["refundable"] = total < whole
    return {
        "id": object_id(f"refund {payment['id']} {number}"),
        "payment_id": payment["id"],
        "status": "succeeded",
        "created_at": told(now),
        "amount": {"value": f"{value:.2f}", "currency": currency},
    }


def checked_amount(amount: object) -> tuple[Decimal, str]:
    """`{"value": "990.00", "currency": "RUB"}`, above zero; raises `Refused`."""
    given = amount if isinstance(amount, dict) else {}
    value, currency = given.get("value"), given.get("currency")
    if not isinstance(value, str) or AMOUNT.fullmatch(value) is None or not Decimal(value):
        raise invalid("Amount value is not a decimal above zero", "amount.value")
    if not isinstance(currency, str) or CURRENCY.fullmatch(currency) is None:
        raise invalid("Currency is not supported", "amount.currency")
    return Decimal(value), currency


def checked_metadata(metadata: object) -> dict[str, str]:
    """At most 16 short texts; raises `Refused`."""
    if not isinstance(metadata, dict) or len(metadata) > METADATA_KEYS_MAX:
        raise invalid("Metadata has too many keys", "metadata")
    for key, value in metadata.items():
        if len(key) > METADATA_KEY_LENGTH_MAX or not isinstance(value, str):
            raise invalid("Metadata holds short texts only", f"metadata.{key[:32]}")
        if len(value) > METADATA_VALUE_LENGTH_MAX:
            raise invalid("Metadata value is too long", f"metadata.{key}")
    return dict(metadata)


def told(moment: datetime) -> str:
    """A time as YooKassa writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
