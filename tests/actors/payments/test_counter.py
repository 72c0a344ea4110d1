"""The pages of the shop that belong to no order."""

from __future__ import annotations

import pytest

from actors.kernel.language import Language
from actors.payments import counter
from actors.payments.catalogue import Catalogue
from actors.payments.orders import State
from actors.payments.views import View
from tests.actors.payments.orders import order
from tests.actors.payments.shop import BOOK, CATALOGUE, TICKET


def labels(view: View) -> list[str]:
    return [button.text for row in view.keyboard for button in row]


def test_the_shop_shows_what_is_on_sale() -> None:
    assert labels(counter.shop(CATALOGUE, Language.EN)) == ["Ticket <1>", "Book"]
    assert labels(counter.shop(CATALOGUE, Language.UK)) == ["Квиток <1>", "Книжка"]


def test_an_empty_shop_says_so() -> None:
    view = counter.shop(Catalogue(products=(BOOK,), rails={}), Language.EN)
    assert view == View("Nothing is on sale just now.")


def test_a_product_shows_the_rails_it_is_sold_on() -> None:
    view = counter.item(CATALOGUE, TICKET, Language.EN)
    assert labels(view) == ["250 XTR, Telegram Stars", "4.99 USD, card (Stripe)", "Back"]
    assert "Ticket &lt;1&gt;" in view.text


@pytest.mark.parametrize("page", [counter.orders, counter.support])
def test_a_list_has_a_button_for_each_order(page: object) -> None:
    assert callable(page)
    two = (order(), order(State.GRANTED))
    view = page(two, Language.EN)
    assert labels(view) == ["Ticket, 10.00 USD: to be paid", "Ticket, 10.00 USD: delivered"]
    assert page((), Language.EN).keyboard == ()
