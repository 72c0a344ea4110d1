"""Keyboards: what is accepted, and Telegram's words for the rest."""

from __future__ import annotations

import json

import pytest

from adapters.sandbox.telegram_markup import Markup, read
from adapters.sandbox.telegram_parameters import Parameters, Refusal


def reading(markup: object) -> Markup:
    text = markup if isinstance(markup, str) else json.dumps(markup)
    return read(Parameters({"reply_markup": text}))


def test_each_kind_of_keyboard_is_read() -> None:
    inline = [[{"text": "Buy", "callback_data": "b" * 64}, {"text": "Site", "url": "x.org"}]]

    assert read(Parameters({})) == Markup()
    assert reading({"inline_keyboard": [*inline, []]}) == Markup(inline=inline)
    assert reading({"keyboard": [["Later"]]}) == Markup(reply=[[{"text": "Later"}]])
    assert reading({"remove_keyboard": True}) == Markup(remove=True)
    assert reading({"inline_keyboard": []}) == Markup()
    assert reading({"force_reply": True}) == Markup()


@pytest.mark.parametrize(
    ("markup", "refusal"),
    [
        ("{", "can't parse reply keyboard markup JSON object"),
        ('{"inline_keyboard": NaN}', "can't parse reply keyboard markup JSON object"),
        ("[" * 100_000, "can't parse reply keyboard markup JSON object"),
        ([1], "object expected as reply markup"),
        ({"keyboard": ["a"]}, 'field "keyboard" must be an Array of Arrays'),
        (
            {"inline_keyboard": {}},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            {"keyboard": [[1]]},
            "can't parse keyboard button: KeyboardButton must be a String or an Object",
        ),
        ({"keyboard": [[" "]]}, "keyboard button text must be non-empty"),
    ],
)
def test_what_is_no_keyboard_is_refused(markup: object, refusal: str) -> None:
    with pytest.raises(Refusal) as caught:
        reading(markup)
    assert caught.value.description == f"Bad Request: {refusal}"


@pytest.mark.parametrize(
    ("button", "refusal"),
    [
        ("Buy", "InlineKeyboardButton must be an Object"),
        ({"callback_data": "b"}, 'Can\'t find field "text"'),
        ({"text": 1, "callback_data": "b"}, 'Field "text" must be of type String'),
        ({"text": "Buy", "callback_data": 1}, 'Field "callback_data" must be of type String'),
        ({"text": "Buy"}, "Text buttons are unallowed in the inline keyboard"),
        ({"text": "Buy", "callback_data": ""}, "Text buttons are unallowed in the inline keyboard"),
        ({"text": "", "callback_data": "b"}, "inline keyboard button text must be non-empty"),
        ({"text": "Buy", "callback_data": "b" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "Buy", "callback_data": "ї" * 33}, "BUTTON_DATA_INVALID"),
    ],
)
def test_a_button_that_leads_nowhere_is_refused(button: object, refusal: str) -> None:
    with pytest.raises(Refusal) as caught:
        reading({"inline_keyboard": [[button]]})
    assert caught.value.description.startswith("Bad Request: ")
    assert caught.value.description.endswith(refusal)
