"""The text of a message: cleaned, trimmed, measured."""

from __future__ import annotations

import json

import pytest

from adapters.sandbox.telegram_parameters import Parameters, Refusal
from adapters.sandbox.telegram_text import read

BOLD = {"type": "bold", "offset": 0, "length": 1}


def reading(text: str, **more: str) -> tuple[str, list[dict[str, object]]]:
    return read(Parameters({"text": text, **more}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b\tc\x1fd", "a b c d"),
        ("one\r\ntwo", "one\ntwo"),
        ("a\u202eb\u2028c", "abc"),
        ("  \n a \u00a0\n", "a"),
    ],
)
def test_control_characters_and_outer_white_space_are_not_shown(text: str, shown: str) -> None:
    assert reading(text) == (shown, [])


@pytest.mark.parametrize(
    ("text", "mode", "refusal"),
    [
        ("", "", "message text is empty"),
        (" \n ", "", "text must be non-empty"),
        ("<b> </b>", "HTML", "text must be non-empty"),
        ("<b", "HTML", "can't parse entities: Unclosed start tag at byte offset 0"),
        ("x" * 4097, "", "message is too long"),
        ("🏟" * 2049, "", "message is too long"),
        ("x" * 32_769, "", "text is too long"),
        ("*x*", "MarkdownV2", "unsupported parse_mode"),
    ],
)
def test_a_text_that_cannot_be_shown_says_why(text: str, mode: str, refusal: str) -> None:
    with pytest.raises(Refusal) as caught:
        reading(text, parse_mode=mode)
    assert caught.value.description == f"Bad Request: {refusal}"


def test_the_length_counts_what_is_shown() -> None:
    assert len(reading("<b>" + "&lt;" * 4096 + "</b>", parse_mode="HTML")[0]) == 4096
    assert reading("🏟" * 2048)[0] == "🏟" * 2048


def test_entities_move_with_the_text() -> None:
    assert reading(" \n<b> 🏟a</b><i> </i>", parse_mode="html") == (
        "🏟a",
        [{"type": "bold", "offset": 0, "length": 3}],
    )


def test_entities_may_be_named_outright() -> None:
    given = [BOLD, {"type": "url", "offset": 0, "length": 1}]

    assert reading("<b>", entities=json.dumps(given)) == ("<b>", [BOLD])
    assert reading("a", entities="not JSON") == ("a", [])
    assert reading("a", entities="{}") == ("a", [])


@pytest.mark.parametrize(
    ("entity", "refusal"),
    [
        (1, "expected an Object"),
        ({"type": "bold", "length": 1}, 'Can\'t find field "offset"'),
        ({"type": "sparkling", "offset": 0, "length": 1}, "Unsupported type specified"),
        ({"offset": 0, "length": 1}, "Unsupported type specified"),
    ],
)
def test_an_entity_that_is_none_is_refused(entity: object, refusal: str) -> None:
    with pytest.raises(Refusal, match="can't parse MessageEntity") as caught:
        reading("a", entities=json.dumps([entity]))
    assert caught.value.description.endswith(refusal)
