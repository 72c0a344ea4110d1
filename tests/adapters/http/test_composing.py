"""What operators send with a broadcast becomes exactly what they meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.broadcast.messages import Button, Media
from actors.broadcasts.model import Audience, Content
from actors.kernel.ids import ChatId, ProductId
from actors.kernel.language import Language
from adapters.http.asking import Refusal
from adapters.http.composing import (
    audience_of,
    buttons_as_json,
    content_of,
    flag,
    known_only,
    moment_of,
)

BUTTONS = [[{"text": "Go", "url": "https://a.org"}], [{"text": "B", "url": "tg://user?id=1"}]]


def test_content_is_text_media_and_rows_of_buttons() -> None:
    told = {"text": "x", "media": {"kind": "video", "file": "BAACAgIAAx"}, "buttons": BUTTONS}
    content = content_of(told)
    assert content == Content(
        text="x",
        media=Media(kind="video", file="BAACAgIAAx"),
        buttons=(
            (Button(text="Go", url="https://a.org"),),
            (Button(text="B", url="tg://user?id=1"),),
        ),
    )
    assert buttons_as_json(content.buttons) == BUTTONS
    assert content_of({}) == Content(text="")
    assert content_of({"text": "x", "media": None, "buttons": None}) == Content(text="x")


def test_an_audience_is_everybody_unless_it_says_otherwise() -> None:
    assert audience_of(None) == audience_of({}) == Audience()
    told = {
        "chat_ids": [5, -100],
        "languages": ["uk"],
        "states": ["success"],
        "products": ["vip"],
        "active_since": "2026-11-21T14:00:00+02:00",
    }
    assert audience_of(told) == Audience(
        chat_ids=(ChatId(5), ChatId(-100)),
        languages=(Language.UK,),
        states=("success",),
        products=(ProductId("vip"),),
        active_since=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "told", ["2026-11-21T12:00:00", "soon", 5, None, "0001-01-01T00:00:00+23:00", ""]
)
def test_a_time_without_its_zone_is_none(told: object) -> None:
    with pytest.raises(Refusal, match="a time with its zone"):
        moment_of(told, "starts_at")


def test_what_nobody_would_look_at_is_named() -> None:
    with pytest.raises(Refusal, match="there is no 'txt': what is told is text, why"):
        known_only({"txt": "x", "why": "y"}, ("why", "text"))
    with pytest.raises(Refusal) as refused:
        known_only({"x" * 1_000_000: "x"}, ("text",))
    assert len(str(refused.value)) < 200


def test_a_language_that_is_none_hears_which_there_are() -> None:
    with pytest.raises(
        Refusal, match="languages is a list of at most 100 names, each one of en, ru, uk"
    ):
        audience_of({"languages": ["de"]})


def test_a_flag_is_a_truth_value() -> None:
    assert (flag({"hold": True}, "hold"), flag({}, "hold")) == (True, False)
    with pytest.raises(Refusal):
        flag({"hold": 1}, "hold")
