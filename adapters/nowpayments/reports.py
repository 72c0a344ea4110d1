"""What a payment of NOWPayments means to us, whether it came signed (IPN) or was asked for (GET).

A price stands in one currency (USD), and is paid in coins (`pay_amount` of TRX were asked for).
The report speaks of the price's currency: all of it when as many coins came as were asked for,
give or take dust, otherwise in proportion, less or more, rounded down. A price other than the
order's is therefore visible in the amount.

`fee` is NOWPayments' own total, in the price's currency at the rate of this payment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import SCALE_MAX, Currency, Money

STANDINGS = {
    "waiting": Standing.WAITING,
    "confirming": Standing.PROCESSING,
    "confirmed": Standing.PROCESSING,
    "sending": Standing.PROCESSING,
    "partially_paid": Standing.PARTIAL,
    "finished": Standing.PAID,
    "failed": Standing.FAILED,
    "refunded": Standing.REFUNDED,
    "expired": Standing.EXPIRED,
}
"""`payment_status`, contract section 3.3."""
ARRIVED = frozenset({Standing.PARTIAL, Standing.PAID, Standing.REFUNDED, Standing.FAILED})
"""Where coins count as money: before these they may still vanish with their block. A payment may
have failed with coins in it, which are somebody's: a person has to look."""

DUST_SHARE = Decimal("0.001")
"""How far from what was asked for still counts as that: wallets and exchanges round the last
digits. A tenth of a percent is below every fee, so that nobody gains by it."""

FEES = ("depositFee", "withdrawalFee", "serviceFee")
ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
ORDER_ID = re.compile(r"[\x21-\x7e]{1,64}")
AMOUNT = re.compile(r"[0-9]{1,29}(\.[0-9]{1,18})?")
SAFE_INTEGER_MAX = 2**53 - 1
"""Beyond it several integers have one double, and thereby one signature."""
MILLISECONDS = 1000
_ARITHMETIC = Context(prec=80, rounding=ROUND_DOWN)
_LEDGER_UNIT = Decimal(1).scaleb(-SCALE_MAX)


class Unreadable(ValueError):  # noqa: N818 - a verdict
    """The document is not what NOWPayments describes; the text says which field, not its value."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads payments. `live` is False for an account of the sandbox; `pay_currency` is the only
    coin that may be paid with, "" where the payer chooses.
    """

    live: bool
    pay_currency: str = ""

    def report(self, payment: Mapping[str, Any]) -> PaymentReport | None:
        """What it says; None for a status that nobody has heard of. Raises `Unreadable`."""
        standing = STANDINGS.get(str(payment.get("payment_status")))
        if standing is None:
            return None
        coin = _text(payment, "pay_currency")
        if self.pay_currency and coin.lower() != self.pay_currency.lower():
            raise Unreadable(f"paid in another coin than {self.pay_currency}")
        price = _price(payment)
        counted = standing in ARRIVED
        if standing is Standing.FAILED and not amount(payment, "actually_paid"):
            counted = False  # the usual failure: nothing came
        arrived = _arrived(payment, price) if counted else Money.zero(price.currency)
        return PaymentReport(
            rail=Rail.NOWPAYMENTS,
            payment_id=payment_id(payment),
            standing=standing,
            amount=arrived,
            live=self.live,
            order_id=_order_id(payment),
            refunded=arrived if standing is Standing.REFUNDED else None,
            fee=_fee(payment, price) if counted else None,
            parent=_parent(payment),
            at=moment(payment),
        )


def payment_id(payment: Mapping[str, Any], field: str = "payment_id") -> PaymentId:
    """A payment's id: a number in GET and IPN, a text in the answer to POST."""
    text = _id(payment.get(field))
    if ID.fullmatch(text) is None:
        raise Unreadable(f"{field} is no id")
    return PaymentId(text)


def moment(payment: Mapping[str, Any]) -> datetime | None:
    """`updated_at`, ISO 8601 or milliseconds; None where it is not told, or cannot be read."""
    value = payment.get("updated_at")
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / MILLISECONDS, UTC)
        if isinstance(value, str):
            told = datetime.fromisoformat(value)
            return told.replace(tzinfo=told.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def amount(payment: Mapping[str, Any], field: str) -> Decimal | None:
    """An amount, written as a number or as a text; None for null and for none at all."""
    match payment.get(field):
        case None:
            return None
        case str(text) if AMOUNT.fullmatch(text):
            return Decimal(text)
        case int(whole) if not isinstance(whole, bool) and whole >= 0:
            return Decimal(whole)
        case Decimal() as value if value.is_finite() and value >= 0:
            return value
        case _:
            raise Unreadable(f"{field} is no amount")


def _price(payment: Mapping[str, Any]) -> Money:
    value = amount(payment, "price_amount")
    if not value:
        raise Unreadable("price_amount is missing")
    try:
        return Money.of(value, _text(payment, "price_currency"))
    except ValueError:
        raise Unreadable("price_amount and price_currency are no money") from None


def _arrived(payment: Mapping[str, Any], price: Money) -> Money:
    """`actually_paid`, at the rate of this payment."""
    asked, paid = amount(payment, "pay_amount"), amount(payment, "actually_paid")
    if not asked:
        raise Unreadable("pay_amount is missing, so that nobody knows what the coins are worth")
    if paid is None:
        raise Unreadable("actually_paid is missing")
    if abs(paid - asked) <= asked * DUST_SHARE:
        return price
    return _at_the_rate(paid, asked, price)


def _fee(payment: Mapping[str, Any], price: Money) -> Money | None:
    """The total of `fee`; None where it is told in a coin for which this payment has no rate."""
    told, asked = payment.get("fee"), amount(payment, "pay_amount")
    if not isinstance(told, dict) or not asked:
        return None
    total = sum((amount(told, name) or Decimal(0) for name in FEES), Decimal(0))
    if not total:
        return Money.zero(price.currency)
    if str(told.get("currency")).lower() != str(payment.get("pay_currency")).lower():
        return None
    return _at_the_rate(total, asked, price)


def _at_the_rate(coins: Decimal, asked: Decimal, price: Money) -> Money:
    """What `coins` are worth where `asked` coins are worth `price`, down to the ledger's unit."""
    worth = _ARITHMETIC.divide(_ARITHMETIC.multiply(price.amount, coins), asked)
    try:
        return Money(_ARITHMETIC.quantize(worth, _LEDGER_UNIT), Currency(price.currency))
    except (ArithmeticError, ValueError):
        raise Unreadable("more coins than any ledger holds") from None


def _order_id(payment: Mapping[str, Any]) -> OrderId | None:
    if payment.get("order_id") in (None, ""):
        return None
    text = _id(payment.get("order_id"))
    if ORDER_ID.fullmatch(text) is None:
        raise Unreadable("order_id is none of ours")
    return OrderId(text)


def _parent(payment: Mapping[str, Any]) -> PaymentId | None:
    if payment.get("parent_payment_id") in (None, "", 0):
        return None
    return payment_id(payment, "parent_payment_id")


def _id(value: object) -> str:
    """An id as text, "" for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= SAFE_INTEGER_MAX:
        return str(value)
    return value if isinstance(value, str) else ""


def _text(payment: Mapping[str, Any], field: str) -> str:
    value = payment.get(field)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{field} is missing")
    return value
