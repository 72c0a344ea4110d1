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


class Concern(StrEnum):
    """Why a person has to look at an order."""

    LATE = "late"
    """Paid in full after it had ended, and the buyer has not chosen yet."""
    HELD = "held"
    """Money that does not fit it, or too little of it."""
    DISPUTED = "disputed"
    """The payer's bank took money back."""
    SURPLUS = "surplus"
    """More than the price is here: paid twice, or to an old address. It is the buyer's."""
    STRANGE = "strange"
    """Bought, and money of another currency or mode came besides. It is the buyer's."""


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
UNSETTLED = (*ALIVE, *ENDED)
"""States in which no money has decided anything yet; it may still come."""

_CONCERNS = {
    State.LATE: Concern.LATE,
    State.HELD: Concern.HELD,
    State.DISPUTED: Concern.DISPUTED,
}


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
    reinstated: Money | None = None
    """None where nothing ever came again."""

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
            reinstated=payment.reinstated or None,
        )

    @property
    def won(self) -> Money:
        """What came again of what a bank had taken."""
        return self.reinstated or Money.zero(self.received.currency)

    @property
    def taken(self) -> Money:
        """What a bank has taken, and has still."""
        return self.disputed - self.won

    @property
    def kept(self) -> Money:
        """What has arrived and was neither given back nor taken back; never below nothing, also
        where a bank took what had been refunded.
        """
        here = self.received - self.refunded - self.taken
        return max(here, Money.zero(here.currency))


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
    former: State | None = None
    """Where it stood when a bank took money of it."""
    dismissed: bool = False
    """An operator has seen to it; news of a charge are another matter."""

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
    def gone(self) -> Money:
        """All that ever went back: refunds, and what a bank took. It only grows."""
        return self._sum(charge.refunded + charge.disputed for charge in self.counted)

    @property
    def won(self) -> Money:
        """All that ever came again after a dispute. It only grows."""
        return self._sum(charge.won for charge in self.counted)

    @property
    def given_back(self) -> Money:
        """What went back: refunds, and what a bank took and has."""
        return self.gone - self.won

    @property
    def concern(self) -> Concern | None:
        """Why a person has to look at it; None once one has."""
        if self.dismissed:
            return None
        if self.state in _CONCERNS:
            return _CONCERNS[self.state]
        if self.surplus:
            return Concern.SURPLUS
        return Concern.STRANGE if any(charge.kept for charge in self.strange) else None

    @property
    def missing(self) -> Money:
        """What is still to be paid."""
        return max(self.price - self.kept, Money.zero(self.price.currency))

    @property
    def surplus(self) -> Money:
        """What was paid beyond the price (or what it was sold for), re-deposits and charges that
        failed included, and did not go back.
        """
        extra = self._sum(
            charge.kept
            for charge in self.charges
            if self._fits(charge) and self._comes_besides(charge)
        )
        due = self.price if self.sold is None else self.sold
        over = max(self.kept - due, Money.zero(due.currency))
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
        """Whether this charge can pay for it; one that failed although money came cannot, unless
        it was sold for that money before.
        """
        return self._fits(charge) and not self._comes_besides(charge)

    def knows(self, payment_id: PaymentId, version: int) -> bool:
        """Whether it has heard of this state of a charge."""
        known = (each for each in self.charges if each.payment_id == payment_id)
        return any(charge.version >= version for charge in known)

    def with_charge(self, charge: Charge) -> Order:
        """The order that knows this of a charge; whoever has seen to it has not seen this."""
        others = tuple(each for each in self.charges if each.payment_id != charge.payment_id)
        return replace(self, charges=(*others, charge), dismissed=False)

    def _fits(self, charge: Charge) -> bool:
        return charge.live is self.live and charge.received.currency == self.price.currency

    def _comes_besides(self, charge: Charge) -> bool:
        failed = charge.standing is Standing.FAILED and self.sold is None
        return failed or charge.parent is not None

    def _sum(self, amounts: Iterable[Money]) -> Money:
        total = sum((amount.amount for amount in amounts), start=Decimal(0))
        return Money(total, self.price.currency)
