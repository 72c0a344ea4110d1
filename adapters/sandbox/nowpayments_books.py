"""What a sandbox of NOWPayments keeps: invoices, payments, and what it says of them.

Amounts have six decimals here, so that JavaScript would print them as they are: whole or with a
point, never with an exponent. That makes signing simple (`ipn_signature`); a real account signs
`JSON.stringify` of the sorted document, whatever the numbers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_UP, Decimal

Json = dict[str, object]

USD_OF_ONE = {
    "usd": Decimal(1),
    "eur": Decimal("1.08"),
    "rub": Decimal("0.0125"),
    "uah": Decimal("0.024"),
    "trx": Decimal("0.125"),
    "usdttrc20": Decimal(1),
    "ton": Decimal("5.5"),
    "eth": Decimal(3400),
    "btc": Decimal(68000),
}
"""A day on which nothing moves."""
COINS = frozenset({"trx", "usdttrc20", "ton", "eth", "btc"})
SERVICE_FEE_SHARE = Decimal("0.005")
UNIT = Decimal("0.000001")


@dataclass(slots=True, kw_only=True)
class Invoice:
    """A hosted page; the payer chooses a coin there, each choice makes a payment."""

    invoice_id: int
    created_at: datetime
    price_amount: Decimal
    price_currency: str
    pay_currency: str | None
    echo: dict[str, str | None]
    """What came with the request and goes back as it is: order_id, URLs, description."""

    def as_json(self) -> Json:
        """The answer to `POST /v1/invoice`: ids and the price are texts there."""
        return {
            "id": str(self.invoice_id),
            "token_id": str(self.invoice_id + 1_000_000),
            **self.echo,
            "price_amount": plain(self.price_amount),
            "price_currency": self.price_currency,
            "pay_currency": self.pay_currency,
            "invoice_url": f"https://nowpayments.io/payment/?iid={self.invoice_id}",
            "created_at": told(self.created_at),
            "updated_at": told(self.created_at),
        }


@dataclass(slots=True, kw_only=True)
class Payment:
    """One address that coins may be sent to, and what came."""

    payment_id: int
    invoice: Invoice
    purchase_id: str
    pay_currency: str
    pay_amount: Decimal
    created_at: datetime
    updated_at: datetime
    parent_payment_id: int | None = None
    status: str = "waiting"
    actually_paid: Decimal = Decimal(0)
    history: list[str] = field(default_factory=lambda: ["waiting"])

    def as_ipn(self) -> Json:
        """A notification: numbers are numbers, and times are not told."""
        fee = (self.actually_paid * SERVICE_FEE_SHARE).quantize(UNIT)
        return {
            "payment_id": self.payment_id,
            "parent_payment_id": self.parent_payment_id,
            "invoice_id": self.invoice.invoice_id,
            "payment_status": self.status,
            "pay_address": f"TSandbox{self.purchase_id}{self.pay_currency}",
            "payin_extra_id": None,
            "price_amount": self.invoice.price_amount,
            "price_currency": self.invoice.price_currency,
            "pay_amount": self.pay_amount,
            "actually_paid": self.actually_paid,
            "actually_paid_at_fiat": 0,
            "pay_currency": self.pay_currency,
            "order_id": self.invoice.echo["order_id"],
            "order_description": self.invoice.echo["order_description"],
            "purchase_id": self.purchase_id,
            "outcome_amount": self.actually_paid - fee,
            "outcome_currency": self.pay_currency,
            "payment_extra_ids": None,
            "fee": {
                "currency": self.pay_currency,
                "depositFee": 0,
                "serviceFee": fee,
                "withdrawalFee": 0,
            },
        }

    def as_json(self) -> Json:
        """The answer to `GET /v1/payment/<id>`: the same, and the times."""
        times: Json = {"created_at": told(self.created_at), "updated_at": told(self.updated_at)}
        return self.as_ipn() | times


def coins_for(price: Decimal, currency: str, coin: str) -> Decimal:
    """What a price comes to in a coin; raises KeyError for an unknown one."""
    return (price * USD_OF_ONE[currency] / USD_OF_ONE[coin]).quantize(UNIT, ROUND_UP)


def ipn_signature(document: Json, secret: str) -> str:
    """`x-nowpayments-sig` for a document of ours."""
    text = dumps(document, is_sorted=True).encode()
    return hmac.new(secret.encode(), text, hashlib.sha512).hexdigest()


def dumps(value: object, *, is_sorted: bool = False) -> str:
    """JSON as JavaScript writes it: no spaces, literal UTF-8, exact amounts."""
    match value:
        case dict():
            items = sorted(value.items()) if is_sorted else value.items()
            members = (f"{dumps(k)}:{dumps(v, is_sorted=is_sorted)}" for k, v in items)
            return f"{{{','.join(members)}}}"
        case list():
            return f"[{','.join(dumps(item, is_sorted=is_sorted) for item in value)}]"
        case Decimal():
            return plain(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def plain(amount: Decimal) -> str:
    """`10`, `1.5`, `0.000001`: no exponent, and no zero at the end."""
    return f"{amount.normalize():f}"


def told(moment: datetime) -> str:
    """A time as JavaScript writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
