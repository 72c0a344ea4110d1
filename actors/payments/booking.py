"""What an order books: its sale, and what of the money that went back was the customer's. Pure.

The tracker books what providers do: a receipt makes us owe it to the customer, what goes back is
our loss (`refunds`). For goods that were sold that is all. Money for which nothing was sold (an
order that was never granted, a second payment, a deposit to an old address) is owed to him only as
long as it is here: what went back of it is moved from `refunds` to his account.

So for every order, in each currency:

```
owed to the customer = received - sold - returned
returned             = what went back, of what paid for the order at most received - sold
```
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.kernel import ledger
from actors.kernel.ledger import Transfer
from actors.kernel.money import Currency, Money
from actors.payments.orders import Charge, Order


def transfers(before: Order, after: Order) -> tuple[Transfer, ...]:
    """What has to be booked with this change; `before` is the order as it was kept."""
    booked = []
    if after.sold and before.sold is None:
        booked.append(ledger.sale(after.order_id, after.chat_id, after.sold))
    for currency in sorted({charge.received.currency for charge in after.charges}):
        change = _returned(after, currency) - _returned(before, currency)
        if change:
            fact = f"{currency}:{_totals(after, currency)}"
            booked.append(ledger.returned(after.order_id, after.chat_id, change, fact=fact))
    return tuple(booked)


def _returned(order: Order, currency: Currency) -> Money:
    """What went back, and was the customer's."""
    paying: list[Charge] = []
    others: list[Charge] = []
    for charge in _booked(order, currency):
        (paying if order.counts(charge) else others).append(charge)
    back = _sum((charge.received - charge.kept for charge in paying), currency)
    received = _sum((charge.received for charge in paying), currency)
    sold = order.sold if paying and order.sold is not None else Money.zero(currency)
    rest = (charge.received - charge.kept for charge in others)
    return min(back, received - sold) + _sum(rest, currency)


def _totals(order: Order, currency: Currency) -> str:
    """Names what is known of the charges: each of the three only grows."""
    charges = _booked(order, currency)
    received = _sum((charge.received for charge in charges), currency)
    gone = _sum((charge.refunded + charge.disputed for charge in charges), currency)
    won = _sum((charge.won for charge in charges), currency)
    return f"{received.text}:{gone.text}:{won.text}"


def _booked(order: Order, currency: Currency) -> list[Charge]:
    """Its charges in this currency; test money in a shop that takes real money is never booked."""
    return [
        charge
        for charge in order.charges
        if charge.received.currency == currency and (charge.live or not order.live)
    ]


def _sum(amounts: Iterable[Money], currency: Currency) -> Money:
    return sum(amounts, start=Money.zero(currency))
