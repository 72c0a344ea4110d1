"""What is on sale, and on which rails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import ProductId
from actors.kernel.language import Phrase
from actors.kernel.money import STARS, Currency, Money
from actors.payments.catalogue import Catalogue, DigitalRails, Product

EUR, USD, RUB = Currency("EUR"), Currency("USD"), Currency("RUB")
IN_STARS, IN_USD, IN_RUB = Money.of_minor(5, STARS), Money.of("1", "USD"), Money.of("90", "RUB")
SAME = Phrase(ru="текст", uk="слово", en="text")
BOOK = Product(
    product_id=ProductId("book"),
    title=SAME,
    description=SAME,
    goods=SAME,
    prices=(IN_USD, IN_STARS, IN_RUB),
)
MUG = replace(BOOK, product_id=ProductId("mug"), digital=False)
CATALOGUE = Catalogue(
    products=(BOOK, MUG),
    rails={Rail.STARS: (STARS,), Rail.STRIPE: (EUR, USD, RUB), Rail.YOOKASSA: (RUB,)},
)


def test_digital_goods_are_for_stars_only_unless_the_operator_lifts_it() -> None:
    assert CATALOGUE.offers(BOOK) == {Rail.STARS: IN_STARS}
    lifted = replace(CATALOGUE, digital_rails=DigitalRails.ALL)
    assert lifted.offers(BOOK) == CATALOGUE.offers(MUG)


def test_a_rail_takes_the_first_price_of_a_product_that_it_can() -> None:
    assert CATALOGUE.offers(MUG) == {
        Rail.STARS: IN_STARS,
        Rail.STRIPE: IN_USD,
        Rail.YOOKASSA: IN_RUB,
    }


def test_the_order_of_prices_is_the_owners_and_not_that_of_the_rail() -> None:
    rubles_first = replace(MUG, prices=(IN_RUB, IN_USD))
    assert CATALOGUE.offers(rubles_first)[Rail.STRIPE] == IN_RUB


def test_what_is_on_sale_nowhere_is_told_with_the_reason() -> None:
    in_usd = replace(BOOK, prices=(IN_USD,))
    zloty = replace(MUG, prices=(Money.of("20", "PLN"), Money.of("2500", "KZT")))
    free = replace(MUG, product_id=ProductId("free"), prices=())
    told = replace(CATALOGUE, products=(in_usd, zloty, free)).unsold()
    assert told.keys() == {"book", "mug", "free"}
    assert "no price in XTR" in told[in_usd.product_id]
    assert "priced in PLN, KZT, which no rail" in told[zloty.product_id]
    assert "no currency at all" in told[free.product_id]
    assert CATALOGUE.unsold() == {}


def test_stars_are_for_the_rail_of_stars_alone() -> None:
    odd = replace(CATALOGUE, rails={Rail.STARS: (USD,), Rail.TELEGRAM: (STARS,)})
    assert odd.offers(MUG) == {}


def test_what_no_rail_sells_is_not_on_sale() -> None:
    no_stars = replace(BOOK, prices=(IN_USD,))
    assert replace(CATALOGUE, products=(no_stars, MUG)).on_sale() == (MUG,)
    assert CATALOGUE.on_sale() == (BOOK, MUG)


def test_a_product_is_found_by_its_id() -> None:
    assert CATALOGUE.find("mug") is MUG
    assert CATALOGUE.find("cup") is None


def test_the_same_is_still_sold_at_the_same_price_on_the_same_rail() -> None:
    book = BOOK.product_id
    assert CATALOGUE.still_sells(book, Rail.STARS, IN_STARS)
    assert not CATALOGUE.still_sells(book, Rail.STARS, Money.of_minor(4, STARS))
    assert not CATALOGUE.still_sells(book, Rail.STRIPE, IN_USD)
    assert not CATALOGUE.still_sells(ProductId("cup"), Rail.STARS, IN_STARS)


@pytest.mark.parametrize(
    "changes",
    [
        {"product_id": ""},
        {"product_id": "Book"},
        {"product_id": "b" * 25},
        {"product_id": "a:b"},
        {"title": SAME._replace(uk="")},
        {"title": SAME._replace(uk="x" * 33)},
        {"description": SAME._replace(ru=" ")},
        {"description": SAME._replace(ru="x" * 129)},
        {"goods": SAME._replace(en="x" * 3_001)},
        {"prices": (IN_USD, Money.of("2", "USD"))},
        {"prices": (Money.of("0", "USD"),)},
        {"prices": (Money.of("-1", "USD"),)},
        {"prices": (Money.of("0.001", "USD"),)},
    ],
)
def test_what_no_rail_could_sell_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        replace(BOOK, **changes)  # type: ignore[arg-type]
