"""What may be broadcast, to whom, and which news of a recipient counts."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from actors.broadcast.messages import Button, Media
from actors.broadcasts.model import (
    BUTTON_TEXT_MAX,
    BUTTONS_MAX,
    BUTTONS_PER_ROW_MAX,
    CAPTION_UNITS_MAX,
    CHAT_IDS_MAX,
    FINAL,
    OPEN,
    OVER,
    SOURCE_CHARACTERS_MAX,
    TEXT_UNITS_MAX,
    URL_MAX_CHARACTERS,
    Audience,
    Content,
    ContentError,
    Counts,
    Outcome,
    State,
    audience_of,
    check_audience,
    check_content,
    content_of,
    packed,
    settles,
)
from actors.kernel.ids import ChatId
from actors.kernel.language import Language

LONG = "a" * URL_MAX_CHARACTERS
PHOTO = Media(kind="photo", file="https://example.org/a.jpg")


def button(text: str = "Go", url: str = "https://example.org", data: str = "") -> Button:
    return Button(text=text, url=url, data=data)


GOOD: list[dict[str, Any]] = [
    {"text": "x"},
    {"text": "x" * TEXT_UNITS_MAX},
    {"text": f"<b>{'x' * TEXT_UNITS_MAX}</b>"},
    {"text": "line\n\ttab 🔥"},
    {"text": "", "media": PHOTO},
    {"text": "x" * CAPTION_UNITS_MAX, "media": PHOTO},
    {"text": "x", "media": Media(kind="document", file="BQACAgIAAxkBAAI-_9")},
    {"text": "x", "buttons": ((button(), button()), (button(url="tg://user?id=1"),))},
    {"text": "x", "buttons": ((button("b" * BUTTON_TEXT_MAX),) * BUTTONS_PER_ROW_MAX,) * 12},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"text": " \n"}, "no text"),
    ({"text": "x" * (TEXT_UNITS_MAX + 1)}, f"a message has at most {TEXT_UNITS_MAX}"),
    ({"text": "🔥" * (TEXT_UNITS_MAX // 2) + "x"}, "at most"),
    ({"text": "x" * (TEXT_UNITS_MAX - 159) + "{name}"}, "with the longest names"),
    (
        {"text": "x" * (CAPTION_UNITS_MAX + 1), "media": PHOTO},
        f"a caption has at most {CAPTION_UNITS_MAX}",
    ),
    ({"text": "<b></b>" * SOURCE_CHARACTERS_MAX}, "more than"),
    ({"text": "a\0"}, "control"),
    ({"text": "a\x7f"}, "control"),
    ({"text": "a\ud83d"}, "half a character"),
    ({"text": "{nme}"}, "not known"),
    ({"text": "x", "media": Media(kind="photo", file="http://example.org/a.jpg")}, "https"),
    ({"text": "x", "media": Media(kind="photo", file="short")}, "file_id"),
    ({"text": "x", "media": Media(kind="photo", file="https://")}, "https"),
    ({"text": "x", "media": Media(kind="photo", file="https://[x")}, "https"),
    ({"text": "x", "media": Media(kind="photo", file="https://x.org/a b")}, "https"),
    ({"text": "x", "media": Media(kind="photo", file=f"https://x.org/{LONG}")}, "https"),
    ({"text": "x", "buttons": ((),)}, "in a row"),
    ({"text": "x", "buttons": ((button(),) * (BUTTONS_PER_ROW_MAX + 1),)}, "in a row"),
    ({"text": "x", "buttons": ((button(),),) * (BUTTONS_MAX + 1)}, "at most"),
    ({"text": "x", "buttons": ((button(" "),),)}, "1 to"),
    ({"text": "x", "buttons": ((button("b" * (BUTTON_TEXT_MAX + 1)),),)}, "1 to"),
    ({"text": "x", "buttons": ((button("a\nb"),),)}, "control"),
    ({"text": "x", "buttons": ((button(url="javascript:alert(1)"),),)}, "address"),
    ({"text": "x", "buttons": ((button(url=""),),)}, "address"),
    ({"text": "x", "buttons": ((button(data="b:pause:1"),),)}, "address"),
]  # fmt: skip


@pytest.mark.parametrize("fields", GOOD, ids=range(len(GOOD)))
def test_what_telegram_can_show_may_be_sent(fields: dict[str, Any]) -> None:
    check_content(Content(**fields))


@pytest.mark.parametrize(("fields", "why"), BAD, ids=range(len(BAD)))
def test_what_no_copy_of_can_be_shown_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ContentError, match=why):
        check_content(Content(**fields))


def test_so_many_chats_can_be_listed() -> None:
    check_audience(Audience(chat_ids=tuple(ChatId(n) for n in range(1, CHAT_IDS_MAX + 1))))
    check_audience(Audience(chat_ids=(ChatId(2**52 - 1), ChatId(-(2**52) + 1))))
    with pytest.raises(ContentError, match="at most"):
        check_audience(Audience(chat_ids=(ChatId(1),) * (CHAT_IDS_MAX + 1)))
    for number in (0, 2**52, -(2**52)):
        with pytest.raises(ContentError, match="whole number"):
            check_audience(Audience(chat_ids=(ChatId(number),)))


def test_only_these_news_of_a_recipient_count() -> None:
    taken = {(was, becomes) for was, becomes in product(Outcome, Outcome) if settles(was, becomes)}
    waiting = (Outcome.PENDING, Outcome.SENDING)
    known = (Outcome.SENT, Outcome.BLOCKED, Outcome.FAILED)
    assert {pair for pair in taken if pair[1] is not Outcome.SENDING} == {
        (Outcome.SENDING, Outcome.PENDING),
        *product(waiting, FINAL),
        *product((Outcome.UNKNOWN,), known),
    }


def test_who_has_no_outcome_is_pending() -> None:
    counts = Counts(total=10, left_out=5, sent=4, blocked=1, failed=2, unknown=1)
    assert (counts.done, counts.pending) == (8, 2)
    assert set(OPEN) | set(OVER) == set(State)


def test_what_was_packed_is_unpacked() -> None:
    content = Content(text="ї 🔥 \n", media=PHOTO, buttons=((button(),), (button("2"),)))
    assert content_of(packed(content)) == content
    assert audience_of(packed(Audience())) == Audience()
    audience = Audience(chat_ids=(ChatId(-5),), languages=(Language.UK,), states=("success",))
    assert audience_of(packed(audience)) == audience
