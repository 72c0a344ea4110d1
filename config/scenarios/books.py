"""What must be true of a market when everything has come to rest: events, orders, the ledger.

The providers' own lists are one side, the tables of the bot the other; nothing is left between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actors.ingress.model import EventState, SourceName
from actors.kernel.charges import Rail
from actors.kernel.ledger import FEES, SALES, Account, added_up, customer, imbalance, provider
from actors.kernel.money import STARS, Currency, Money
from actors.payments.orders import DONE, State
from config.scenarios.market import DOLLARS, Market
from runtime.testing.simulation import PropertyError

RAILS = ((Rail.STRIPE, DOLLARS), (Rail.STARS, STARS))
OPEN = frozenset({EventState.PENDING, EventState.PARKED})


def check_books(market: Market) -> None:
    """Raise `PropertyError` with what is wrong, the first five of it."""
    faults = [*_events(market), *_orders(market), *_ledger(market)]
    if faults:
        raise PropertyError("\n".join(faults[:5]))


def _events(market: Market) -> Iterator[str]:
    """What was acknowledged is stored, and worked off."""
    tables = market.tables
    for sending in market.stripe.deliveries.sendings:
        if sending.delivered and (SourceName.STRIPE, sending.name) not in tables.event_keys:
            yield f"event {sending.name} was acknowledged and is not stored"
    for event_id, row in tables.events.items():
        if row.state in OPEN:
            yield f"event {event_id}, {row.event.kind}, is {row.state}: {row.outcome}"
    for charge in tables.charges.values():
        if charge.unrecorded:
            yield f"no order has recorded {charge}"


def _orders(market: Market) -> Iterator[str]:
    """What was paid for is granted, and nothing else."""
    sessions = market.stripe.checkouts.sessions.values()
    for order_id, pages in Counter(each["client_reference_id"] for each in sessions).items():
        if pages != 1:
            yield f"order {order_id} has {pages} pages at Stripe"
    for order_id, row in market.tables.orders.items():
        order, taken = row.order, market.taken(order_id)
        if taken and (order.state is not State.GRANTED or order.sold != order.price):
            yield f"{taken} were taken for {order}"
        if not taken and order.state in DONE:
            yield f"nothing was taken for {order}"


def _ledger(market: Market) -> Iterator[str]:
    """Each payment is booked once, each sale once, and nothing is off."""
    ledger = market.tables.ledger
    balances = {(e.account, e.amount.currency): e.amount for e in added_up(ledger.entries())}
    if balances != ledger.balances:
        yield "the balances are not the sums of the entries"
    if off := imbalance(ledger.entries()):
        yield f"the ledger is off by {', '.join(map(str, off))}"
    orders = [row.order for row in market.tables.orders.values()]
    for rail, currency in RAILS:

        def of(account: Account, currency: Currency = currency) -> Money:
            return balances.get((account, currency), Money.zero(currency))

        taken, booked = market.all_taken(rail), of(provider(rail)) + of(FEES)
        if booked != taken:
            yield f"{rail} has taken {taken}, booked are {booked}"
        granted = [order for order in orders if order.rail is rail and order.state in DONE]
        sold = sum((order.price for order in granted), Money.zero(currency))
        if of(SALES) != -sold:
            yield f"goods for {sold} were granted, booked are {-of(SALES)}"
        for order in granted:
            if left := of(customer(order.chat_id)):
                yield f"chat {order.chat_id} has its goods, and {left} in its account"
    sales = sum(key.endswith(":sale") for key in ledger.transfers)
    if sales != sum(order.state in DONE for order in orders):
        yield f"{sales} sales are booked"
