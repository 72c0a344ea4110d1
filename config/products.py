"""What is on sale, read from the file that PRODUCTS_FILE names (`docs/products.md`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.kernel.ids import ProductId
from actors.kernel.language import Language, Phrase
from actors.kernel.money import Money
from actors.payments.catalogue import Product
from config.settings import SettingsError

PRODUCTS_MAX = 50
"""So many buttons one message can show and a person can read."""
_KEYS = {"id", "digital", "title", "description", "goods", "prices"}


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
    for number, entry in enumerate(entries, 1):
        try:
            product = _product(entry)
        except ValueError as error:
            faults.append(f"product {number}: {error}")
        else:
            if product.product_id in {known.product_id for known in products}:
                faults.append(f"product {number}: {product.product_id} is there already")
            products.append(product)
    if faults:
        raise SettingsError("\n".join(["PRODUCTS_FILE has faults:", *(f"  {f}" for f in faults)]))
    return tuple(products)


def _product(entry: Mapping[str, Any]) -> Product:
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"{unknown[0]} is not known")
    if missing := sorted(_KEYS - {"digital"} - entry.keys()):
        raise ValueError(f"{missing[0]} is missing")
    digital, prices = entry.get("digital", True), entry["prices"]
    if not isinstance(digital, bool):
        raise ValueError("digital is true or false")  # noqa: TRY004 - a fault of the file
    if not isinstance(entry["id"], str):
        raise ValueError("id is a text")  # noqa: TRY004 - the same
    if not isinstance(prices, dict) or not all(isinstance(one, str) for one in prices.values()):
        raise ValueError('prices are texts by currency, as { XTR = "100", USD = "4.99" }')
    return Product(
        product_id=ProductId(entry["id"]),
        title=_phrase("title", entry["title"]),
        description=_phrase("description", entry["description"]),
        goods=_phrase("goods", entry["goods"]),
        prices=tuple(_price(currency, amount) for currency, amount in prices.items()),
        digital=digital,
    )


def _price(currency: str, amount: str) -> Money:
    try:
        return Money.of(amount, currency)
    except ValueError as error:
        raise ValueError(f"the price in {currency[:20]}: {error}") from None


def _phrase(name: str, told: object) -> Phrase:
    """One text for everybody, or one for each language."""
    if isinstance(told, str):
        return Phrase(told, told, told)
    languages = {language.value for language in Language}
    if not isinstance(told, dict) or told.keys() != languages:
        raise ValueError(f"{name} is a text, or one in each of {', '.join(sorted(languages))}")
    if not all(isinstance(text, str) for text in told.values()):
        raise ValueError(f"{name} is made of texts")
    return Phrase(**told)
