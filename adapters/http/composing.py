"""What operators send with a broadcast, read strictly: its content, its audience, its time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from actors.broadcast.messages import Button, Keyboard, Media
from actors.broadcasts.model import CHAT_ID_BITS, Audience, Content
from actors.kernel.ids import ChatId, ProductId
from actors.kernel.language import Language
from actors.sessions.model import State
from adapters.http.asking import Refusal, why

MEDIA = ("photo", "video", "document", "animation")
NAMES_MAX = 100
"""Languages, states or products that one audience names."""
NAME_MAX_CHARACTERS = 64

_AUDIENCE = frozenset({"chat_ids", "languages", "states", "products", "active_since"})


def known_only(told: dict[str, Any], names: Collection[str]) -> None:
    """Raises `Refusal` for what nobody would look at."""
    if unknown := sorted(told.keys() - set(names)):
        known = ", ".join(sorted(names))
        raise Refusal(f"there is no {unknown[0][:NAME_MAX_CHARACTERS]!r}: what is told is {known}")


def flag(told: dict[str, Any], name: str) -> bool:
    """True or false, false when it is not there. Raises `Refusal`."""
    value = told.get(name, False)
    if not isinstance(value, bool):
        raise Refusal(f"{name} is true or false")
    return value


def optional_why(told: dict[str, Any]) -> str:
    """The operator's own words, if there are some. Raises `Refusal`."""
    return why(told) if "why" in told else ""


def content_of(told: dict[str, Any]) -> Content:
    """What is to be sent, as far as its shape goes. Raises `Refusal`."""
    text = told.get("text", "")
    if not isinstance(text, str):
        raise Refusal("text is a text")
    return Content(
        text=text, media=_media(told.get("media")), buttons=_buttons(told.get("buttons"))
    )


def audience_of(told: object) -> Audience:
    """Who is to get it. Raises `Refusal`."""
    if told is None:
        return Audience()
    if not isinstance(told, dict):
        raise Refusal(f"audience is an object with {', '.join(sorted(_AUDIENCE))}")
    known_only(told, _AUDIENCE)
    since = told.get("active_since")
    return Audience(
        chat_ids=_chat_ids(told.get("chat_ids", [])),
        languages=tuple(Language(name) for name in _names(told, "languages", list(Language))),
        states=_names(told, "states", list(State)),
        products=tuple(ProductId(name) for name in _names(told, "products", None)),
        active_since=None if since is None else moment_of(since, "active_since"),
    )


def moment_of(told: object, name: str) -> datetime:
    """An aware time. Raises `Refusal`."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refusal(f"{name} is a time with its zone, such as 2026-11-21T12:00:00Z")


def buttons_as_json(rows: Keyboard) -> list[list[dict[str, str]]]:
    """As `content_of` takes them."""
    return [[{"text": button.text, "url": button.url} for button in row] for row in rows]


def _media(told: object) -> Media | None:
    match told:
        case None:
            return None
        case {"kind": "photo" | "video" | "document" | "animation" as kind, "file": str(file)}:
            return Media(kind=kind, file=file)
        case _:
            raise Refusal(f'media is {{"kind", "file"}}, its kind one of {", ".join(MEDIA)}')


def _buttons(told: object) -> Keyboard:
    if told is None:
        return ()
    rows = told if isinstance(told, list) else [None]
    return tuple(tuple(_button(each) for each in _row(row)) for row in rows)


def _row(told: object) -> list[object]:
    if not isinstance(told, list):
        raise Refusal('buttons are rows of {"text", "url"}: [[{...}, {...}], [{...}]]')
    return told


def _button(told: object) -> Button:
    match told:
        case {"text": str(text), "url": str(url)}:
            return Button(text=text, url=url)
        case _:
            raise Refusal('a button is {"text", "url"}')


def _chat_ids(told: object) -> tuple[ChatId, ...]:
    if not isinstance(told, list) or not all(map(_is_chat_id, told)):
        raise Refusal("chat_ids are whole numbers")
    return tuple(ChatId(each) for each in told)


def _is_chat_id(told: object) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and abs(told) < 1 << CHAT_ID_BITS


def _names(told: dict[str, Any], name: str, known: Collection[str] | None) -> tuple[str, ...]:
    names = told.get(name, [])
    fits = isinstance(names, list) and len(names) <= NAMES_MAX
    if not fits or not all(isinstance(each, str) and _is_name(each, known) for each in names):
        among = f", each one of {', '.join(sorted(known))}" if known else ""
        raise Refusal(f"{name} is a list of at most {NAMES_MAX} names{among}")
    return tuple(names)


def _is_name(told: str, known: Collection[str] | None) -> bool:
    if known is not None:
        return told in known
    return 0 < len(told) <= NAME_MAX_CHARACTERS and told.isprintable()
