"""What each kind of update becomes, and that no garbage whatever gets through or raises."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.model import Arrival, Ignored, Malformed, Reading, Routed
from actors.gateway.reading import MEDIA, TEXT_MAX_CHARACTERS, clean, read
from actors.kernel.ids import UpdateId
from actors.sessions import messages as sessions

ADA = {"id": 7, "is_bot": False, "first_name": "Ada", "username": "ada", "language_code": "en-GB"}
CHAT = {"id": 7, "type": "private", "first_name": "Ada"}
PROFILE = sessions.Profile(first_name="Ada", username="ada", language_code="en-GB")
U = UpdateId(100)


def body(**kinds: object) -> str:
    return json.dumps({"update_id": 100} | kinds)


def read_body(text: str) -> Reading:
    return read(Arrival(U, text))


def message(**content: object) -> Reading:
    basics = {"message_id": 5, "date": 1_700_000_000, "from": ADA, "chat": CHAT}
    return read_body(body(message=basics | content))


def heard(reading: Reading) -> Any:
    assert isinstance(reading, Routed), reading
    return reading.message


def pressed(**changes: object) -> Reading:
    basics: dict[str, object] = {
        "id": "4242",
        "from": ADA,
        "message": {"message_id": 5, "date": 1_700_000_000, "chat": CHAT},
        "chat_instance": "1",
        "data": "save",
    }
    return read_body(body(callback_query=basics | changes))


def member(status: str, **changes: object) -> Reading:
    basics: dict[str, object] = {"chat": CHAT, "from": ADA, "new_chat_member": {"status": status}}
    return read_body(body(my_chat_member=basics | changes))


# Messages


def test_text_goes_to_the_session_of_its_chat() -> None:
    assert message(text="Ada Lovelace") == Routed(
        chat_id=7,  # type: ignore[arg-type]
        message=sessions.TextReceived(
            update_id=U,
            profile=PROFILE,
            text="Ada Lovelace",
            message_id=5,  # type: ignore[arg-type]
        ),
    )


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/start", "start", ""),
        ("/START", "start", ""),
        ("/start ref_42", "start", "ref_42"),
        ("/start@sandbox_shop_bot ref_42", "start", "ref_42"),
        ("/status@x", "status", ""),
        ("/lang \n uk \n", "lang", "uk"),
        ("/a_1 b /c", "a_1", "b /c"),
    ],
)
def test_a_command_is_its_name_and_its_argument(text: str, name: str, argument: str) -> None:
    assert heard(message(text=text)) == sessions.CommandReceived(
        update_id=U, profile=PROFILE, name=name, argument=argument
    )


@pytest.mark.parametrize(
    "text", ["/", "//", "/привет", "/ start", " /start", "/start@", "/a-b", "/" + "a" * 33, "1/2"]
)
def test_what_only_looks_like_a_command_is_text(text: str) -> None:
    assert heard(message(text=text)).text == text


@pytest.mark.parametrize(
    ("user_id", "own"), [({"user_id": 7}, True), ({"user_id": 8}, False), ({}, False)]
)
def test_a_contact_is_own_only_when_it_is_the_senders(user_id: dict[str, int], own: bool) -> None:
    contact = {"phone_number": "+380 44\n123", "first_name": "Ada"} | user_id
    assert heard(message(contact=contact)) == sessions.ContactReceived(
        update_id=U,
        profile=PROFILE,
        phone_number="+380 44 123",
        own=own,
        message_id=5,  # type: ignore[arg-type]
        name="Ada",
    )


@pytest.mark.parametrize("kind", MEDIA)
def test_whatever_else_a_user_sends_is_unsupported(kind: str) -> None:
    assert heard(message(**{kind: {}, "caption": "/start"})) == sessions.UnsupportedReceived(
        update_id=U,
        profile=PROFILE,
        kind=kind,
        message_id=5,  # type: ignore[arg-type]
        attached=sessions.Attached(caption="/start"),
    )


def test_an_animation_is_not_called_a_document_nor_a_venue_a_location() -> None:
    assert heard(message(document={}, animation={})).kind == "animation"
    assert heard(message(location={}, venue={})).kind == "venue"


@pytest.mark.parametrize("content", [{"pinned_message": {}}, {"newer_than_this_bot": 1}, {}])
def test_what_telegram_says_itself_is_ignored(content: dict[str, object]) -> None:
    assert message(**content) == Ignored("message:service")


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel", "Новий вид"])
def test_only_private_chats_have_sessions(kind: str) -> None:
    chat = {"id": -100, "type": kind}
    assert isinstance(message(chat=chat, text="/start"), Ignored)
    assert isinstance(member("kicked", chat=chat), Ignored)
    shown = {"message_id": 5, "date": 1, "chat": chat}
    assert isinstance(pressed(message=shown), Ignored)


def test_bots_are_not_answered() -> None:
    assert message(text="hi", **{"from": ADA | {"is_bot": True}}) == Ignored("message:bot")


# Buttons


def test_a_pressed_button_names_the_message_it_is_under() -> None:
    assert pressed() == Routed(
        chat_id=7,  # type: ignore[arg-type]
        message=sessions.ButtonPressed(
            update_id=U,
            profile=PROFILE,
            callback_id="4242",
            message_id=5,  # type: ignore[arg-type]
            data="save",
        ),
    )


def test_a_message_telegram_no_longer_knows_cannot_be_edited() -> None:
    inaccessible = {"message_id": 5, "date": 0, "chat": CHAT}
    assert heard(pressed(message=inaccessible)).message_id is None


def test_a_button_without_its_message_still_reaches_the_senders_session() -> None:
    reading = pressed(message=None)
    assert isinstance(reading, Routed)
    assert (reading.chat_id, heard(reading).message_id) == (7, None)


def test_a_games_button_is_ignored() -> None:
    assert pressed(data=None, game_short_name="chess") == Ignored("callback_query:game")


# Blocked, unblocked, and the rest


@pytest.mark.parametrize(("status", "blocked"), [("kicked", True), ("member", False)])
def test_a_user_blocks_the_bot_and_lets_it_in_again(status: str, blocked: bool) -> None:
    assert heard(member(status)) == sessions.BotBlocked(update_id=U, blocked=blocked)


def test_other_changes_of_membership_are_ignored() -> None:
    assert member("restricted") == Ignored("my_chat_member:restricted")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("edited_message", "edited_message"),
        ("brand_new_kind", "brand_new_kind"),
        ("К" * 99, "_" * 40),
    ],
)
def test_a_kind_nobody_asked_for_is_ignored(kind: str, said: str) -> None:
    assert read_body(body(**{kind: {"x": 1}})) == Ignored(said)


# Garbage


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        '"update"',
        "{",
        "<html>502</html>",
        "{}",
        '{"update_id": 100}',
        "[" * 100_000,
        '{"message": ' + "9" * 5_000 + "}",
        '{"message": NaN}',
        '{"\\ud800": 1, "message": {}}',
    ],
)
def test_what_is_no_update_is_malformed(text: str) -> None:
    assert isinstance(read_body(text), Malformed)


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": True},
        {"message_id": 1.5},
        {"message_id": "5"},
        {"message_id": 2**70},
        {"message_id": -1},
        {"chat": None},
        {"chat": {"id": 7}},
        {"chat": {"type": "private"}},
        {"chat": {"id": True, "type": "private"}},
        {"chat": {"id": 2**63, "type": "private"}},
        {"chat": {"id": -7, "type": "private"}},
        {"chat": {"id": 0, "type": "private"}},
        {"from": None},
        {"from": {"id": 0, "first_name": "Ada"}},
        {"from": ADA | {"first_name": 7}},
        {"from": ADA | {"is_bot": "no"}},
        {"text": 5},
        {"text": ["/start"]},
        {"contact": "555"},
        {"contact": {"user_id": 7}},
    ],
)
def test_a_message_with_a_wrong_field_is_malformed(change: dict[str, object]) -> None:
    assert isinstance(message(**({"text": "hi"} | change)), Malformed)


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": 42},
        {"id": "a b"},
        {"id": "7" * 200},
        {"from": None},
        {"message": {"message_id": 5, "date": True, "chat": CHAT}},
        {"message": {"message_id": 5, "date": 1, "chat": {"id": -7, "type": "private"}}},
        {"data": 1},
    ],
)
def test_a_button_with_a_wrong_field_is_malformed(change: dict[str, object]) -> None:
    assert isinstance(pressed(**change), Malformed)


def test_the_reason_does_not_repeat_what_the_user_wrote() -> None:
    reading = message(text=["my secret"])
    assert isinstance(reading, Malformed)
    assert (
        reading.detail
        == "ValidationError: Expected `str | null`, got `array` - at `$.message.text`"
    )


def test_text_is_cut_at_telegrams_own_limit() -> None:
    assert len(heard(message(text="я" * 100_000)).text) == TEXT_MAX_CHARACTERS


def test_control_characters_and_half_characters_are_kept_out() -> None:
    dirty = "a\x00b\x1bc\r\nd\te\x7f\x85\ud83d!\ude00"
    assert heard(message(text=dirty)).text == "abc\nd\te\ufffd!\ufffd"


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert clean("\ud83d\ude00") == "\U0001f600"


def test_text_of_nothing_but_control_characters_is_no_text() -> None:
    assert heard(message(text="\x00\x01")).kind == "text"


def test_names_are_one_clean_line() -> None:
    ada = ADA | {
        "first_name": " A\n\x00da\t\u202fL " + "x" * 200,
        "username": "",
        "language_code": "<b>",
    }
    profile = heard(message(text="hi", **{"from": ada})).profile
    assert profile.first_name.startswith("A da L xxx")
    assert len(profile.first_name) == 64
    assert (profile.username, profile.language_code) == (None, None)


# Whatever comes

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["private", "kicked", "/start", "7", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    *("message_id", "chat", "from", "text", "contact", "date", "id", "data", "message", "type"),
    *("first_name", "username", "is_bot", "language_code", "phone_number", "user_id"),
    *("new_chat_member", "status", "photo"),
)
fields: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(NAMES) | st.text(string.printable, max_size=5),
    st.deferred(lambda: anything | fields),
    max_size=8,
)
kinds = st.sampled_from(["message", "callback_query", "my_chat_member", "edited_message", "\ud800"])


def no_garbage_in(reading: Reading) -> None:
    """Whatever was routed keeps the promises of `sessions.messages`."""
    if isinstance(reading, Malformed):
        assert reading.detail.isascii()
    if isinstance(reading, Routed):
        assert reading.chat_id > 0
        repr(reading).encode()  # no lone surrogate
        text = getattr(reading.message, "text", "text")
        assert 1 <= len(text) <= TEXT_MAX_CHARACTERS
        assert "\x00" not in text


@given(st.dictionaries(kinds, fields | anything, max_size=3))
def test_no_object_makes_it_raise(update: dict[str, Any]) -> None:
    no_garbage_in(read_body(json.dumps(update)))


@given(st.text(st.characters()))
def test_no_text_makes_it_raise(text: str) -> None:
    no_garbage_in(read_body(text))
    no_garbage_in(message(text=text))
    no_garbage_in(message(contact={"phone_number": text, "user_id": 7}))
    no_garbage_in(message(text="hi", **{"from": ADA | {"first_name": text, "username": text}}))
    no_garbage_in(pressed(data=text))


@given(st.data())
def test_one_field_of_any_value_does_not_make_it_raise(data: st.DataObject) -> None:
    update: dict[str, Any] = json.loads(
        body(
            message={
                "message_id": 5,
                "from": ADA,
                "chat": CHAT,
                "text": "hi",
                "contact": {"phone_number": "1", "user_id": 7},
            }
        )
    )
    place: Any = update["message"]
    while isinstance(place, dict):
        key = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and data.draw(st.booleans()):
            place = place[key]
        else:
            place[key] = data.draw(anything)
            break
    no_garbage_in(read_body(json.dumps(update)))
