"""What administrators write in their chat becomes a broadcast that shows what they see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast.messages import Button, Media
from actors.broadcasts import messages as broadcasts
from actors.gateway.admins import Admins, for_broadcaster, html_of, reader
from actors.gateway.model import Arrival, Ignored, Routed
from actors.kernel.ids import ChatId, MessageId, UpdateId
from actors.sessions import messages as sessions
from adapters.sandbox.telegram_html import parse
from runtime.testing import Probe

GROUP = ChatId(-100_200)
ANN = {"id": 7, "is_bot": False, "first_name": "Ann", "username": "ann"}


def arrival(**update: Any) -> Arrival:
    return Arrival(UpdateId(5), json.dumps({"update_id": 5} | update))


def message(chat_id: int = GROUP, /, **fields: Any) -> Arrival:
    kind = "supergroup" if chat_id < 0 else "private"
    chat = {"id": chat_id, "type": kind}
    told = {"message_id": 3, "date": 1, "chat": chat, "from": ANN} | fields
    return arrival(message=told)


def heard(told: Arrival, admin_chat_id: ChatId = GROUP) -> Any:
    routed = for_broadcaster(told, admin_chat_id)
    return None if routed is None else routed.message


def composed(text: str, media: Media | None = None, who: str = "telegram:@ann") -> Any:
    return broadcasts.Composed(update_id=UpdateId(5), who=who, text=text, media=media)


def test_what_stands_behind_the_command_is_sent_as_it_was_formatted() -> None:
    entities = [
        {"type": "bot_command", "offset": 0, "length": 10},
        {"type": "bold", "offset": 14, "length": 7},
        {"type": "text_link", "offset": 22, "length": 4, "url": 'https://a.org/?b=1&c="2"'},
    ]
    told = message(text="/broadcast 👋 {name} <& ok", entities=entities)
    assert heard(told) == composed(
        '👋 <b>{name} </b>&lt;<a href="https://a.org/?b=1&amp;c=&quot;2&quot;">&amp; ok</a>'
    )
    assert heard(message(text="/broadcast@shop_bot\nHi")) == composed("Hi")
    assert heard(message(text="/broadcast")) == composed("")


def test_media_comes_with_its_caption() -> None:
    photo = [{"file_id": "small-small"}, {"file_id": "large-large"}]
    told = message(photo=photo, caption="/broadcast Look")
    assert heard(told) == composed("Look", Media(kind="photo", file="large-large"))
    gif = {"animation": {"file_id": "gif-gif-gif"}, "document": {"file_id": "doc-doc-doc"}}
    told = message(**gif, caption="/broadcast")
    assert heard(told) == composed("", Media(kind="animation", file="gif-gif-gif"))


def test_a_command_that_answers_a_message_means_that_message() -> None:
    entities = [{"type": "italic", "offset": 0, "length": 2}]
    answered = {"message_id": 2, "text": "Hi all", "entities": entities}
    told = message(text="/broadcast", reply_to_message=answered)
    assert heard(told) == composed("<i>Hi</i> all")
    video = {"message_id": 2, "video": {"file_id": "video-video"}, "caption": "x"}
    told = message(text="/broadcast", reply_to_message=video)
    assert heard(told) == composed("x", Media(kind="video", file="video-video"))
    told = message(text="/broadcast Other", reply_to_message=answered)
    assert heard(told) == composed("Other")


def button(text: str, url: str) -> tuple[Button, ...]:
    return (Button(text=text, url=url),)


def test_last_lines_become_buttons() -> None:
    text = (
        "/broadcast Big 👋 news\n\n[Read more] https://a.org/?b=1&c=2\n[Chat]tg://resolve?domain=x "
    )
    bold = {"type": "bold", "offset": 11, "length": 200}
    told = heard(message(text=text, entities=[bold]))
    assert told.text == "<b>Big 👋 news\n</b>"
    assert told.buttons == (
        button("Read more", "https://a.org/?b=1&c=2"), button("Chat", "tg://resolve?domain=x"),
    )  # fmt: skip
    for plain in ("[x] y", "see [x] https://a.org", "[x] https://a.org\nBye", "[] https://a.org"):
        assert heard(message(text=f"/broadcast {plain}")) == composed(plain)


def test_a_message_that_is_answered_keeps_its_buttons_unless_others_are_given() -> None:
    keys = [[{"text": "A", "url": "https://a.org"}, {"text": "B", "callback_data": "x"}], [{}], 5]
    answered = {"message_id": 2, "text": "Hi", "reply_markup": {"inline_keyboard": keys}}
    told = heard(message(text="/broadcast", reply_to_message=answered))
    assert (told.text, told.buttons) == ("Hi", (button("A", "https://a.org"),))
    told = heard(message(text="/broadcast\n[C] https://c.org", reply_to_message=answered))
    assert (told.text, told.buttons) == ("Hi", (button("C", "https://c.org"),))
    answered["text"] = "Hi\n[D] https://d.org"
    told = heard(message(text="/broadcast", reply_to_message=answered))
    assert (told.text, told.buttons) == ("Hi", (button("D", "https://d.org"),))


def test_only_the_chat_of_the_administrators_can() -> None:
    text = {"text": "/broadcast Hi"}
    assert heard(message(7, **text), ChatId(7)) == composed("Hi")
    for admins in (Admins(GROUP, Probe()), None):
        read = reader(admins)(message(7, **text))
        assert isinstance(read, Routed)
        assert isinstance(read.message, sessions.CommandReceived)
        assert not read.for_admins
    assert reader(None)(message(**text)) == Ignored("message:supergroup")
    read = reader(Admins(GROUP, Probe()))(message(**text))
    assert isinstance(read, Routed)
    assert (read.chat_id, read.for_admins, read.message) == (GROUP, True, composed("Hi"))


@pytest.mark.parametrize(
    "text", ["Hi", "/broadcasts Hi", "x /broadcast Hi", "/broadcast_ Hi", "/broadcas", "/Broadcast"]
)
def test_nothing_else_is_a_broadcast(text: str) -> None:
    assert heard(message(text=text)) is None


def pressed(data: Any = "b:pause:3", chat_id: int = GROUP, **fields: Any) -> Arrival:
    shown = {"message_id": 9, "date": 1, "chat": {"id": chat_id, "type": "supergroup"}}
    told = {"id": "77", "from": ANN, "message": shown, "data": data} | fields
    return arrival(callback_query=told)


def test_a_pressed_button_of_ours_is_heard() -> None:
    assert heard(pressed()) == broadcasts.Pressed(
        update_id=UpdateId(5), who="telegram:@ann", callback_id="77",
        message_id=MessageId(9), data="b:pause:3",
    )  # fmt: skip
    for other in (pressed("p:pause:3"), pressed(chat_id=-5), pressed(id="\0"), pressed(None)):
        assert heard(other) is None


def test_who_it_was_is_told_in_one_line() -> None:
    nameless = ANN | {"username": None, "first_name": "Ann\n\x00 <b>"}
    told = message(text="/broadcast x", **{"from": nameless})
    assert heard(told) == composed("x", who="telegram:Ann <b>")
    assert heard(message(text="/broadcast x", **{"from": None})).who == "telegram:somebody"


def test_formats_inside_each_other_close_in_their_order() -> None:
    spans = [("italic", 0, 3), ("bold", 0, 7), ("code", 4, 3), ("underline", 8, 1)]
    entities = [{"type": kind, "offset": at, "length": length} for kind, at, length in spans]
    assert html_of("one two 3", entities) == "<b><i>one</i> <code>two</code></b> <u>3</u>"
    assert html_of("one two 3", entities, start=2) == "<b><i>e</i> <code>two</code></b> <u>3</u>"


def test_every_format_is_one_that_telegram_reads_back() -> None:
    kinds: list[dict[str, Any]] = [
        {"type": kind}
        for kind in ("bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre")
    ]
    kinds += [{"type": "blockquote"}, {"type": "expandable_blockquote"}]
    kinds += [{"type": "pre", "language": "c++"}, {"type": "text_link", "url": "https://a.org"}]
    kinds += [{"type": "custom_emoji", "custom_emoji_id": "5"}, {"type": "mention"}, {"type": 5}]
    for kind in kinds:
        text, entities = parse(html_of("one two", [{"offset": 4, "length": 3} | kind]))
        assert text == "one two"
        assert [(e["offset"], e["length"]) for e in entities] in ([(4, 3)], [])


NAMES = st.sampled_from(["bold", "italic", "code", "text_link", "nothing"])
SPANS = st.lists(st.tuples(NAMES, st.integers(-2, 12), st.integers(-2, 12)), max_size=4)


@given(st.text(max_size=10), SPANS, st.integers(0, 10))
def test_whatever_comes_is_text(text: str, spans: list[tuple[str, int, int]], start: int) -> None:
    entities = [
        {"type": kind, "offset": a, "length": b, "url": "https://a.org"} for kind, a, b in spans
    ]
    told = html_of(text, [*entities, None, {}, {"offset": "1"}], start=min(start, len(text)))
    assert isinstance(told.encode(), bytes)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "chat",
                        "id",
                        "text",
                        "entities",
                        "photo",
                        "file_id",
                        "from",
                        "caption",
                        "reply_to_message",
                        "reply_markup",
                        "inline_keyboard",
                        "url",
                        "message_id",
                        "data",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_garbage_is_nobodys(garbage: Any) -> None:
    fields = garbage if isinstance(garbage, dict) else {"photo": garbage, "entities": garbage}
    for told in (message(**{"text": "/broadcast x"} | fields), pressed(**fields)):
        for_broadcaster(told, GROUP)
