"""People: what they do becomes an update, what the bot does becomes what they see."""

from __future__ import annotations

import pytest
import trio

from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_state import Callback, Json, Message
from adapters.sandbox.telegram_user import CannotDo
from tests.adapters.sandbox.calls import Bot, virtual_now

KEYBOARD = {"inline_keyboard": [[{"text": "Save", "callback_data": "save"}]]}


def heard(telegram: TelegramSandbox) -> list[Json]:
    return telegram.world.updates.waiting(100)


def test_a_command_is_marked_as_one() -> None:
    telegram = TelegramSandbox()

    telegram.user(7).commands("/start ref_5")
    telegram.user(7).says("/help@sandbox_shop_bot now")
    telegram.user(7).says("no /command")

    marked = [update["message"].get("entities") for update in heard(telegram)]
    assert marked == [
        [{"type": "bot_command", "offset": 0, "length": 6}],
        [{"type": "bot_command", "offset": 0, "length": 22}],
        None,
    ]
    with pytest.raises(CannotDo, match="no command"):
        telegram.user(7).commands("start")


def test_a_contact_tells_whose_number_it_is() -> None:
    telegram = TelegramSandbox()
    telegram.user(7).shares_contact("+380501112233")
    telegram.user(7).shares_contact("+380509998877", own=False)

    own, other = (update["message"]["contact"] for update in heard(telegram))
    assert own["user_id"] == 7
    assert "user_id" not in other


def test_other_things_can_be_sent_too() -> None:
    telegram = TelegramSandbox()
    telegram.user(7).sends("sticker")

    assert "sticker" in heard(telegram)[0]["message"]
    with pytest.raises(CannotDo, match="photo, voice"):
        telegram.user(7).sends("elephant")


async def test_a_button_is_pressed_by_its_label_or_data_on_the_newest_message() -> None:
    telegram, bot = TelegramSandbox(), None
    ada = telegram.user(7)
    ada.says("hello")
    bot = Bot(telegram)
    await bot("sendMessage", chat_id=7, text="old", reply_markup=KEYBOARD)
    await bot("sendMessage", chat_id=7, text="new", reply_markup=KEYBOARD)

    pressed = [ada.presses("Save"), ada.presses("save")]

    queries = [update["callback_query"] for update in heard(telegram)[1:]]
    assert [query["message"]["text"] for query in queries] == ["new", "new"]
    assert [query["data"] for query in queries] == ["save", "save"]
    assert [query["id"] for query in queries] == [c.id for c in ada.callbacks]
    assert all(isinstance(press, Callback) for press in pressed)


async def test_a_key_below_sends_its_label() -> None:
    telegram = TelegramSandbox()
    ada = telegram.user(7)
    ada.says("hello")
    keyboard = {"keyboard": [["Later", {"text": "My number", "request_contact": True}]]}
    await Bot(telegram)("sendMessage", chat_id=7, text="?", reply_markup=keyboard)

    said = ada.presses("Later")

    assert isinstance(said, Message)
    assert heard(telegram)[-1]["message"]["text"] == "Later"
    with pytest.raises(CannotDo):  # a number needs to be named: shares_contact
        ada.presses("My number")


async def test_what_is_not_seen_cannot_be_pressed() -> None:
    telegram = TelegramSandbox()
    ada = telegram.user(7)
    ada.says("hello")
    site = {"inline_keyboard": [[{"text": "Site", "url": "x.org"}]]}
    await Bot(telegram)("sendMessage", chat_id=7, text="one", reply_markup=site)

    with pytest.raises(CannotDo, match="leads out"):
        ada.presses("Site")
    with pytest.raises(CannotDo, match=r"no button 'Save' but\nuser: hello\nbot: one\n +\[Site\]"):
        ada.presses("Save")


async def test_a_button_of_a_deleted_message_may_still_be_pressed() -> None:
    telegram = TelegramSandbox()
    ada, bot = telegram.user(7), Bot(telegram)
    ada.says("hello")
    await bot("sendMessage", chat_id=7, text="one", reply_markup=KEYBOARD)
    message = ada.screen().shown[0]
    await bot("deleteMessage", chat_id=7, message_id=message.message_id)

    ada.presses_stale(message, "save")

    assert heard(telegram)[-1]["callback_query"]["message"]["date"] == 0


def test_blocking_is_told_once_and_writing_lets_the_bot_in_again() -> None:
    telegram = TelegramSandbox()
    ada = telegram.user(7)
    ada.blocks_bot()
    ada.blocks_bot()
    ada.says("back")
    ada.unblocks_bot()

    blocked, back, message = heard(telegram)
    assert blocked["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    assert back["my_chat_member"]["new_chat_member"]["status"] == "member"
    assert message["message"]["text"] == "back"


async def test_one_waits_to_see_something_but_not_for_ever() -> None:
    telegram = TelegramSandbox(now=virtual_now)
    ada, bot = telegram.user(7), Bot(telegram)
    ada.says("I said this")

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def later() -> None:
            await trio.sleep(3)
            await bot("sendMessage", chat_id=7, text="done", reply_markup=KEYBOARD)

        assert (await ada.sees("done", within=5)).buttons == ["Save"]
    assert (await ada.sees("Save")).text == "done"

    with pytest.raises(AssertionError, match="Ada does not see 'I said this' after 2 s"):
        await ada.sees("I said this", within=2)


async def test_a_screen_can_be_read() -> None:
    telegram = TelegramSandbox()
    ada, bot = telegram.user(7), Bot(telegram)
    assert str(ada.screen()) == "(an empty chat)"
    ada.says("hello")
    await bot("sendMessage", chat_id=7, text="one", reply_markup=KEYBOARD)
    await bot("sendMessage", chat_id=7, text="two", reply_markup={"keyboard": [["Later"]]})

    assert str(ada.screen()).splitlines() == [
        "user: hello",
        "bot: one",
        "     [Save]",
        "bot: two",
        "     (Later)",
    ]
    shown = ada.screen().as_json()
    assert [message["text"] for message in shown["messages"]] == ["hello", "one", "two"]
    assert (shown["reply_keyboard"], shown["typing"]) == (["Later"], False)
