"""What is on sale, at which prices, and on which rails it may be paid for. Pure.

Digital goods inside Telegram are sold for Stars only: "Payments for digital goods and services
must be carried out exclusively in Telegram Stars" (Telegram's terms for bot developers, 6.2).
That is `DigitalRails.STARS_ONLY`, the default; an operator who knows the rule may lift it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum

from actors.kernel.charges import Rail
from actors.kernel.ids import ProductId
from actors.kernel.language import Phrase
from actors.kernel.money import STARS, Currency, Money

TITLE_LENGTH_MAX = 32
"""Bot API, `createInvoiceLink`; shorter than what every other rail takes."""
DESCRIPTION_LENGTH_MAX = 128
"""YooKassa's `description`; Telegram takes 255."""
GOODS_LENGTH_MAX = 3_000
"""With the receipt above it, it fits into one message of 4,096 characters."""

LENGTHS_MAX = {
    "title": TITLE_LENGTH_MAX,
    "description": DESCRIPTION_LENGTH_MAX,
    "goods": GOODS_LENGTH_MAX,
}
"""Of each text of a product, in characters."""

_PRODUCT_ID = re.compile(r"[a-z0-9_]{1,24}")


def is_product_id(told: str) -> bool:
    """Whether a product can be called that."""
    return _PRODUCT_ID.fullmatch(told) is not None


class DigitalRails(StrEnum):
    """On which rails digital goods are offered."""

    STARS_ONLY = "stars_only"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing on sale; `goods` is the text that whoever paid gets. Texts are plain.

    Raises `ValueError`, naming the product, for what no rail could sell.
    """

    product_id: ProductId
    title: Phrase
    description: Phrase
    goods: Phrase
    prices: tuple[Money, ...]
    """At most one in each currency; of several that a rail takes it takes the first."""
    digital: bool = True

    def __post_init__(self) -> None:
        if not is_product_id(self.product_id):
            raise ValueError(f"a product's id is 1 to 24 of a-z 0-9 _: {self.product_id[:40]!r}")
        phrases = {"title": self.title, "description": self.description, "goods": self.goods}
        for name, phrase in phrases.items():
            longest = LENGTHS_MAX[name]
            if not all(text.strip() and len(text) <= longest for text in phrase):
                raise ValueError(f"{self.product_id}: {name} has 1 to {longest} characters")
        if len({price.currency for price in self.prices}) != len(self.prices):
            raise ValueError(f"{self.product_id}: two prices in one currency")
        for price in self.prices:
            if price.amount <= 0 or price.minor <= 0:
                raise ValueError(f"{self.product_id}: a price is more than nothing")

    def price(self, currencies: Container[Currency]) -> Money | None:
        """The first of its prices that is in one of these currencies."""
        return next((price for price in self.prices if price.currency in currencies), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything on sale, in the order in which it is shown. `rails` are those that are
    configured, each with the currencies it takes.
    """

    products: tuple[Product, ...]
    rails: Mapping[Rail, Container[Currency]]
    digital_rails: DigitalRails = DigitalRails.STARS_ONLY

    def find(self, product_id: str) -> Product | None:
        """The product of this id."""
        return next((each for each in self.products if each.product_id == product_id), None)

    def offers(self, product: Product) -> Mapping[Rail, Money]:
        """On which rails the product is sold now, and for how much."""
        return {
            rail: price
            for rail, currencies in self.rails.items()
            if (price := product.price(currencies)) is not None and self._may(product, rail, price)
        }

    def on_sale(self) -> tuple[Product, ...]:
        """What can be bought at all."""
        return tuple(product for product in self.products if self.offers(product))

    def unsold(self) -> Mapping[ProductId, str]:
        """What is on sale nowhere, each with the reason."""
        return {
            product.product_id: self._why_not(product)
            for product in self.products
            if not self.offers(product)
        }

    def still_sells(self, product_id: ProductId, rail: Rail, price: Money) -> bool:
        """Whether somebody could order the same at the same price now."""
        product = self.find(product_id)
        return product is not None and self.offers(product).get(rail) == price

    def _why_not(self, product: Product) -> str:
        """Why no rail sells it, and what would help. Stars are taken everywhere."""
        if product.digital and self.digital_rails is DigitalRails.STARS_ONLY:
            return "digital goods are sold for Stars (DIGITAL_RAILS), and it has no price in XTR"
        told = ", ".join(price.currency for price in product.prices) or "no currency at all"
        return f"it is priced in {told}, which no rail with credentials takes"

    def _may(self, product: Product, rail: Rail, price: Money) -> bool:
        if (rail is Rail.STARS) is not (price.currency == STARS):
            return False
        return rail is Rail.STARS or not product.digital or self.digital_rails is DigitalRails.ALL
