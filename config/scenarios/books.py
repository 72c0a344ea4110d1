"""What must be true of a market when everything has come to rest: events, orders, the ledger.

The providers' own lists are one side, the tables of the bot the other; nothing is left between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actors.ingress.model import EventState, SourceName
from actors.kernel.charges import Rail
from actors.kernel.ledger import (
    FEES,
    SALES,
    UNMATCHED,
    Account,
    added_up,
    customer,
    imbalance,
    provider,
)
from actors.kernel.money import Currency, Money
from actors.payments.orders import DONE, Order, State
from config.scenarios.market import Market
from runtime.testing.simulation import PropertyError

SOURCES = {
    Rail.STRIPE: SourceName.STRIPE,
    Rail.YOOKASSA: SourceName.YOOKASSA,
    Rail.NOWPAYMENTS: SourceName.NOWPAYMENTS,
}
NAMED_ALIKE = (Rail.STRIPE, Rail.YOOKASSA)
"""Whose webhooks are stored under the names that the sandbox gives them."""
OPEN = frozenset({EventState.PENDING, EventState.PARKED})
TAKEN_BACK = frozenset({State.REFUNDED, State.DISPUTED})


def check_books(market: Market) -> None:
    """Raise `PropertyError` with what is wrong, the first five of it."""
    faults = [*_events(market), *_orders(market), *_ledger(market), *market.office.faults()]
    if faults:
        raise PropertyError("\n".join(faults[:5]))


def _events(market: Market) -> Iterator[str]:
    """What was acknowledged is stored, and worked off."""
    tables = market.tables
    for rail, source in SOURCES.items():
        stored = Counter(name for name, _ in tables.event_keys)[source]
        told = {sending.name for sending in market.sendings(rail) if sending.delivered}
        for name in sorted(told) if rail in NAMED_ALIKE else ():
            if (source, name) not in tables.event_keys:
                yield f"event {name} was acknowledged and is not stored"
        if stored < len(told):
            yield f"{len(told)} events of {rail} were acknowledged, {stored} are stored"
    for event_id, row in tables.events.items():
        if row.state in OPEN:
            yield f"event {event_id}, {row.event.kind}, is {row.state}: {row.outcome}"
    for charge in tables.charges.values():
        if charge.unrecorded:
            yield f"no order has recorded {charge}"


def _orders(market: Market) -> Iterator[str]:
    """What was paid for is granted or given back, and nothing else."""
    for pages in (_stripe_pages(market), _yookassa_pages(market)):
        for order_id, number in pages.items():
            if number != 1:
                yield f"order {order_id} has {number} pages"
    for order_id, row in market.tables.orders.items():
        order, taken, gone = row.order, market.taken(order_id), market.gone(order_id)
        if not taken and order.state in {*DONE, *TAKEN_BACK}:
            yield f"nothing was taken for {order}"
        elif taken and gone and order.state not in TAKEN_BACK:
            yield f"{gone} of {taken} went back for {order}"
        elif taken and not gone and not _is_granted(order):
            yield f"{taken} were taken for {order}"


def _is_granted(order: Order) -> bool:
    return order.state is State.GRANTED and order.sold == order.price


def _stripe_pages(market: Market) -> Counter[str]:
    sessions = market.stripe.sandbox.checkouts.sessions.values()
    return Counter(session["client_reference_id"] for session in sessions)


def _yookassa_pages(market: Market) -> Counter[str]:
    payments = market.yookassa.sandbox.payments.values()
    return Counter(payment["metadata"]["order_id"] for payment in payments)


def _ledger(market: Market) -> Iterator[str]:
    """Each payment is booked once, each sale once, and nothing is off."""
    ledger = market.tables.ledger
    balances = {(e.account, e.amount.currency): e.amount for e in added_up(ledger.entries())}
    if balances != ledger.balances:
        yield "the balances are not the sums of the entries"
    if off := imbalance(ledger.entries()):
        yield f"the ledger is off by {', '.join(map(str, off))}"
    currencies = {each.currency for each in market.providers.values()}
    for currency in sorted(currencies):

        def of(account: Account, currency: Currency = currency) -> Money:
            return balances.get((account, currency), Money.zero(currency))

        nothing = Money.zero(currency)
        rails = [each.rail for each in market.providers.values() if each.currency == currency]
        kept = sum((market.all_taken(r) - market.all_gone(r) for r in rails), nothing)
        booked = sum((of(provider(rail)) for rail in rails), of(FEES))
        if booked != kept:
            yield f"{' and '.join(rails)} keep {kept}, booked are {booked}"
        orders = [
            r.order for r in market.tables.orders.values() if r.order.price.currency == currency
        ]
        sold = sum((order.sold for order in orders if order.sold is not None), nothing)
        if of(SALES) != -sold:
            yield f"goods for {sold} were granted, booked are {-of(SALES)}"
        for chat_id in sorted({order.chat_id for order in orders}):
            if left := of(customer(chat_id)):
                yield f"chat {chat_id} is served, and has {left} in its account"
        if left := of(UNMATCHED):
            yield f"{left} belong to nobody"
    sales = sum(key.endswith(":sale") for key in ledger.transfers)
    if sales != sum(row.order.sold is not None for row in market.tables.orders.values()):
        yield f"{sales} sales are booked"
