"""`reply_markup`: what Telegram accepts, and what it says about the rest.

Texts from Client.cpp (`get_reply_markup`) and td (`ReplyMarkup.cpp`, `KeyboardButton.cpp`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.sandbox.telegram_parameters import Parameters, bad, parsed
from adapters.sandbox.telegram_state import Json

CALLBACK_DATA_BYTES_MAX = 64

Rows = list[list[Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """A keyboard of one kind; None where a kind was not given."""

    inline: Rows | None = None
    reply: Rows | None = None
    remove: bool = False


def read(parameters: Parameters) -> Markup:
    """The `reply_markup` parameter; absent means no keyboard. Raises Refusal."""
    value = parsed(parameters, "reply_markup", "can't parse reply keyboard markup JSON object")
    if value is None:
        return Markup()
    if not isinstance(value, dict):
        raise bad("object expected as reply markup")
    reply = _rows(value.get("keyboard"), 'field "keyboard"', _reply_button)
    inline = _rows(
        value.get("inline_keyboard"),
        'field "inline_keyboard" of the InlineKeyboardMarkup',
        _inline_button,
    )
    if reply:
        return Markup(reply=reply)
    if inline:
        return Markup(inline=inline)
    return Markup(remove=value.get("remove_keyboard") is True)


def _rows(value: object, name: str, button: Callable[[object], Json]) -> Rows:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise bad(f"{name} must be an Array of Arrays")
    rows = [[button(item) for item in row] for row in value]
    return [row for row in rows if row]


def _inline_button(item: object) -> Json:
    refused = "can't parse inline keyboard button: "
    if not isinstance(item, dict):
        raise bad(refused + "InlineKeyboardButton must be an Object")
    text = _label(item, refused)
    for action in ("url", "callback_data"):
        if not isinstance(item.get(action, ""), str):
            raise bad(f'{refused}Field "{action}" must be of type String')
    if not any(item.get(name) is not None and item[name] != "" for name in set(item) - {"text"}):
        raise bad(refused + "Text buttons are unallowed in the inline keyboard")
    if not text.strip():
        raise bad("inline keyboard button text must be non-empty")
    if len(item.get("callback_data", "").encode()) > CALLBACK_DATA_BYTES_MAX:
        raise bad("BUTTON_DATA_INVALID")
    return item


def _reply_button(item: object) -> Json:
    refused = "can't parse keyboard button: "
    if isinstance(item, str):
        item = {"text": item}
    if not isinstance(item, dict):
        raise bad(refused + "KeyboardButton must be a String or an Object")
    if not _label(item, refused).strip():
        raise bad("keyboard button text must be non-empty")
    return item


def _label(button: Json, refused: str) -> str:
    if "text" not in button:
        raise bad(refused + 'Can\'t find field "text"')
    text = button["text"]
    if not isinstance(text, str):
        raise bad(refused + 'Field "text" must be of type String')
    return text
