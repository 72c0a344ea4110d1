"""The text of a message: cleaned, parsed, trimmed and measured as Telegram does it."""

from __future__ import annotations

import re

from adapters.sandbox import telegram_html
from adapters.sandbox.telegram_html import ENTITY_TYPES, units
from adapters.sandbox.telegram_parameters import Parameters, bad, decode
from adapters.sandbox.telegram_state import Json

TEXT_UNITS_MAX = 4096
"""UTF-16 code units of one message's plain text (Bot API, `sendMessage`)."""
SOURCE_BYTES_MAX = 2**15
"""Of the text with its markup (Client.cpp, `get_formatted_text`)."""

GIVEN_TYPES = {*ENTITY_TYPES.values(), "expandable_blockquote", "text_mention"}
"""Entities a bot may name itself."""
FOUND_TYPES = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command"}
    | {"url", "email", "phone_number", "bank_card_number"}
)
"""Entities that Telegram finds by itself; named by a bot they are ignored."""
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")
_REMOVED = re.compile(r"[\r\u2028-\u202e\u030a\u0333\u033f]")
_BLANK = " \n\u00a0"


CAPTION_UNITS_MAX = 1024
"""The same of a caption (`sendPhoto`)."""


def read(parameters: Parameters) -> tuple[str, list[Json]]:
    """The plain text to show and its entities; raises Refusal."""
    source = parameters.get("text", "")
    if not source:
        raise bad("message text is empty")
    text, entities = _read(source, parameters, entities="entities")
    if not text:
        raise bad("text must be non-empty")
    if units(text) > TEXT_UNITS_MAX:
        raise bad("message is too long")
    return text, entities


def read_caption(parameters: Parameters) -> tuple[str, list[Json]]:
    """The same of what stands below media, which may be nothing."""
    source = parameters.get("caption", "")
    text, entities = _read(source, parameters, entities="caption_entities")
    if units(text) > CAPTION_UNITS_MAX:
        raise bad("message caption is too long")
    return text, entities


def _read(source: str, parameters: Parameters, *, entities: str) -> tuple[str, list[Json]]:
    if len(source.encode()) > SOURCE_BYTES_MAX:
        raise bad("text is too long")
    source = clean(source)
    match parameters.get("parse_mode", "").lower():
        case "" | "none":
            text, given = source, _given(parameters, entities)
        case "html":
            try:
                text, given = telegram_html.parse(source)
            except telegram_html.MarkupError as error:
                raise bad(f"can't parse entities: {error}") from error
        case _:  # Markdown is Telegram's too, but nobody in this house writes it
            raise bad("unsupported parse_mode")
    return _trim(text, given)


def clean(text: str) -> str:
    """Control characters become spaces, some invisible ones vanish (`clean_input_string`)."""
    return _REMOVED.sub("", _CONTROL.sub(" ", text))


def _given(parameters: Parameters, name: str) -> list[Json]:
    """The parameter of entities; what is not a JSON array is ignored, as Telegram does."""
    try:
        items = decode(parameters.get(name, ""))
    except ValueError:
        return []
    if not isinstance(items, list):
        return []
    return [item for item in map(_entity, items) if item["type"] not in FOUND_TYPES]


def _entity(item: object) -> Json:
    refused = "can't parse MessageEntity: "
    if not isinstance(item, dict):
        raise bad(refused + "expected an Object")
    for name in ("offset", "length"):
        if not isinstance(item.get(name), int):
            raise bad(f'{refused}Can\'t find field "{name}"')
    if item.get("type") not in GIVEN_TYPES | FOUND_TYPES:
        raise bad(refused + "Unsupported type specified")
    return item


def _trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Without the white space around it; entities move along, those left empty go."""
    begun = text.lstrip(_BLANK)
    moved = units(text) - units(begun)
    kept = begun.rstrip(_BLANK)
    length = units(kept)
    trimmed = []
    for entity in entities:
        begin = max(0, entity["offset"] - moved)
        end = min(length, entity["offset"] - moved + entity["length"])
        if end > begin:
            trimmed.append(entity | {"offset": begin, "length": end - begin})
    return kept, trimmed
