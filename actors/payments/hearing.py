"""What the buttons of the purchases carry, and what a pressed one means. Pure.

`p:<verb>`, then what it is about: a product, a product and a rail, or an order. Callback data can
be forged, so whoever acts on it looks the order up and sees whose it is; the worst that somebody
can do with it is to order something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId
from actors.payments.messages import BUTTON_PREFIX

_ORDER_ID = re.compile(r"[0-9a-f]{32}")


class Verb(StrEnum):
    """What a button does."""

    SHOP = "shop"
    ITEM = "item"
    RAIL = "rail"
    SHOW = "show"
    CANCEL = "cancel"
    TAKE = "take"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class ShopAsked:
    """What is on sale; `anew` below everything, because the button stands on an order."""

    anew: bool = False


@dataclass(frozen=True, slots=True)
class ItemAsked:
    """How a product can be paid for; nobody says that there is one of this name."""

    product_id: str


@dataclass(frozen=True, slots=True)
class RailChosen:
    """The product is to be bought on this rail."""

    product_id: str
    rail: Rail


@dataclass(frozen=True, slots=True)
class OrderPressed:
    """Something is to be done with an order."""

    verb: Verb
    order_id: OrderId


Pressed = ShopAsked | ItemAsked | RailChosen | OrderPressed

_ABOUT_ORDERS = frozenset({Verb.SHOW, Verb.CANCEL, Verb.TAKE, Verb.HELP})


def data(verb: Verb, *about: str) -> str:
    """What a button carries: at most 64 bytes."""
    return BUTTON_PREFIX + ":".join((verb, *about))


def pressed(carried: str) -> Pressed | None:
    """What a pressed button means; None for what no button of ours carries."""
    verb, *about = carried.removeprefix(BUTTON_PREFIX).split(":")
    match verb, about:
        case Verb.SHOP, []:
            return ShopAsked()
        case Verb.SHOP, ["new"]:
            return ShopAsked(anew=True)
        case Verb.ITEM, [product_id]:
            return ItemAsked(product_id)
        case Verb.RAIL, [product_id, rail] if rail in tuple(Rail):
            return RailChosen(product_id, Rail(rail))
        case _, [order_id] if verb in _ABOUT_ORDERS and _ORDER_ID.fullmatch(order_id):
            return OrderPressed(Verb(verb), OrderId(order_id))
        case _:
            return None


def order_id_of(payload: str) -> OrderId | None:
    """The order that an invoice's payload names; None where it is no id of ours."""
    return OrderId(payload) if _ORDER_ID.fullmatch(payload) else None
