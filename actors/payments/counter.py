"""The messages of the shop that belong to no order: what is on sale, lists, support. Pure.

They carry all they need in their buttons, so that nothing of them has to be kept.
"""

from __future__ import annotations

from html import escape

from actors.broadcast.messages import Button, Keyboard
from actors.kernel.language import Language
from actors.payments import texts
from actors.payments.catalogue import Catalogue, Product
from actors.payments.hearing import Verb, data
from actors.payments.orders import Order
from actors.payments.texts import Label, Text
from actors.payments.views import View, line_of, reference

ORDERS_SHOWN = 10


def shop(catalogue: Catalogue, language: Language) -> View:
    """What is on sale."""
    rows: Keyboard = tuple(
        (Button(text=item.title.in_language(language), data=data(Verb.ITEM, item.product_id)),)
        for item in catalogue.on_sale()
    )
    return View(texts.say(Text.SHOP if rows else Text.NOTHING_ON_SALE, language), rows)


def item(catalogue: Catalogue, product: Product, language: Language) -> View:
    """How one product can be paid for."""
    rails: Keyboard = tuple(
        (
            Button(
                text=f"{price}, {texts.rail(rail, language)}",
                data=data(Verb.RAIL, product.product_id, rail),
            ),
        )
        for rail, price in catalogue.offers(product).items()
    )
    back = Button(text=texts.label(Label.BACK, language), data=data(Verb.SHOP))
    text = texts.say(
        Text.PRODUCT,
        language,
        title=escape(product.title.in_language(language), quote=False),
        description=escape(product.description.in_language(language), quote=False),
    )
    return View(text, (*rails, (back,)))


def orders(recent: tuple[Order, ...], language: Language) -> View:
    """The chat's orders, each of which can be shown again."""
    if not recent:
        return View(texts.say(Text.NO_ORDERS, language))
    return View(texts.say(Text.ORDERS, language), _list(recent, Verb.SHOW))


def support(recent: tuple[Order, ...], language: Language) -> View:
    """With which order somebody needs help."""
    if not recent:
        return View(texts.say(Text.SUPPORT_NO_ORDERS, language))
    return View(texts.say(Text.SUPPORT, language), _list(recent, Verb.HELP))


def support_asked(order: Order, language: Language) -> View:
    """We have heard of it."""
    title = escape(order.title, quote=False)
    return View(texts.say(Text.SUPPORT_ASKED, language, title=title, reference=reference(order)))


def _list(recent: tuple[Order, ...], verb: Verb) -> Keyboard:
    return tuple(
        (Button(text=line_of(order), data=data(verb, order.order_id)),) for order in recent
    )
