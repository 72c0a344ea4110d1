"""To whom a broadcast goes, as administrators read and choose it on the pages of its panel. Pure.

A word says what is chosen: `l`, `s`, `p` or `a` for a language, a registration, a product or an
activity, `+` or `-` for whether it is marked, and which one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from actors.broadcast.messages import Button, Keyboard
from actors.broadcasts import panel_texts as texts
from actors.broadcasts.model import Audience, Broadcast
from actors.broadcasts.panel_buttons import MARK, button
from actors.broadcasts.panel_reader import Reader
from actors.broadcasts.panel_texts import Label
from actors.broadcasts.template import LANGUAGE_NAMES
from actors.kernel import local_time
from actors.kernel.ids import ProductId
from actors.kernel.language import Language

PLANS_MAX = 50
"""Products that can be chosen in the chat; the command knows all."""

_T = TypeVar("_T")

STATES: Mapping[str, tuple[str, ...]] = {
    "filling": ("new", "language", "name", "contact", "summary", "changing", "saving"),
    "awaiting_payment": ("awaiting_payment",),
    "success": ("success",),
    "cancelled": ("cancelled",),
    "expired": ("expired",),
}
"""Where a conversation can stand (`sessions.model.State`), as administrators tell it apart."""


class Page(StrEnum):
    """What a panel shows of a broadcast that waits."""

    MAIN = "main"
    WHOM = "whom"
    REGISTRATIONS = "registrations"
    PLANS = "plans"
    ACTIVE = "active"
    WHEN = "when"


def chosen(audience: Audience, word: str, *, now: datetime) -> Audience | None:
    """The audience with what `b:pick` says; None when it says nothing."""
    what, marks, which = word[:1], word[1:2] == "+", word[2:]
    if word[1:2] not in {"+", "-"}:
        return None
    match what:
        case "l" if which in set(Language):
            languages = _marked(audience.languages, (Language(which),), marks=marks)
            return replace(audience, languages=languages)
        case "s" if which in STATES:
            return replace(audience, states=_marked(audience.states, STATES[which], marks=marks))
        case "p" if which:
            products = _marked(audience.products, (ProductId(which),), marks=marks)
            return replace(audience, products=products)
        case "a" if not marks:
            return replace(audience, active_since=None)
        case "a" if which in map(str, texts.AGES):
            return replace(audience, active_since=now - timedelta(days=int(which)))
        case _:
            return None


def page_after(word: str) -> Page:
    """Where somebody is who has chosen `word`."""
    pages = {"s": Page.REGISTRATIONS, "p": Page.PLANS, "t": Page.WHEN}
    return pages.get(word[:1], Page.WHOM)


def told(audience: Audience, reader: Reader) -> str:
    """Who gets it, as HTML."""
    whom = ", ".join(_narrowed(audience, reader))
    if not whom:
        return reader.say(texts.TO_EVERYBODY)
    return texts.TO.in_language(reader.language).format(whom=whom)  # escaped already


def _narrowed(audience: Audience, reader: Reader) -> Iterator[str]:
    if audience.chat_ids:
        yield reader.say(texts.TO_CHATS, count=reader.number(len(audience.chat_ids)))
    if audience.languages:
        which = " / ".join(LANGUAGE_NAMES[language] for language in audience.languages)
        yield reader.say(texts.TO_LANGUAGE, which=which)
    if audience.states:
        which = " / ".join(_registrations(audience.states, reader))
        yield reader.say(texts.TO_REGISTRATION, which=which)
    if audience.products:
        titles = [reader.products.get(product, product) for product in audience.products]
        yield reader.say(texts.TO_PLAN, which=" / ".join(f"«{title}»" for title in titles))
    if audience.active_since is not None:
        when = local_time.told(audience.active_since, reader.zone)
        yield reader.say(texts.TO_ACTIVE, when=when)


def _registrations(states: tuple[str, ...], reader: Reader) -> Iterator[str]:
    rest = set(states)
    for name, several in STATES.items():
        if rest.issuperset(several):
            rest.difference_update(several)
            yield reader.say(texts.REGISTRATIONS[name])
    yield from sorted(rest)


def choices(broadcast: Broadcast, reader: Reader, page: Page) -> Keyboard:
    """The buttons of a page; what is marked is unmarked by them."""
    words = [
        button(broadcast, f"{MARK}{text}" if marked else text, "pick", word)
        for word, text, marked in _choices(broadcast.audience, reader, page)
    ]

    def turn(label: Label, to: Page) -> tuple[Button]:
        return (button(broadcast, reader.label(label), "page", to),)

    if page is not Page.WHOM:
        return *((word,) for word in words), turn(Label.BACK, Page.WHOM)
    plans = (turn(Label.PLAN, Page.PLANS),) if reader.products else ()
    return (
        tuple(words),
        turn(Label.REGISTRATION, Page.REGISTRATIONS),
        *plans,
        turn(Label.ACTIVE, Page.ACTIVE),
        turn(Label.BACK, Page.MAIN),
    )


def _choices(audience: Audience, reader: Reader, page: Page) -> Iterator[tuple[str, str, bool]]:
    """The word of each, what its button says, and whether it is marked now."""
    match page:
        case Page.REGISTRATIONS:
            for name, phrase in texts.REGISTRATIONS.items():
                marked = set(audience.states).issuperset(STATES[name])
                yield f"s{_sign(marked)}{name}", reader.say(phrase), marked
        case Page.PLANS:
            for product, title in islice(reader.products.items(), PLANS_MAX):
                marked = product in audience.products
                yield f"p{_sign(marked)}{product}", title, marked
        case Page.ACTIVE:
            for days, phrase in texts.AGES.items():
                yield f"a+{days}", reader.say(phrase), False
            yield "a-", reader.label(Label.ANY_TIME), audience.active_since is None
        case _:
            for language, title in LANGUAGE_NAMES.items():
                marked = language in audience.languages
                yield f"l{_sign(marked)}{language}", title, marked


def _sign(marked: bool) -> str:  # noqa: FBT001 - what a button would do with it
    return "-" if marked else "+"


def _marked(known: tuple[_T, ...], which: tuple[_T, ...], *, marks: bool) -> tuple[_T, ...]:
    rest = tuple(each for each in known if each not in which)
    return rest + which if marks else rest
