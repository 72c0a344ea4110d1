"""What operators do about orders: accept, dismiss, give money back. Pure.

Whatever is done is written down with who did it and why (`Deed`). Money is given back by a
`Refund`: how much of one charge is to have gone back in all, `total`. The same total again is the
same refund, so that telling it twice gives nothing back twice; only one of a charge is open at a
time, because the amount of the next depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.money import Money
from actors.payments.orders import Charge, Order

UNSHOWN = timedelta(days=1)
"""A refund that is done and shown by no report for so long may not have gone back after all."""
KEY_LENGTH = 40
"""Of the names of refunds; YooKassa takes 64 characters."""


class What(StrEnum):
    """The kinds of deeds."""

    ACCEPT = "accept"
    DISMISS = "dismiss"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an operator did about an order: kept in the transaction that did it.

    `deed_id` makes it one however often it is told; `who` is the name of the token that was used,
    `why` what the operator wrote.
    """

    deed_id: UUID
    order_id: OrderId
    what: What
    who: str
    why: str
    at: datetime


class RefundState(StrEnum):
    """Where a refund stands. The charge itself knows of it by its provider's reports alone."""

    PENDING = "pending"
    """Its provider is to be asked, or asked again under the same key; or he has it, and has yet
    to decide (`Refund.refund_id`)."""
    DONE = "done"
    """Its provider has taken it on."""
    DECLINED = "declined"
    """Its provider will not; nothing went back."""
    UNKNOWN = "unknown"
    """Nobody knows, and it is too late to ask again under the same key: a person has to look."""


OPEN = (RefundState.PENDING, RefundState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One amount on its way back. `round` counts the times that it was wanted after its provider
    had declined; `asked` how often the provider was asked in this round.
    """

    rail: Rail
    payment_id: PaymentId
    order_id: OrderId
    chat_id: ChatId
    received: Money
    """All that the charge brought."""
    total: Money
    amount: Money
    wanted_at: datetime
    due_at: datetime
    state: RefundState = RefundState.PENDING
    detail: str = ""
    round: int = 1
    asked: int = 0
    refund_id: str = ""
    """The provider's own id of it, where he has taken it without deciding at once."""

    @property
    def key(self) -> str:
        """Its name for the provider: asked again under it, nothing goes back twice."""
        named = f"{self.rail}:{self.payment_id}:{self.total}:{self.round}"
        return sha256(named.encode()).hexdigest()[:KEY_LENGTH]

    @property
    def whole(self) -> bool:
        """All that the charge brought goes back at once."""
        return self.amount == self.received


def is_going_back(order: Order, known: Iterable[Refund]) -> bool:
    """Whether money of the order is on its way back: wanted, and not declined, and its provider's
    report on the charge does not show it yet. `known` are all refunds of the order.
    """
    shown = {charge.payment_id: charge.refunded for charge in order.charges}
    return any(
        each.state in OPEN
        or (each.state is RefundState.DONE and each.total > shown[each.payment_id])
        for each in known
    )


@dataclass(frozen=True, slots=True)
class Impossible:
    """Refused; `why` in one sentence, for an operator."""

    why: str


def refund_of(
    order: Order,
    known: Iterable[Refund],
    *,
    payment_id: PaymentId | None,
    total: Money | None,
    now: datetime,
) -> Refund | Impossible:
    """What is to go back of a charge of the order, where `known` are its refunds so far.

    Without a `payment_id` the only charge with money is meant, without a `total` all of it. A
    refund that is known already is that one, tried anew where its provider had declined and, on
    the operator's word, where nobody knows what became of it, or no report shows it (`is_unshown`).
    """
    charge = _charge(order, payment_id)
    if isinstance(charge, Impossible):
        return charge
    mine = [each for each in known if each.payment_id == charge.payment_id]
    wanted = _total(charge, total)
    if isinstance(wanted, Impossible):
        return wanted
    known_as = next((each for each in mine if each.total == wanted), None)
    given = [each.total for each in mine if each.state is RefundState.DONE]
    amount = wanted - max([charge.refunded, *given])
    if known_as is not None and known_as.state is RefundState.UNKNOWN:
        return _again(known_as, amount, now=now)
    lost = known_as is not None and is_unshown(known_as, charge.refunded, now=now)
    if known_as is not None and known_as.state is not RefundState.DECLINED and not lost:
        return known_as
    if any(each.state in OPEN for each in mine):
        return Impossible("another refund of this charge is open: wait until it has ended")
    if known_as is not None and lost:
        return replace(_anew(known_as, now=now), round=known_as.round + 1, refund_id="")
    if amount.amount <= 0:
        return Impossible(f"{max([charge.refunded, *given])} of this charge went back already")
    return Refund(
        rail=order.rail,
        payment_id=charge.payment_id,
        order_id=order.order_id,
        chat_id=order.chat_id,
        received=charge.received,
        total=wanted,
        amount=amount,
        wanted_at=now,
        due_at=now,
        round=1 if known_as is None else known_as.round + 1,
    )


def is_unshown(refund: Refund, refunded: Money, *, now: datetime) -> bool:
    """Whether its provider took it on more than a day ago, and says of the charge that no more
    than `refunded` went back.
    """
    done = refund.state is RefundState.DONE and now - refund.due_at > UNSHOWN
    return done and refund.total > refunded


def _again(unknown: Refund, left: Money, *, now: datetime) -> Refund:
    """One that nobody knows about, asked for once more; less of it where only that is `left`,
    because somebody has given the rest by hand.
    """
    again = _anew(unknown, now=now)
    if unknown.refund_id or not 0 < left.amount < again.amount.amount:
        return again
    return replace(again, amount=left, round=again.round + 1)


def _anew(refund: Refund, *, now: datetime) -> Refund:
    return replace(refund, state=RefundState.PENDING, detail="", wanted_at=now, due_at=now)


def _charge(order: Order, payment_id: PaymentId | None) -> Charge | Impossible:
    if payment_id is not None:
        found = [each for each in order.charges if each.payment_id == payment_id]
        return found[0] if found else Impossible("the order has no such charge")
    paid = [each for each in order.charges if each.received]
    if not paid:
        return Impossible("nothing was paid for this order")
    if len(paid) > 1:
        named = ", ".join(each.payment_id for each in paid)
        return Impossible(f"money came with several charges, say which: {named}")
    return paid[0]


def _total(charge: Charge, total: Money | None) -> Money | Impossible:
    """How much is to have gone back in all; what a bank has taken cannot."""
    most = charge.received - charge.taken
    if total is None:
        return most or Impossible("the payer's bank has taken all of it")
    if total.currency != most.currency:
        return Impossible(f"the charge is in {most.currency}")
    if total.amount <= 0:
        return Impossible("what is to have gone back in all is more than nothing")
    if total.amount > most.amount:
        return Impossible(f"of this charge at most {most} can go back in all")
    try:
        total.minor  # noqa: B018 - whoever has it refuses what no provider could pay
    except ValueError as error:
        return Impossible(str(error))
    return total
