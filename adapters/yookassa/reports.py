"""What a payment object of YooKassa means to us (contract, sections 2.2 and 2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money

STATUSES = ("pending", "waiting_for_capture", "succeeded", "canceled")
RAN_OUT = ("expired_on_confirmation", "expired_on_capture")
"""Reasons of a cancellation that nobody decided: the payer came too late."""
ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
ORDER_ID = re.compile(r"[\x21-\x7e]{1,64}")


class Unreadable(ValueError):  # noqa: N818 - a verdict
    """The object is not what YooKassa describes; the text says which field, not its value."""


def report_of(payment: Mapping[str, Any]) -> PaymentReport | None:
    """What the object says; None for a status that nobody has heard of. Raises `Unreadable`.

    `succeeded` counts with `paid` alone. The fee is what YooKassa keeps (`amount` less
    `income_amount`), of a refunded payment too: it is not given back.
    """
    status = payment.get("status")
    if status not in STATUSES:
        return None
    asked, refunded = _money(payment, "amount"), _money(payment, "refunded_amount")
    if asked is None or not asked.amount:
        raise Unreadable("amount is missing")
    if status == "succeeded" and payment.get("paid") is not True:
        raise Unreadable("succeeded, and yet not paid")
    if refunded is not None and refunded.currency != asked.currency:
        raise Unreadable("refunded_amount is in another currency than amount")
    has_arrived = status == "succeeded"
    standing = _standing(payment, refunded)
    return PaymentReport(
        rail=Rail.YOOKASSA,
        payment_id=payment_id(payment),
        standing=standing,
        amount=asked if has_arrived else Money.zero(asked.currency),
        live=_is_live(payment),
        order_id=_order_id(payment),
        refunded=refunded if standing is Standing.REFUNDED else None,
        fee=_fee(payment, asked) if has_arrived else None,
        at=_moment(payment.get("captured_at")) if has_arrived else None,
    )


def payment_id(of: Mapping[str, Any], field: str = "id") -> PaymentId:
    """A payment's id: `id` of a payment, `payment_id` of a refund. Raises `Unreadable`."""
    value = of.get(field)
    if not isinstance(value, str) or ID.fullmatch(value) is None:
        raise Unreadable(f"{field} is no id")
    return PaymentId(value)


def _standing(payment: Mapping[str, Any], refunded: Money | None) -> Standing:
    match payment.get("status"):
        case "succeeded":
            return Standing.REFUNDED if refunded else Standing.PAID
        case "canceled":
            details = payment.get("cancellation_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            return Standing.EXPIRED if reason in RAN_OUT else Standing.FAILED
        case "waiting_for_capture":
            return Standing.PROCESSING
        case _:
            return Standing.WAITING


def _fee(payment: Mapping[str, Any], asked: Money) -> Money | None:
    income = _money(payment, "income_amount")
    if income is None or income.currency != asked.currency or income > asked:
        return None
    return asked - income


def _money(payment: Mapping[str, Any], field: str) -> Money | None:
    """`{"value": "990.00", "currency": "RUB"}`; None where there is none."""
    value = payment.get(field)
    if value is None:
        return None
    try:
        money = Money.of(_string(value["value"]), _string(value["currency"]))
    except (KeyError, TypeError, ValueError):
        raise Unreadable(f"{field} is no money") from None
    if money.amount < 0:
        raise Unreadable(f"{field} is below zero")
    return money


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("YooKassa writes amounts as texts")
    return value


def _is_live(payment: Mapping[str, Any]) -> bool:
    """A test shop shares the host of the others; each object says whose it is."""
    test = payment.get("test")
    if not isinstance(test, bool):
        raise Unreadable("test is missing")
    return not test


def _order_id(payment: Mapping[str, Any]) -> OrderId | None:
    metadata = payment.get("metadata")
    value = metadata.get("order_id") if isinstance(metadata, dict) else None
    if value is None or value == "":
        return None
    if not isinstance(value, str) or ORDER_ID.fullmatch(value) is None:
        raise Unreadable("metadata.order_id is none of ours")
    return OrderId(value)


def _moment(value: object) -> datetime | None:
    """ISO 8601 in UTC; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        told = datetime.fromisoformat(value)
        return told.replace(tzinfo=told.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
