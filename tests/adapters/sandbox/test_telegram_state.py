"""How accounts, chats and messages look to the bot."""

from __future__ import annotations

from datetime import timedelta

from adapters.sandbox.telegram_state import Account, Chat, Message
from tests.adapters.sandbox.calls import NOON

ADA = Account(id=7, first_name="Ada", username="ada", language_code="uk")
ADAS = Chat(id=7, type="private", peer=ADA)


def test_empty_fields_are_left_out() -> None:
    assert Account(id=8, first_name="Bo").as_json() == {
        "id": 8,
        "is_bot": False,
        "first_name": "Bo",
    }
    assert ADA.as_json()["language_code"] == "uk"
    assert "last_name" not in ADA.as_json()


def test_a_private_chat_names_the_person_a_group_its_title() -> None:
    assert ADAS.as_json() == {"id": 7, "type": "private", "first_name": "Ada", "username": "ada"}
    group = Chat(id=-5, type="supergroup", title="Buyers")
    assert group.as_json() == {"id": -5, "type": "supergroup", "title": "Buyers"}


def test_a_message_tells_what_it_shows_now() -> None:
    message = Message(message_id=1, chat=ADAS, sender=ADA, date=NOON, text="a")
    assert set(message.as_json()) == {"message_id", "from", "chat", "date", "text"}

    message.edit_date = NOON + timedelta(seconds=5)
    message.entities = [{"type": "bold", "offset": 0, "length": 1}]
    message.inline_keyboard = [[{"text": "x", "callback_data": "y"}], [{"text": "z", "url": "u"}]]
    message.attachment = {"contact": {}}
    shown = message.as_json()
    assert shown["edit_date"] - shown["date"] == 5
    assert {"entities", "reply_markup", "contact"} < set(shown)
    assert message.buttons == ["x", "z"]


def test_of_a_deleted_message_only_the_place_is_left() -> None:
    message = Message(message_id=1, chat=ADAS, sender=ADA, date=NOON, text="a")
    assert message.as_inaccessible_json() == {
        "message_id": 1,
        "chat": ADAS.as_json(),
        "date": 0,
    }
