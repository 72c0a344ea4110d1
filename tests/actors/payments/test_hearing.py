"""What buttons carry, and what they mean when they come back."""

from __future__ import annotations

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId
from actors.payments.hearing import (
    ItemAsked,
    OrderPressed,
    Pressed,
    RailChosen,
    ShopAsked,
    Verb,
    data,
    order_id_of,
    pressed,
)
from actors.payments.messages import BUTTON_PREFIX

ORDER_ID = OrderId("0123456789abcdef" * 2)
LONGEST = "p" * 24


@pytest.mark.parametrize(
    ("carried", "means"),
    [
        (data(Verb.SHOP), ShopAsked()),
        (data(Verb.SHOP, "new"), ShopAsked(anew=True)),
        (data(Verb.ITEM, LONGEST), ItemAsked(LONGEST)),
        *((data(Verb.RAIL, LONGEST, rail), RailChosen(LONGEST, rail)) for rail in Rail),
        *(
            (data(verb, ORDER_ID), OrderPressed(verb, ORDER_ID))
            for verb in (Verb.SHOW, Verb.CANCEL, Verb.TAKE, Verb.HELP)
        ),
    ],
)
def test_a_button_comes_back_as_it_was_meant(carried: str, means: Pressed) -> None:
    assert pressed(carried) == means
    assert carried.startswith(BUTTON_PREFIX)
    assert 1 <= len(carried.encode()) <= 64


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "p:",
        "p:shop:old",
        "p:item",
        "p:item:a:b",
        "p:rail:a:cash",
        "p:cancel",
        "p:cancel:1",
        f"p:cancel:{ORDER_ID}0",
        f"p:shop:{ORDER_ID}",
        f"p:CANCEL:{ORDER_ID}",
        "p:take:" + "G" * 32,
    ],
)
def test_what_no_button_of_ours_carries_means_nothing(forged: str) -> None:
    assert pressed(forged) is None


@pytest.mark.parametrize("payload", ["", "42", ORDER_ID.upper(), ORDER_ID + "\n", "0" * 31])
def test_a_payload_is_an_order_only_when_it_looks_like_one(payload: str) -> None:
    assert order_id_of(payload) is None
    assert order_id_of(ORDER_ID) == ORDER_ID
