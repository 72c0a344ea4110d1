"""The simulated shop with something on sale, and with administrators who hear of each payment.

Stripe, YooKassa and NOWPayments are on machines of their own, Stars are Telegram's. What they have
taken is the truth here: an order that is granted for less, or before, is wrong at the moment when
it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import trio

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId, ProductId
from actors.kernel.language import Language
from actors.kernel.money import Money
from actors.payments import alarms, counter, notices
from actors.payments.catalogue import Catalogue, DigitalRails
from actors.payments.orders import DONE, Order, State
from adapters.sandbox import nowpayments, stripe, yookassa
from adapters.sandbox.deliveries import Deliveries, Sending
from adapters.sandbox.nowpayments import NowPaymentsSandbox
from adapters.sandbox.server import App, serve
from adapters.sandbox.stripe import StripeSandbox
from adapters.sandbox.telegram_payments import ANSWER_SECONDS
from adapters.sandbox.yookassa import YooKassaSandbox
from config.products import read_products
from config.scenarios.office import ADMIN_CHAT_ID, Office
from config.scenarios.providers import NowPayments, Provider, Stars, Stripe, YooKassa
from config.scenarios.shop import BOT, PORT, SimulatedShop
from runtime.testing.node import Boot, Life
from runtime.testing.simulation import Simulation

PRODUCTS = Path(__file__).with_name("products.toml")
PRODUCT = ProductId("atlas")
PUBLIC_URL = f"http://{BOT}:{PORT}"
RETRIES_SECONDS = (60.0, 300.0, 900.0)
"""Providers' own pauses are hours (`stripe_events`); these let them give up within a run."""
NETWORK = "10.0.0.0/16"
"""Where everybody is in this world."""
RECOVERS_SECONDS = 60.0
"""So long after the end of a trouble somebody may still be waiting to try again."""


class Market(SimulatedShop):
    """A shop that sells, and who is paid for it."""

    def __init__(
        self, sim: Simulation, *, retries_seconds: Sequence[float] = RETRIES_SECONDS
    ) -> None:
        super().__init__(sim)
        now = sim.now
        self.stripe = Stripe(StripeSandbox(now=now, retries_seconds=retries_seconds))
        self.stripe.sandbox.webhooks_to(f"{PUBLIC_URL}/webhooks/stripe")
        self.yookassa = YooKassa(YooKassaSandbox(now=now, retries_seconds=retries_seconds))
        self.yookassa.sandbox.webhooks_to(f"{PUBLIC_URL}/webhooks/yookassa")
        self.nowpayments = NowPayments(NowPaymentsSandbox(now=now))
        everybody = (self.stripe, Stars(self.telegram), self.yookassa, self.nowpayments)
        self.providers: dict[Rail, Provider] = {each.rail: each for each in everybody}
        self.office = Office(self.telegram, self.tables)
        self.catalogue = Catalogue(
            products=read_products(PRODUCTS),
            rails={each.rail: (each.currency,) for each in everybody},
            digital_rails=DigitalRails.ALL,
        )
        self.telegram.pages = _pages(self.catalogue)
        self.tables.ordered = self._ordered
        self.telegram.lets_pay = self._lets_pay
        self.payment = trio.Event()
        """Set when somebody pays, and replaced."""
        self.moved = trio.Event()
        """Set when an order is stored, and replaced."""
        self._hindrances = 0
        self._hindered_at = float("-inf")

    def machines(self) -> dict[str, Boot]:
        return super().machines() | {
            each.rail.value: partial(_serve, each.rail, each.sandbox, each.deliveries)
            for each in (self.stripe, self.yookassa, self.nowpayments)
        }

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "PUBLIC_URL": PUBLIC_URL,
            "STRIPE_SECRET_KEY": stripe.KEY,
            "STRIPE_WEBHOOK_SECRET": stripe.WEBHOOK_SECRET,
            "STRIPE_API_URL": f"http://{Rail.STRIPE}:{PORT}",
            "YOOKASSA_SHOP_ID": yookassa.SHOP_ID,
            "YOOKASSA_SECRET_KEY": yookassa.SECRET_KEY,
            "YOOKASSA_NETWORKS": NETWORK,
            "YOOKASSA_API_URL": f"http://{Rail.YOOKASSA}:{PORT}/v3",
            "NOWPAYMENTS_API_KEY": nowpayments.API_KEY,
            "NOWPAYMENTS_IPN_SECRET": nowpayments.IPN_SECRET,
            "NOWPAYMENTS_API_URL": f"http://{Rail.NOWPAYMENTS}:{PORT}/v1",
            "PRODUCTS_FILE": str(PRODUCTS),
            "DIGITAL_RAILS": "all",
            "ADMIN_CHAT_ID": str(ADMIN_CHAT_ID),
        }

    @property
    def deliveries(self) -> tuple[Deliveries, ...]:
        """The webhooks of all providers that send some."""
        return tuple(each.deliveries for each in self.providers.values() if each.deliveries)

    def sendings(self, rail: Rail) -> Sequence[Sending]:
        """Every webhook of a provider."""
        deliveries = self.providers[rail].deliveries
        return deliveries.sendings if deliveries else ()

    def heal(self) -> None:
        """And what only a webhook tells, and did not get through, is sent again by hand."""
        super().heal()
        for each in (self.stripe, self.yookassa, self.nowpayments):
            each.sandbox.forget_faults()
            each.deliveries.release()
            for sending in tuple(each.unheard()):
                each.deliveries.resend(sending.name)

    def excused(self) -> frozenset[str]:
        """A crash may have cost a notice, and a person looks at what a bank has taken back."""
        orders = (row.order for row in self.tables.orders.values())
        reasons = {notices.COMPONENT: self.office.missed}
        reasons[alarms.COMPONENT] = any(order.state is State.DISPUTED for order in orders)
        return frozenset(name for name, holds in reasons.items() if holds)

    async def still(self) -> None:
        for each in self.deliveries:
            await each.settled()

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
        everybody = self.providers.values()
        return tuple(money for each in everybody for money in each.taken(order_id))

    def gone(self, order_id: OrderId) -> tuple[Money, ...]:
        """What of it went back, and did not come again."""
        everybody = self.providers.values()
        return tuple(money for each in everybody for money in each.gone(order_id) if money)

    def all_taken(self, rail: Rail) -> Money:
        """What a provider has taken in all."""
        provider = self.providers[rail]
        return sum(provider.taken(None), Money.zero(provider.currency))

    def all_gone(self, rail: Rail) -> Money:
        """What of that it has given back in all, and did not get again."""
        provider = self.providers[rail]
        return sum(provider.gone(None), Money.zero(provider.currency))

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

    def _lets_pay(self, query_id: str) -> None:
        """Whoever may pay now has a price to pay, and time by the bot's own clock."""
        query = self.telegram.payments.queries[query_id]
        row = self.tables.orders.get(OrderId(query.invoice.payload))
        now = self.sim.now(BOT) - timedelta(seconds=ANSWER_SECONDS)
        if row is None or now > row.order.expires_at:
            self.wrong(f"{query.invoice.payload} may be paid, and there is no such order any more")

    def _ordered(self, order: Order) -> None:
        if order.state in DONE and order.price not in self.taken(order.order_id):
            self.wrong(f"order {order.order_id} is {order.state}, and nobody has taken its price")
        self.moved.set()
        self.moved = trio.Event()


async def _serve(rail: Rail, app: App, deliveries: Deliveries, life: Life) -> None:
    """A provider's machine; it never dies."""
    del life
    async with serve(app, host=rail.value, port=PORT), deliveries:
        await trio.sleep_forever()


def _pages(catalogue: Catalogue) -> frozenset[str]:
    """What the shop shows of its goods to everybody."""
    views = [counter.shop(catalogue, Language.EN)]
    views += [counter.item(catalogue, product, Language.EN) for product in catalogue.products]
    return frozenset(view.text for view in views)
