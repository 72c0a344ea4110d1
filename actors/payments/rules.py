"""The words of an order's life: events, effects, guards and changes.

Each guard and each change has the name under which docs/orders.md shows it. All of it is pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from actors.kernel.charges import Rail
from actors.payments.orders import Order, State

OVERTIME_SECONDS = 600
"""An order is kept open for so long after `expires_at`: news of a payment takes its time."""


class Event(StrEnum):
    """What can happen to an order."""

    OPENED = "opened"
    """The provider collects the money."""
    DECLINED = "declined"
    """The provider never will."""
    POSTPONED = "postponed"
    """The provider does not answer: it is asked again."""
    ON_THE_WAY = "on_the_way"
    PAID_SHORT = "paid_short"
    PAID_IN_FULL = "paid_in_full"
    STRANGE = "strange"
    """Money of another currency or mode, or to the address of an earlier charge."""
    CHARGE_FAILED = "charge_failed"
    CHARGE_EXPIRED = "charge_expired"
    PARTLY_REFUNDED = "partly_refunded"
    WHOLLY_REFUNDED = "wholly_refunded"
    TAKEN_BACK = "taken_back"
    """A chargeback."""
    REINSTATED = "reinstated"
    """The dispute was won: no bank has any of it any more."""
    NOTHING_NEW = "nothing_new"
    TIMED_OUT = "timed_out"
    CANCEL = "cancel"
    """The customer does not want it any more."""
    TAKE = "take"
    """The customer wants it although he paid late."""
    ACCEPT = "accept"
    """An operator says that it counts as paid."""
    DISMISS = "dismiss"
    """An operator has seen to it, and there is nothing more to do."""
    DELIVERED = "delivered"
    """Telegram shows what was bought."""


class Effect(StrEnum):
    """What has to be done outside after the order was saved."""

    OPEN = "open"
    DELIVER = "deliver"


class Remark(StrEnum):
    """What the bubble of a pressed button says."""

    CANCELLED = "cancelled"
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    TAKEN = "taken"
    NOT_SOLD_ANY_MORE = "not_sold_any_more"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An event and what came with it."""

    event: Event
    checkout_id: str = ""
    url: str = ""
    retry_at: datetime | None = None
    still_sold: bool = False
    """The same is still on sale at the same price."""


Guard = Callable[[Order, Occurrence, datetime], bool]
Change = Callable[[Order, Occurrence, datetime], Order]


def past_expiry(order: Order, _heard: Occurrence, now: datetime) -> bool:
    """It is too late to begin to pay."""
    return now >= order.expires_at


def in_time(order: Order, _heard: Occurrence, now: datetime) -> bool:
    """It would still be open if nothing strange had happened."""
    return order.sold is None and now < order.expires_at + timedelta(seconds=OVERTIME_SECONDS)


def never_sold(order: Order, _heard: Occurrence, _now: datetime) -> bool:
    """It was not sold before."""
    return order.sold is None


def may_be_tried_again(order: Order, _heard: Occurrence, now: datetime) -> bool:
    """Another coin of the same NOWPayments invoice may pay for it: each is a charge with an
    expiry of its own, and the order has time left.
    """
    return order.rail is Rail.NOWPAYMENTS and now < order.expires_at


def still_sold(order: Order, heard: Occurrence, _now: datetime) -> bool:
    """The same is still on sale at the same price, all of which is still here."""
    return heard.still_sold and not order.missing


def nothing_left(order: Order, _heard: Occurrence, _now: datetime) -> bool:
    """Meanwhile all of it went back."""
    return not order.kept


def was_granted(order: Order, _heard: Occurrence, _now: datetime) -> bool:
    """What was bought was there before."""
    return order.sold is not None and order.former is not State.PAID


def was_paid(order: Order, _heard: Occurrence, _now: datetime) -> bool:
    """What was bought was on its way."""
    return order.sold is not None


def all_here(order: Order, _heard: Occurrence, _now: datetime) -> bool:
    """The whole price is here again."""
    return not order.missing


def take_checkout(order: Order, heard: Occurrence, _now: datetime) -> Order:
    """Remember where it is paid."""
    return replace(order, checkout_id=heard.checkout_id, url=heard.url)


def count_attempt(order: Order, _heard: Occurrence, _now: datetime) -> Order:
    """One more attempt failed."""
    return replace(order, attempts=order.attempts + 1)


def note_state(order: Order, _heard: Occurrence, _now: datetime) -> Order:
    """Remember where it stood."""
    return replace(order, former=order.state)


def dismiss(order: Order, _heard: Occurrence, _now: datetime) -> Order:
    """Remember that somebody has seen to it."""
    return replace(order, dismissed=True)


def book_sale(order: Order, _heard: Occurrence, now: datetime) -> Order:
    """Remember what it was sold for, the first time."""
    sold = min(order.kept, order.price) if order.sold is None else order.sold
    return replace(order, sold=sold, paid_at=now)
