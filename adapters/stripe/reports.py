"""What Stripe's objects say about a charge, in the words of payments. Pure.

One charge has one `payment_id`, whichever event tells of it: its PaymentIntent. Only a checkout
that needed no payment, and a charge made without a PaymentIntent, go by their own ids.

A PaymentIntent that failed once is not failed for good: its checkout stays open for another
card. Hence `waiting`; what ends it is the session (expired, its delayed method failed) or a
cancelled PaymentIntent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money, minor_digits
from adapters.stripe.objects import (
    BalanceTransaction,
    Charge,
    Dispute,
    Invoice,
    Metadata,
    Odd,
    PaymentIntent,
    Session,
    id_of,
)

ORDER_KEY = "order_id"
"""Where our order's id stands in metadata."""
TWO_DECIMALS = frozenset({"ISK", "UGX"})
"""Have no minor unit any more, and Stripe counts them in hundredths all the same
(docs.stripe.com/currencies, "Special cases": 5 UGX are 500)."""

WON = "won"
"""The status of a dispute that the shop has won: it has its money again."""

_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INTENT_STANDINGS = {
    "succeeded": Standing.PAID,
    "processing": Standing.PROCESSING,
    "requires_capture": Standing.PROCESSING,
    "canceled": Standing.FAILED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """When and in which mode something was told."""

    live: bool
    at: datetime | None = None


def of_session(session: Session, told: Told) -> PaymentReport | None:
    """A checkout for one payment; None for a subscription's or a card that is only kept."""
    if session.mode != "payment":
        return None
    intent = session.payment_intent
    if session.payment_status in {"paid", "no_payment_required"}:
        standing, units = Standing.PAID, session.amount_total or 0
    elif session.status == "expired":
        standing, units = Standing.EXPIRED, 0
    elif session.status == "complete":
        # A delayed method. Its failure is final, because the page has closed.
        dead = {"requires_payment_method", "canceled"}
        failed = isinstance(intent, PaymentIntent) and intent.status in dead
        standing, units = (Standing.FAILED if failed else Standing.PROCESSING), 0
    else:
        standing, units = Standing.WAITING, 0
    if session.currency is None:
        raise Odd("a checkout for a payment without a currency")
    report = _report(
        told,
        payment_id=id_of(intent) or session.id,
        standing=standing,
        amount=money(units, session.currency),
        order_id=_order([session.metadata, {ORDER_KEY: session.client_reference_id}]),
    )
    if isinstance(intent, PaymentIntent) and intent.status == "succeeded":
        paid = of_intent(intent, told)
        return replace(paid, order_id=report.order_id or paid.order_id)
    return report


def of_intent(intent: PaymentIntent, told: Told) -> PaymentReport:
    """A payment. What was given back since is told where the charge is expanded; a dispute is
    told by its own object only, because a charge remains `disputed` when the shop has won.
    """
    charge = intent.latest_charge
    if isinstance(charge, Charge) and charge.amount_refunded:
        order_id = _order([intent.metadata, charge.metadata])
        return replace(of_charge(charge, told), payment_id=PaymentId(intent.id), order_id=order_id)
    return _report(
        told,
        payment_id=intent.id,
        standing=_INTENT_STANDINGS.get(intent.status, Standing.WAITING),
        amount=money(intent.amount_received, intent.currency),
        order_id=_order([intent.metadata]),
        fee=_fee(charge),
    )


def of_charge(charge: Charge, told: Told) -> PaymentReport:
    """A charge of which some or all was given back."""
    units = charge.amount if charge.amount_captured is None else charge.amount_captured
    return _report(
        told,
        payment_id=id_of(charge.payment_intent) or charge.id,
        standing=Standing.REFUNDED,
        amount=money(units, charge.currency),
        order_id=_order([charge.metadata]),
        refunded=money(charge.amount_refunded, charge.currency),
        fee=_fee(charge),
    )


def of_dispute(dispute: Dispute, told: Told) -> PaymentReport:
    """A charge that the payer's bank took back, and gave back where the dispute was won. How much
    the whole charge was is not told here: `amount` and `disputed` are both what was taken, which is
    never a receipt (a bank's rate may have moved meanwhile).
    """
    payment_id = id_of(dispute.payment_intent) or id_of(dispute.charge)
    if payment_id is None:
        raise Odd("a dispute about no charge")
    taken = money(dispute.amount, dispute.currency)
    won = dispute.status == WON
    report = _report(
        told,
        payment_id=payment_id,
        standing=Standing.REINSTATED if won else Standing.DISPUTED,
        amount=taken,
        disputed=taken,
    )
    return replace(report, reinstated=taken if won else None, dispute=dispute.id)


def of_invoice(invoice: Invoice, told: Told) -> PaymentReport:
    """A paid bill of a subscription; one paid outside of Stripe goes by its own id."""
    return _report(
        told,
        payment_id=invoice.intent or invoice.id,
        standing=Standing.PAID,
        amount=money(invoice.amount_paid, invoice.currency),
        order_id=_order(invoice.metadatas),
    )


def money(units: int, currency: str) -> Money:
    """Stripe's minor units as money; raises `ValueError` where the ledger could not keep it."""
    code = currency.upper()
    if code in TWO_DECIMALS:
        return Money.of(Decimal(units).scaleb(-2), code)
    return Money.of_minor(units, code)


def units(price: Money) -> int:
    """Money in Stripe's minor units; raises `ValueError` for parts of one."""
    digits = 2 if price.currency in TWO_DECIMALS else minor_digits(price.currency)
    scaled = price.amount.scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{price} has parts of a minor unit")
    return int(scaled)


def order_of(metadata: Metadata | None) -> OrderId | None:
    """The order that metadata name; what is no word is no order of ours."""
    found = (metadata or {}).get(ORDER_KEY)
    return OrderId(found) if isinstance(found, str) and _ORDER_ID.fullmatch(found) else None


def _order(places: Iterable[Metadata | None]) -> OrderId | None:
    return next((found for found in map(order_of, places) if found is not None), None)


def _fee(charge: str | Charge | None) -> Money | None:
    """Stripe's fee, where it was taken in the currency of the charge."""
    booked = charge.balance_transaction if isinstance(charge, Charge) else None
    if isinstance(charge, Charge) and isinstance(booked, BalanceTransaction):
        fee = money(booked.fee, booked.currency)
        return fee if fee.currency == charge.currency.upper() else None
    return None


def _report(
    told: Told,
    *,
    payment_id: str,
    standing: Standing,
    amount: Money,
    order_id: OrderId | None = None,
    refunded: Money | None = None,
    disputed: Money | None = None,
    fee: Money | None = None,
) -> PaymentReport:
    return PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId(payment_id),
        standing=standing,
        amount=amount,
        live=told.live,
        order_id=order_id,
        refunded=refunded,
        disputed=disputed,
        fee=fee,
        at=told.at,
    )
