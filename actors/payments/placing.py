"""How an order begins, and how its checkout is asked for. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from actors.kernel.ids import ChatId, OrderId
from actors.kernel.language import Language
from actors.kernel.money import Money
from actors.payments.catalogue import Product
from actors.payments.life import OPENING_SECONDS
from actors.payments.orders import Order
from actors.payments.ports import Offer, Till

RETRY_FIRST_SECONDS = 5.0
RETRY_MAX_SECONDS = 300.0
"""A checkout that cannot be opened is tried again after 5 s, doubling to 5 min, until the order
expires."""
RETRY_JITTER = 0.25
"""A pause is up to this part longer, so that orders do not come back all at once."""


def placed(
    product: Product,
    till: Till,
    price: Money,
    *,
    order_id: OrderId,
    chat_id: ChatId,
    language: Language,
    live: bool,
    now: datetime,
) -> Order:
    """A new order, whose checkout is being opened from now on."""
    return Order(
        order_id=order_id,
        chat_id=chat_id,
        product_id=product.product_id,
        rail=till.rail,
        title=product.title.in_language(language),
        description=product.description.in_language(language),
        goods=product.goods.in_language(language),
        language=language,
        price=price,
        live=live,
        created_at=now,
        expires_at=now + timedelta(seconds=till.lifetime_seconds),
        deadline=now + timedelta(seconds=OPENING_SECONDS),
    )


def offer_of(order: Order, page: str) -> Offer:
    """What the provider is asked to collect; `page` is where the payer's browser goes after it."""
    return Offer(
        order_id=order.order_id,
        title=order.title,
        description=order.description,
        price=order.price,
        expires_at=order.expires_at,
        return_url=page,
        cancel_url=page,
        metadata={"chat_id": str(order.chat_id), "product_id": order.product_id},
    )


def pause_seconds(attempts: int, *, jitter: float, asked: float | None) -> float:
    """How long to wait after `attempts` failures and this one; never less than was asked for.
    `jitter` is in [0, 1).
    """
    pause = min(RETRY_MAX_SECONDS, RETRY_FIRST_SECONDS * 2.0 ** min(attempts, 16))
    return max(pause * (1 + RETRY_JITTER * jitter), asked or 0.0)
