"""What follows from a provider's report on one of its charges. Pure.

Reports come late, twice and out of order. Whatever is kept of a charge therefore only grows,
and the greater is kept: any order of the same reports, with any repetitions, ends in the same
payment and the same balances. What has grown is booked, under a key that holds the new total, so
that no fact can be booked twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from actors.kernel.charges import Payment, PaymentReport, Standing
from actors.kernel.ids import ChatId, OrderId
from actors.kernel.ledger import (
    FEES,
    REFUNDS,
    UNMATCHED,
    Account,
    Transfer,
    customer,
    provider,
    transfer,
)
from actors.kernel.money import Money

VISIBLE = ("standing", "received", "refunded", "disputed", "reinstated", "chat_id")
"""Fields of a payment whose change is news for its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """What the books need to know of an order."""

    order_id: OrderId
    chat_id: ChatId


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What follows from a report: the payment as it is known now, and what is to be booked.

    Without `changed` there is nothing to keep. `news`: the order has to be told. `notice`: the
    first time that this charge is known as paid, which an administrator hears of.
    """

    after: Payment
    transfers: tuple[Transfer, ...] = ()
    changed: bool = False
    news: bool = False
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Incomparable:
    """Refused: the report contradicts what is known of its charge, so that no total of it can
    be compared. `why` in one line, for a person; nothing is changed.
    """

    why: str


def observe(
    before: Payment | None, report: PaymentReport, order: OrderView | None, *, live: bool
) -> Observation | Incomparable:
    """What the report changes. `order` is the one that the report or `before` names, None when
    it is not known. `live`: the shop takes real money, so that test money is kept and never booked.
    """
    why = _contradiction(before, report)
    if why:
        return Incomparable(why)
    old = before or _blank(report)
    after = _merged(old, report, order)
    if before is not None and after == before:
        return Observation(after=before)
    news = after.chat_id is not None and (before is None or _visibly(before, after))
    version = old.version + 1
    after = replace(after, version=version, news_version=version if news else old.news_version)
    booked = after.live or not live
    return Observation(
        after=after,
        transfers=tuple(_transfers(old, after)) if booked else (),
        changed=True,
        news=news,
        notice=booked and _is_paid(after) and not _is_paid(old),
    )


def _contradiction(before: Payment | None, report: PaymentReport) -> str:
    currency = report.amount.currency
    totals = (report.refunded, report.disputed, report.reinstated)
    back = [each for each in totals if each is not None]
    if any(each and each.amount < 0 for each in (report.amount, report.fee, *back)):
        return "a total is negative"
    if any(each.currency != currency for each in back):
        return "what was given back is in another currency than what was paid"
    if report.reinstated is not None and report.reinstated > _taken(report):
        return "more was won back than the bank took"
    if before is None:
        return ""
    if currency != before.received.currency:
        return f"paid in {currency}, and before in {before.received.currency}"
    fee, old_fee = report.fee, before.fee
    if fee is not None and old_fee is not None and fee.currency != old_fee.currency:
        return f"the fee is in {fee.currency}, and was in {old_fee.currency}"
    if report.dispute and before.dispute and report.dispute != before.dispute:
        return f"dispute {report.dispute} is not the first: before it there was {before.dispute}"
    if report.live != before.live:
        return "real money and test money in one charge"
    if report.order_id and before.order_id and report.order_id != before.order_id:
        return f"for order {report.order_id}, and before for {before.order_id}"
    return ""


def _blank(report: PaymentReport) -> Payment:
    """The charge before anything was known of it."""
    nothing = Money.zero(report.amount.currency)
    return Payment(
        rail=report.rail,
        payment_id=report.payment_id,
        standing=Standing.WAITING,
        received=nothing,
        refunded=nothing,
        disputed=nothing,
        reinstated=nothing,
        fee=None,
        live=report.live,
        order_id=None,
        chat_id=None,
        parent=None,
        version=0,
    )


def _merged(old: Payment, report: PaymentReport, order: OrderView | None) -> Payment:
    nothing = Money.zero(report.amount.currency)
    # A bank may take more than was paid, where its rate has moved: what it took is no receipt, and
    # the provider tells that himself, before or after.
    told_by_bank = report.dispute is not None
    order_id, chat_id = old.order_id or report.order_id, old.chat_id
    if order is not None and order.order_id == order_id and chat_id is None:
        chat_id = order.chat_id
    return replace(
        old,
        standing=max(old.standing, report.standing, key=lambda standing: standing.rank),
        received=old.received if told_by_bank else max(old.received, report.amount),
        refunded=max(old.refunded, report.refunded or nothing),
        disputed=max(old.disputed, _taken(report)),
        reinstated=max(old.reinstated, report.reinstated or nothing),
        dispute=old.dispute or report.dispute,
        fee=max((each for each in (old.fee, report.fee) if each is not None), default=None),
        order_id=order_id,
        chat_id=chat_id,
        parent=old.parent or report.parent,
    )


def _taken(report: PaymentReport) -> Money:
    """What the payer's bank has taken, as far as this report tells."""
    if report.disputed is not None:
        return report.disputed
    if report.standing.rank >= Standing.DISPUTED.rank:
        return report.amount
    return Money.zero(report.amount.currency)


def _visibly(before: Payment, after: Payment) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in VISIBLE)


def _is_paid(payment: Payment) -> bool:
    return payment.standing.rank >= Standing.PAID.rank and bool(payment.received)


def _transfers(old: Payment, new: Payment) -> Iterator[Transfer]:
    key, held = f"{new.rail}:{new.payment_id}", provider(new.rail)
    theirs, given_back = _accounts(new)
    gone = old.refunded + old.disputed - old.reinstated
    if old.chat_id != new.chat_id and (old.received or gone):
        yield transfer(
            f"{key}:match",
            (UNMATCHED, old.received - gone),
            (theirs, -old.received),
            (given_back, gone),
        )
    steps: tuple[tuple[str, Money | None, Money | None, Account, Account], ...] = (
        ("receipt", old.received, new.received, held, theirs),
        ("refund", old.refunded, new.refunded, given_back, held),
        ("chargeback", old.disputed, new.disputed, given_back, held),
        ("reinstated", old.reinstated, new.reinstated, held, given_back),
        ("fee", old.fee, new.fee, FEES, held),
    )
    for kind, before, total, gains, gives in steps:
        grown = total if before is None or total is None else total - before
        if grown and total:
            yield transfer(f"{key}:{kind}:{total.text}", (gains, grown), (gives, -grown))


def _accounts(payment: Payment) -> tuple[Account, Account]:
    """Whose the money is that came in, and where it is counted when it goes back."""
    if payment.chat_id is None:
        return UNMATCHED, UNMATCHED
    return customer(payment.chat_id), REFUNDS
