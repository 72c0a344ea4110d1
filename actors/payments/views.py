"""What the panel of an order shows, and the receipt with what was bought. Pure; HTML, escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from html import escape

from actors.broadcast.messages import Button, Keyboard
from actors.kernel import local_time
from actors.payments import texts
from actors.payments.hearing import Verb, data
from actors.payments.orders import ENDED, Order, State
from actors.payments.panel_texts import LINES, OPENING_SLOWLY, PANELS, WORDS, Line
from actors.payments.texts import Label, Text

REFERENCE_LENGTH = 8
"""Characters of an order's id by which people name it."""

_SHOWS_REFUND_ITSELF = (State.REFUNDED,)
_SHOWS_COMING_ITSELF = (State.PROCESSING,)


@dataclass(frozen=True, slots=True)
class View:
    """What the user sees."""

    text: str
    keyboard: Keyboard = ()


def reference(order: Order) -> str:
    """How people name the order."""
    return order.order_id[:REFERENCE_LENGTH].upper()


def view_of(order: Order, zone: tzinfo = UTC) -> View:
    """The panel of the order as it is now; times by the clocks of `zone`."""
    return View(text_of(order, zone), _keyboard(order))


def text_of(order: Order, zone: tzinfo = UTC) -> str:
    """How the order stands."""
    slow = order.state is State.OPENING and order.attempts
    phrase = OPENING_SLOWLY if slow else PANELS[order.state]
    text = phrase.in_language(order.language).format(
        title=_plain(order.title),
        description=_plain(order.description),
        price=order.price,
        rail=texts.rail(order.rail, order.language),
        until=local_time.told(order.expires_at, zone),
        kept=order.kept,
        missing=order.missing,
        given_back=order.given_back,
    )
    lines = "\n".join(_lines(order))
    return f"{text}\n\n{lines}" if lines else text


def goods_of(order: Order, zone: tzinfo = UTC) -> str:
    """The receipt, and what was bought."""
    return texts.say(
        Text.GOODS,
        order.language,
        title=_plain(order.title),
        sold=order.sold,
        rail=texts.rail(order.rail, order.language),
        paid_at="" if order.paid_at is None else local_time.told(order.paid_at, zone),
        reference=reference(order),
        goods=_plain(order.goods),
    )


def line_of(order: Order) -> str:
    """The order in a list: plain, one line."""
    state = WORDS[order.state].in_language(order.language)
    return f"{order.title}, {order.price}: {state}"


def _lines(order: Order) -> Iterator[str]:
    """What stands below, whatever the state."""
    said = {
        Line.COMING: order.coming and order.state not in _SHOWS_COMING_ITSELF,
        Line.SURPLUS: bool(order.surplus),
        Line.STRANGE: bool(order.strange),
        Line.REINSTATED: bool(order.won) and order.state is not State.DISPUTED,
        Line.REFUNDED: bool(order.given_back) and order.state not in _SHOWS_REFUND_ITSELF,
    }
    for line, is_said in said.items():
        if is_said:
            yield (
                LINES[line]
                .in_language(order.language)
                .format(
                    surplus=order.surplus,
                    given_back=order.given_back,
                    won=order.won,
                    strange=", ".join(str(charge.received) for charge in order.strange),
                )
            )


def _keyboard(order: Order) -> Keyboard:
    pay = Button(text=texts.label(Label.PAY, order.language), url=order.url or "")
    match order.state:
        case State.OPENING:
            return ((_button(order, Label.CANCEL, Verb.CANCEL),),)
        case State.WAITING:
            return (pay,), (_button(order, Label.CANCEL, Verb.CANCEL),)
        case State.UNDERPAID:
            return ((pay,),) if order.url else ()
        case State.LATE:
            return (
                (_button(order, Label.TAKE, Verb.TAKE),),
                (_button(order, Label.SUPPORT, Verb.HELP),),
            )
        case State.HELD | State.DISPUTED:
            return ((_button(order, Label.SUPPORT, Verb.HELP),),)
        case state if state in ENDED or state in {State.GRANTED, State.REFUNDED}:
            again = texts.label(Label.SHOP, order.language)
            return ((Button(text=again, data=data(Verb.SHOP, "new")),),)
        case _:
            return ()


def _button(order: Order, label: Label, verb: Verb) -> Button:
    return Button(text=texts.label(label, order.language), data=data(verb, order.order_id))


def _plain(text: str) -> str:
    return escape(text, quote=False)
