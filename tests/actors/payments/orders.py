"""An order to begin with, for tests of what is pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from actors.kernel.charges import Payment, Rail, Standing
from actors.kernel.ids import ChatId, OrderId, PaymentId, ProductId
from actors.kernel.language import Language
from actors.kernel.money import Money
from actors.payments.orders import Charge, Order, State

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRICE = Money.of("10.00", "USD")
NOTHING = Money.of("0", "USD")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


ORDER = Order(
    order_id=OrderId("0123456789abcdef" * 2),
    chat_id=ChatId(1),
    product_id=ProductId("ticket"),
    rail=Rail.STRIPE,
    title="Ticket",
    description="To a gig",
    goods="Code",
    language=Language.EN,
    price=PRICE,
    live=True,
    created_at=NOON,
    expires_at=NOON + timedelta(hours=1),
    version=1,
)


def order(state: State = State.WAITING, *charges: Charge, **changes: Any) -> Order:
    """`ORDER`, in a state and with charges."""
    changes.setdefault("checkout_id", "cs_1")
    changes.setdefault("url", "https://pay.example/cs_1")
    return replace(ORDER, state=state, charges=charges, **changes)


def payment(
    standing: Standing = Standing.PAID,
    received: Money | None = None,
    *,
    name: str = "charge",
    refunded: Money | None = None,
    disputed: Money | None = None,
    reinstated: Money | None = None,
    live: bool = True,
    parent: str | None = None,
    version: int = 1,
) -> Payment:
    """What the tracker knows of a charge."""
    bare = {Standing.WAITING, Standing.PROCESSING, Standing.FAILED, Standing.EXPIRED}
    arrived = received or (NOTHING if standing in bare else PRICE)
    zero = Money.zero(arrived.currency)
    return Payment(
        rail=Rail.STRIPE,
        payment_id=PaymentId(name),
        standing=standing,
        received=arrived,
        refunded=refunded or zero,
        disputed=disputed or zero,
        reinstated=reinstated or zero,
        fee=None,
        live=live,
        order_id=ORDER.order_id,
        chat_id=ORDER.chat_id,
        parent=None if parent is None else PaymentId(parent),
        version=version,
        news_version=version,
    )


def charge(standing: Standing = Standing.PAID, received: Money | None = None, **how: Any) -> Charge:
    """What an order knows of a charge."""
    return Charge.of(payment(standing, received, **how))
