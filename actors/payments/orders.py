"""An order: what somebody wants to buy, on which rail, at the price of that moment. Pure.

An order remembers each charge made for it, as far as it has heard of it. What counts for it is
derived from those: charges of the order's own currency and mode (live or test), made to the
order itself. Whatever else arrives is never counted, and never forgotten either: it is shown,
and a person looks at it. Where an order stands is `life`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from actors.kernel.charges import Payment, Rail, Standing
from actors.kernel.ids import ChatId, MessageId, OrderId, PaymentId, ProductId
from actors.kernel.language import Language
from actors.kernel.money import Money


class State(StrEnum):
    """Where an order stands."""

    OPENING = "opening"
    """It is kept, and the provider is being asked to collect the money."""
    WAITING = "waiting"
    """It can be paid."""
    PROCESSING = "processing"
    """Money is on its way."""
    UNDERPAID = "underpaid"
    """Less than the price has arrived; the rest may follow."""
    PAID = "paid"
    """It is paid, and what was bought is on its way to the chat."""
    GRANTED = "granted"
    """Telegram has confirmed that it is there."""
    LATE = "late"
    """The whole price arrived after the order had ended: the customer or a person decides."""
    HELD = "held"
    """Money arrived that does not fit the order: a person has to look."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The provider will not collect the money, or refused the charge."""
    REFUNDED = "refunded"
    """All of the money went back."""
    DISPUTED = "disputed"
    """The payer's bank took money back."""


ALIVE = (State.OPENING, State.WAITING, State.PROCESSING, State.UNDERPAID)
"""States of which a chat has at most one order for the same product on the same rail."""
ENDED = (State.EXPIRED, State.CANCELLED, State.FAILED)
DONE = (State.PAID, State.GRANTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One charge as the order has heard of it last (`model.Payment` without what is not for it)."""

    payment_id: PaymentId
    version: int
    standing: Standing
    received: Money
    refunded: Money
    disputed: Money
    live: bool
    parent: PaymentId | None = None

    @classmethod
    def of(cls, payment: Payment) -> Charge:
        """What the order remembers of `payment`."""
        return cls(
            payment_id=payment.payment_id,
            version=payment.version,
            standing=payment.standing,
            received=payment.received,
            refunded=payment.refunded,
            disputed=payment.disputed,
            live=payment.live,
            parent=payment.parent,
        )

    @property
    def kept(self) -> Money:
        """What has arrived and was neither given back nor taken back."""
        return self.received - self.refunded - self.disputed


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order, as it is kept. Times are aware UTC; texts are plain, in the buyer's language,
    and are a snapshot like the price: later changes of the catalogue are for later orders.
    """

    order_id: OrderId
    chat_id: ChatId
    product_id: ProductId
    rail: Rail
    title: str
    description: str
    goods: str
    language: Language
    price: Money
    live: bool
    """Whether real money pays for it."""
    created_at: datetime
    expires_at: datetime
    """Until then it can be paid, as customer and provider were told."""
    state: State = State.OPENING
    version: int = 0
    """Counts the saves; 0 is not kept yet."""
    charges: tuple[Charge, ...] = ()
    checkout_id: str | None = None
    url: str | None = None
    """Where it is paid."""
    attempts: int = 0
    """Failed attempts to open the checkout."""
    sold: Money | None = None
    """What was booked as its sale."""
    paid_at: datetime | None = None
    deadline: datetime | None = None
    """When the state's time is up: it ends, or is tried again."""
    deliver_by: datetime | None = None
    """When what was bought is told again to a dispatcher that did not confirm it."""
    view_version: int = 0
    shown_version: int = 0
    show_by: datetime | None = None
    """When a panel that nobody confirmed is shown again."""
    panel_message_id: MessageId | None = None
    stray_message_id: MessageId | None = None
    """A panel that a newer one has replaced; erased as soon as that was saved."""
    renew: bool = False
    """The panel must come as a new message at the bottom of the chat."""

    @property
    def due_at(self) -> datetime | None:
        """When the order wants to be looked at next."""
        times = (self.deadline, self.deliver_by, self.show_by)
        return min(filter(None, times), default=None)

    @property
    def unshown(self) -> bool:
        """The user has not seen the newest panel."""
        return self.shown_version < self.view_version

    @property
    def counted(self) -> tuple[Charge, ...]:
        """The charges that can pay for it."""
        return tuple(charge for charge in self.charges if self.counts(charge))

    @property
    def kept(self) -> Money:
        """What it was paid, less what went back."""
        return self._sum(charge.kept for charge in self.counted)

    @property
    def given_back(self) -> Money:
        """What went back: refunds, and what a bank took."""
        return self._sum(charge.refunded + charge.disputed for charge in self.counted)

    @property
    def missing(self) -> Money:
        """What is still to be paid."""
        return max(self.price - self.kept, Money.zero(self.price.currency))

    @property
    def surplus(self) -> Money:
        """What was paid beyond the price, re-deposits included, and did not go back."""
        extra = self._sum(charge.kept for charge in self.charges if self._redeposit(charge))
        over = max(self.kept - self.price, Money.zero(self.price.currency))
        return over + extra

    @property
    def strange(self) -> tuple[Charge, ...]:
        """Charges with money in them that can never be for this order: another currency or mode."""
        return tuple(
            charge for charge in self.charges if not self._fits(charge) and charge.received
        )

    @property
    def coming(self) -> bool:
        """Money for it is on its way."""
        return any(charge.standing is Standing.PROCESSING for charge in self.charges)

    def counts(self, charge: Charge) -> bool:
        """Whether this charge can pay for it."""
        return self._fits(charge) and charge.parent is None

    def knows(self, payment_id: PaymentId, version: int) -> bool:
        """Whether it has heard of this state of a charge."""
        known = (each for each in self.charges if each.payment_id == payment_id)
        return any(charge.version >= version for charge in known)

    def with_charge(self, charge: Charge) -> Order:
        """The order that knows this of a charge."""
        others = tuple(each for each in self.charges if each.payment_id != charge.payment_id)
        return replace(self, charges=(*others, charge))

    def _fits(self, charge: Charge) -> bool:
        return charge.live is self.live and charge.received.currency == self.price.currency

    def _redeposit(self, charge: Charge) -> bool:
        return self._fits(charge) and charge.parent is not None

    def _sum(self, amounts: Iterable[Money]) -> Money:
        total = sum((amount.amount for amount in amounts), start=Decimal(0))
        return Money(total, self.price.currency)
