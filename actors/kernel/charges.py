"""Payments as providers report them: rails, standings, reports. Pure.

A *report* is what one provider says about one charge of its own, whoever brought it (a webhook,
a re-read, a reconciliation). Reports come late, twice and out of order: `Standing.rank` says
which of two is the newer fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.money import Money


class Rail(StrEnum):
    """The ways on which money comes in."""

    STARS = "stars"
    """Telegram Stars (XTR)."""
    TELEGRAM = "telegram"
    """Telegram Payments through a provider token."""
    STRIPE = "stripe"
    YOOKASSA = "yookassa"
    NOWPAYMENTS = "nowpayments"


class Standing(StrEnum):
    """How a charge stands, in the provider's own eyes; `unknown` is never reported."""

    WAITING = "waiting"
    """Nothing has been paid yet."""
    PROCESSING = "processing"
    """Money is on its way: being confirmed, or a delayed method."""
    PARTIAL = "partial"
    """Less than was asked for has arrived; the rest may follow."""
    PAID = "paid"
    """It has arrived, all of `PaymentReport.amount`."""
    EXPIRED = "expired"
    """Nobody paid in time. Money may still come (NOWPayments: a late deposit)."""
    FAILED = "failed"
    """It was refused or cancelled; this charge will not be paid."""
    REFUNDED = "refunded"
    """Some or all of it was given back: `PaymentReport.refunded`."""
    DISPUTED = "disputed"
    """The payer's bank took it back (a chargeback)."""
    REINSTATED = "reinstated"
    """The dispute was won: `PaymentReport.reinstated` of what the bank took is here again."""

    @property
    def rank(self) -> int:
        """Of two reports on one charge, the one of the higher rank is the newer fact."""
        return _RANKS[self]


_RANKS = {
    Standing.WAITING: 0,
    Standing.PROCESSING: 1,
    Standing.EXPIRED: 2,
    Standing.PARTIAL: 3,
    Standing.FAILED: 4,
    Standing.PAID: 5,
    Standing.REFUNDED: 6,
    Standing.DISPUTED: 7,
    Standing.REINSTATED: 8,
}
"""No two are the same: whichever of two reports comes first, the same one is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReport:
    """What a provider says about one of its charges, read strictly and compared with nothing.

    `payment_id` is the charge's own id, the same in every report on it (Stripe: the
    PaymentIntent, or the Checkout Session where nothing had to be paid; Telegram:
    `telegram_payment_charge_id`). `amount` is what has arrived so far, in the currency of the
    price; `refunded` and `disputed` (what the payer's bank took back; None in a report that is
    `disputed` means all of `amount`) and `reinstated` (what came again of that) are totals in the
    same currency, `fee` is one in its own. `dispute` is the provider's own id of the
    dispute: a report that names one is the bank's, and its `amount` is no receipt.
    `order_id` is what the charge carries for us, None where it carries nothing. `parent` is the
    charge to whose address an additional deposit was made (NOWPayments' `parent_payment_id`):
    it never pays an order by itself.
    """

    rail: Rail
    payment_id: PaymentId
    standing: Standing
    amount: Money
    live: bool
    order_id: OrderId | None = None
    refunded: Money | None = None
    disputed: Money | None = None
    reinstated: Money | None = None
    dispute: str | None = None
    fee: Money | None = None
    parent: PaymentId | None = None
    at: datetime | None = None
    """The provider's own time of this state, where it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One charge as all reports on it together tell (`settlement.observe`). It only moves
    forward: `standing` by rank, `received`, `refunded`, `disputed`, `reinstated` and `fee` by
    growing.

    `chat_id` is the customer of `order_id`, None while no order of ours is known for the charge.
    `version` counts the changes; `news_version` is the newest of them that the order has to know,
    `recorded_version` the newest that it has recorded.
    """

    rail: Rail
    payment_id: PaymentId
    standing: Standing
    received: Money
    refunded: Money
    disputed: Money
    reinstated: Money
    fee: Money | None
    live: bool
    order_id: OrderId | None
    chat_id: ChatId | None
    parent: PaymentId | None
    version: int
    dispute: str | None = None
    news_version: int = 0
    recorded_version: int = 0

    @property
    def unrecorded(self) -> bool:
        """The order has yet to record the newest news."""
        return self.recorded_version < self.news_version
