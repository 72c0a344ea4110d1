"""What is on sale, read from the file that PRODUCTS_FILE names (`docs/products.md`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.kernel.ids import ProductId
from actors.kernel.language import Language, Phrase
from actors.kernel.money import FIAT, STARS, Money
from actors.payments.catalogue import LENGTHS_MAX, Product, is_product_id
from config.settings import Settings, SettingsError

PRODUCTS_MAX = 50
"""So many buttons one message can show and a person can read."""
_KEYS = {"id", "digital", "title", "description", "goods", "prices"}


def products_on_sale(settings: Settings) -> tuple[Product, ...]:
    """What the shop of these settings sells; nothing without a file. Raises `SettingsError`, also
    for a file without products: whoever names one wants to sell.
    """
    if settings.products_file is None:
        return ()
    products = read_products(settings.products_file)
    if not products:
        raise SettingsError(
            "PRODUCTS_FILE has no [[product]]: nothing would be on sale; leave the name blank if "
            "that is meant"
        )
    return products


def read_products(file: Path) -> tuple[Product, ...]:
    """The products of a TOML file, in its order.

    Raises `SettingsError`, which names every fault with the product it is in.
    """
    try:
        told = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"PRODUCTS_FILE cannot be read: {error.strerror}: {file}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"PRODUCTS_FILE is not TOML in UTF-8: {error}") from None
    return products_of(told)


def products_of(told: Mapping[str, Any]) -> tuple[Product, ...]:
    """The same of what the file says."""
    faults = [f"{name} is not known here" for name in sorted(told.keys() - {"product"})]
    entries = told.get("product", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        entries, faults = [], [*faults, "each product begins with [[product]]"]
    if len(entries) > PRODUCTS_MAX:
        faults.append(f"more than {PRODUCTS_MAX} products")
    products: list[Product] = []
    numbers: dict[object, int] = {}
    for number, entry in enumerate(entries, 1):
        product, wrong = _product(entry)
        name = entry.get("id")
        if isinstance(name, str) and numbers.setdefault(name, number) != number:
            wrong.append(f"its id is that of product {numbers[name]}: each has its own")
        faults += [f"product {number}: {each}" for each in wrong]
        products += [product] if product is not None else []
    if faults:
        raise SettingsError("\n".join(["PRODUCTS_FILE has faults:", *(f"  {f}" for f in faults)]))
    return tuple(products)


def _product(entry: Mapping[str, Any]) -> tuple[Product | None, list[str]]:
    """What one entry describes, or every fault in it."""
    faults = [f"{name} is not known here" for name in sorted(entry.keys() - _KEYS)]
    faults += [f"{name} is missing" for name in sorted(_KEYS - {"digital"} - entry.keys())]
    read: dict[str, Any] = {}
    for name in entry.keys() & _KEYS:
        try:
            read[name] = _READERS[name](name, entry[name])
        except ValueError as error:
            faults += str(error).splitlines()
    if faults:
        return None, faults
    read["product_id"] = read.pop("id")
    return Product(**read), []


def _id(_: str, told: object) -> ProductId:
    if not isinstance(told, str) or not is_product_id(told):
        raise ValueError("id is a text of 1 to 24 of a-z 0-9 _")
    return ProductId(told)


def _digital(_: str, told: object) -> bool:
    if not isinstance(told, bool):
        raise ValueError("digital is true or false")  # noqa: TRY004 - a fault of the file
    return told


def _prices(_: str, told: object) -> tuple[Money, ...]:
    if not isinstance(told, dict) or not all(isinstance(one, str) for one in told.values()):
        raise ValueError('prices are texts by currency, as { XTR = "100", USD = "4.99" }')
    prices, faults = [], []
    for currency, amount in told.items():
        try:
            prices.append(_price(currency, amount))
        except ValueError as error:
            faults.append(f"the price in {currency[:20]}: {error}")
    if len({price.currency for price in prices}) < len(prices):
        faults.append("prices: two in one currency")
    if faults:
        raise ValueError("\n".join(faults))
    return tuple(prices)


def _price(currency: str, amount: str) -> Money:
    price = Money.of(amount, currency)
    if price.currency != STARS and price.currency not in FIAT:
        raise ValueError("no such currency: write XTR for Stars, or a code such as USD")
    if price.minor <= 0:
        raise ValueError("a price is more than nothing")
    return price


def _phrase(name: str, told: object) -> Phrase:
    """One text for everybody, or one for each language."""
    if isinstance(told, str):
        return _short(name, Phrase(told, told, told))
    languages = {language.value for language in Language}
    if not isinstance(told, dict) or told.keys() != languages:
        raise ValueError(f"{name} is a text, or one in each of {', '.join(sorted(languages))}")
    if not all(isinstance(text, str) for text in told.values()):
        raise ValueError(f"{name} is made of texts")
    return _short(name, Phrase(**told))


def _short(name: str, phrase: Phrase) -> Phrase:
    """The phrase, if it is one that every rail can show."""
    longest = LENGTHS_MAX[name]
    if not all(text.strip() and len(text) <= longest for text in phrase):
        raise ValueError(f"{name} has 1 to {longest} characters")
    return phrase


_READERS = {
    "id": _id,
    "digital": _digital,
    "prices": _prices,
    "title": _phrase,
    "description": _phrase,
    "goods": _phrase,
}
