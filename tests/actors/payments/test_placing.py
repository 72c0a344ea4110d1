"""How an order begins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId
from actors.kernel.language import Language
from actors.payments.life import OPENING_SECONDS
from actors.payments.orders import State
from actors.payments.placing import offer_of, pause_seconds, placed
from actors.payments.ports import Till
from tests.actors.payments.orders import NOON
from tests.actors.payments.provider import Provider
from tests.actors.payments.shop import TICKET, USD, USD_PRICE

TILL = Till(rail=Rail.STRIPE, checkout=Provider(), currencies=(USD,), lifetime_seconds=1_800)


def test_an_order_is_a_snapshot_in_the_buyers_language() -> None:
    order = placed(
        TICKET,
        TILL,
        USD_PRICE,
        order_id=OrderId("1"),
        chat_id=ChatId(7),
        language=Language.UK,
        live=True,
        now=NOON,
    )
    assert (order.title, order.goods) == ("Квиток <1>", "Код <U>")
    assert (order.state, order.version, order.rail) == (State.OPENING, 0, Rail.STRIPE)
    assert (order.price, order.live) == (USD_PRICE, True)
    assert order.expires_at == NOON + timedelta(minutes=30)
    assert order.deadline == NOON + timedelta(seconds=OPENING_SECONDS)
    offer = offer_of(order, "https://page")
    assert (offer.order_id, offer.price, offer.expires_at) == ("1", USD_PRICE, order.expires_at)
    assert (offer.return_url, offer.cancel_url) == ("https://page", "https://page")
    assert offer.metadata == {"chat_id": "7", "product_id": "ticket"}


@pytest.mark.parametrize(
    ("attempts", "jitter", "asked", "seconds"),
    [(0, 0, None, 5), (1, 0, None, 10), (20, 0, None, 300), (0, 1, None, 6.25), (0, 0, 90, 90)],
)
def test_pauses_double_and_never_undercut_what_was_asked(
    attempts: int, jitter: float, asked: float | None, seconds: float
) -> None:
    assert pause_seconds(attempts, jitter=jitter, asked=asked) == pytest.approx(seconds)
