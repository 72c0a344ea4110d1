"""What a checkout session can be made of."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.sandbox.stripe_errors import Refused
from adapters.sandbox.stripe_forms import Fields, decoded
from adapters.sandbox.stripe_sessions import new_session
from tests.adapters.sandbox.calls import NOON
from tests.adapters.sandbox.stripe_shop import FORM, ORDER

NOW = int(NOON.timestamp())
PRICE = "line_items[0][price_data]"


def made(**fields: str) -> dict[str, Any]:
    form = {name: value for name, value in (FORM | fields).items() if value != "-"}
    return new_session(Fields(decoded(urlencode(form))), now=NOON, live=False)


def test_a_session_is_open_for_a_day_and_has_no_payment_yet() -> None:
    session = made()
    assert (session["status"], session["payment_status"]) == ("open", "unpaid")
    assert (session["payment_intent"], session["expires_at"]) == (None, NOW + 86_400)
    assert (session["amount_total"], session["currency"]) == (1999, "usd")
    assert (session["client_reference_id"], session["metadata"]) == (ORDER, {"order_id": ORDER})


def test_the_items_add_up() -> None:
    second = {
        "line_items[1][price_data][currency]": "USD",
        "line_items[1][price_data][unit_amount]": "1",
        "line_items[1][price_data][product_data][name]": "x",
    }
    assert made(**second, **{"line_items[0][quantity]": "2"})["amount_total"] == 3999


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"mode": "-"}, "mode"),
        ({"mode": "setup"}, "mode"),
        ({"success_url": "-"}, "success_url"),
        ({"success_url": "t.me/bot"}, "success_url"),
        ({"cancel_url": "ftp://x"}, "cancel_url"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"shiny": "1"}, "shiny"),
        ({f"{PRICE}[currency]": "-"}, f"{PRICE}[currency]"),
        ({f"{PRICE}[currency]": "dollars"}, f"{PRICE}[currency]"),
        ({f"{PRICE}[unit_amount]": "-1"}, f"{PRICE}[unit_amount]"),
        ({f"{PRICE}[unit_amount]": "19.99"}, f"{PRICE}[unit_amount]"),
        ({f"{PRICE}[unit_amount]": "49"}, "line_items"),
        ({f"{PRICE}[currency]": "ugx"}, "line_items"),
        ({f"{PRICE}[product_data][name]": "-"}, f"{PRICE}[product_data][name]"),
        ({"expires_at": str(NOW + 1799)}, "expires_at"),
        ({"expires_at": str(NOW + 86_401)}, "expires_at"),
        (
            {
                "line_items[1][price_data][currency]": "eur",
                "line_items[1][price_data][unit_amount]": "100",
                "line_items[1][price_data][product_data][name]": "x",
            },
            "line_items",
        ),
    ],
)
def test_what_stripe_refuses_is_refused_by_name(fields: dict[str, str], param: str) -> None:
    with pytest.raises(Refused) as told:
        made(**fields)
    assert (told.value.status, told.value.param) == (400, param)


def test_nothing_on_sale_is_refused() -> None:
    with pytest.raises(Refused, match="line_items"):
        new_session(Fields({"mode": "payment", "success_url": "https://x/"}), now=NOON, live=False)


@pytest.mark.parametrize("expires_at", [NOW + 1800, NOW + 86_400])
def test_a_session_lives_from_half_an_hour_to_a_day(expires_at: int) -> None:
    assert made(expires_at=str(expires_at))["expires_at"] == expires_at
