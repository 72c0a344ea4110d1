"""The simulated shop with something on sale: Stripe on a machine of its own, Stars at Telegram.

What providers have taken is the truth here: an order that is granted for less, or before, is
wrong at the moment when it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId, ProductId
from actors.kernel.language import Language
from actors.kernel.money import STARS, Currency, Money
from actors.payments import counter
from actors.payments.catalogue import Catalogue, DigitalRails
from actors.payments.orders import DONE, Order, State
from adapters.sandbox.server import serve
from adapters.sandbox.stripe import KEY, WEBHOOK_SECRET, StripeSandbox
from config.products import read_products
from config.scenarios.shop import BOT, PORT, SimulatedShop
from runtime.testing.node import Boot, Life
from runtime.testing.simulation import Simulation

STRIPE = "stripe"
PRODUCTS = Path(__file__).with_name("products.toml")
PRODUCT = ProductId("atlas")
DOLLARS = Currency("USD")
WEBHOOKS_URL = f"http://{BOT}:{PORT}/webhooks/stripe"
RETRIES_SECONDS = (60.0, 300.0, 900.0)
"""Stripe's own pauses are hours (`stripe_events`); these let it give up within a run."""
RECOVERS_SECONDS = 60.0
"""So long after the end of a trouble somebody may still be waiting to try again."""


class Market(SimulatedShop):
    """A shop that sells, and who is paid for it."""

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self.stripe = StripeSandbox(now=sim.now, retries_seconds=RETRIES_SECONDS)
        self.stripe.webhooks_to(WEBHOOKS_URL, secrets=[WEBHOOK_SECRET])
        self.catalogue = Catalogue(
            products=read_products(PRODUCTS),
            rails={Rail.STARS: (STARS,), Rail.STRIPE: (DOLLARS,)},
            digital_rails=DigitalRails.ALL,
        )
        self.telegram.pages = _pages(self.catalogue)
        self.tables.ordered = self._ordered
        self.payment = trio.Event()
        """Set when somebody pays, and replaced."""
        self._hindrances = 0
        self._hindered_at = float("-inf")

    def machines(self) -> dict[str, Boot]:
        return super().machines() | {STRIPE: self._serve_stripe}

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "PUBLIC_URL": f"http://{BOT}:{PORT}",
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_API_URL": f"http://{STRIPE}:{PORT}",
            "PRODUCTS_FILE": str(PRODUCTS),
            "DIGITAL_RAILS": "all",
        }

    def heal(self) -> None:
        super().heal()
        self.stripe.forget_faults()
        self.stripe.deliveries.release()

    async def still(self) -> None:
        await self.stripe.deliveries.settled()

    @contextmanager
    def hindrance(self) -> Iterator[None]:
        """Telegram, the bot or its database is not there: nobody can be answered promptly."""
        self._hindrances += 1
        try:
            yield
        finally:
            self._hindrances -= 1
            self._hindered_at = trio.current_time()

    def unhindered(self, *, since: float) -> bool:
        """Whether Telegram, the bot and its database have been there all the time since then."""
        earliest = since - RECOVERS_SECONDS
        return not self._hindrances and max(self._hindered_at, self.started_at) < earliest

    def taken(self, order_id: OrderId) -> tuple[Money, ...]:
        """What providers have taken for an order, payment by payment."""
        return tuple(
            money for rail in (Rail.STRIPE, Rail.STARS) for money in self._taken(rail, order_id)
        )

    def all_taken(self, rail: Rail) -> Money:
        """What a provider has taken in all."""
        nothing = Money.zero(DOLLARS if rail is Rail.STRIPE else STARS)
        return sum(self._taken(rail, None), nothing)

    def _taken(self, rail: Rail, order_id: OrderId | None) -> Iterator[Money]:
        """One by one; for all orders with None."""
        if rail is Rail.STRIPE:
            for session in self.stripe.checkouts.sessions.values():
                named = order_id in {None, session["client_reference_id"]}
                if named and session["payment_status"] == "paid":
                    yield Money.of_minor(session["amount_total"], DOLLARS)
        else:
            for charge in self.telegram.payments.charges.values():
                if order_id in {None, charge.invoice.payload}:
                    yield Money.of_minor(charge.invoice.total_amount, STARS)

    def paid(self) -> None:
        """Somebody has paid just now."""
        self.payment.set()
        self.payment = trio.Event()

    def stored_ungranted(self) -> bool:
        """Whether an event of a payment is stored whose order has not been granted."""
        told = {charge.order_id for charge in self.tables.charges.values() if charge.received}
        ungranted = {
            order_id
            for order_id, row in self.tables.orders.items()
            if row.order.state is not State.GRANTED and self.taken(order_id)
        }
        return bool(ungranted and (self.tables.pending_events or told & ungranted))

    def _ordered(self, order: Order) -> None:
        if order.state in DONE and order.price not in self.taken(order.order_id):
            self.wrong(f"order {order.order_id} is {order.state}, and nobody has taken its price")

    async def _serve_stripe(self, life: Life) -> None:
        async with serve(self.stripe, host=STRIPE, port=PORT), self.stripe.deliveries:
            del life  # it never dies
            await trio.sleep_forever()


def _pages(catalogue: Catalogue) -> frozenset[str]:
    """What the shop shows of its goods to everybody."""
    views = [counter.shop(catalogue, Language.EN)]
    views += [counter.item(catalogue, product, Language.EN) for product in catalogue.products]
    return frozenset(view.text for view in views)
