"""What each method does to the chat, and in which words it refuses."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_methods import METHODS
from adapters.sandbox.telegram_user import TelegramUser
from tests.adapters.sandbox.calls import Bot, virtual_now

KEYBOARD = {"inline_keyboard": [[{"text": "Save", "callback_data": "save"}]]}
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_a_sent_message_is_seen_with_its_keyboard() -> None:
    _, ada, bot = _acquainted()

    sent = await bot("sendMessage", chat_id=7, text="Ready?", reply_markup=KEYBOARD)

    assert sent["from"]["is_bot"]
    assert sent["reply_markup"] == KEYBOARD
    assert ada.screen().shown[-1].buttons == ["Save"]


@pytest.mark.parametrize(
    ("parameters", "status", "description"),
    [
        ({}, 400, "Bad Request: message text is empty"),
        ({"text": "a"}, 400, "Bad Request: chat_id is empty"),
        ({"text": "a", "chat_id": 8}, 400, "Bad Request: chat not found"),
        ({"text": "a", "chat_id": "@nobody"}, 400, "Bad Request: chat not found"),
        ({"text": "a", "chat_id": "9" * 5000}, 400, "Bad Request: chat not found"),
        ({"text": " \n ", "chat_id": 7}, 400, "Bad Request: text must be non-empty"),
        ({"text": "x" * 4097, "chat_id": 7}, 400, "Bad Request: message is too long"),
    ],
)
async def test_a_message_that_cannot_be_sent_says_why(
    parameters: dict[str, object], status: int, description: str
) -> None:
    _, ada, bot = _acquainted()

    assert await bot.refused("sendMessage", **parameters) == (status, description)
    assert ada.screen().shown == []


async def test_a_person_who_never_wrote_cannot_be_written_to() -> None:
    telegram = TelegramSandbox()
    telegram.user(8)

    refused = await Bot(telegram).refused("sendMessage", chat_id=8, text="a")

    assert refused == (400, "Bad Request: chat not found")


async def test_who_blocked_the_bot_or_left_cannot_be_reached() -> None:
    telegram, ada, bot = _acquainted()
    sent = await bot("sendMessage", chat_id=7, text="a")

    ada.blocks_bot()
    blocked = (403, "Forbidden: bot was blocked by the user")
    assert await bot.refused("sendMessage", chat_id=7, text="b") == blocked
    assert await bot.refused("sendChatAction", chat_id=7, action="typing") == blocked
    edit = {"chat_id": 7, "message_id": sent["message_id"], "text": "b"}
    assert await bot.refused("editMessageText", **edit) == blocked

    ada.unblocks_bot()
    await bot("sendMessage", chat_id=7, text="b")
    ada.deactivates()
    left = (403, "Forbidden: user is deactivated")
    assert await bot.refused("sendMessage", chat_id=7, text="c") == left

    telegram.group(-5, "Buyers").blocked = True
    kicked = (403, "Forbidden: bot was kicked from the supergroup chat")
    assert await bot.refused("sendMessage", chat_id=-5, text="c") == kicked


async def test_the_keyboard_below_stays_until_it_is_replaced_or_removed() -> None:
    _, ada, bot = _acquainted()
    keyboard = {"keyboard": [[{"text": "My number", "request_contact": True}, "Later"]]}

    await bot("sendMessage", chat_id=7, text="Your number?", reply_markup=keyboard)
    await bot("sendMessage", chat_id=7, text="Well?")
    assert ada.screen().reply_keyboard == ("My number", "Later")

    await bot("sendMessage", chat_id=7, text="Thanks", reply_markup={"remove_keyboard": True})
    assert ada.screen().reply_keyboard == ()


async def test_a_number_is_asked_for_in_private_only() -> None:
    telegram, _, bot = _acquainted()
    telegram.group(-5, "Buyers")
    keyboard = {"keyboard": [[{"text": "My number", "request_contact": True}]]}

    refused = await bot.refused("sendMessage", chat_id=-5, text="?", reply_markup=keyboard)

    assert refused == (400, "Bad Request: phone number can be requested in private chats only")


async def test_an_edit_changes_what_is_seen_and_keeps_the_history() -> None:
    _, ada, bot = _acquainted()
    sent = await bot("sendMessage", chat_id=7, text="One", reply_markup=KEYBOARD)
    edit = {"chat_id": 7, "message_id": sent["message_id"]}

    edited = await bot("editMessageText", text="<i>Two</i>", parse_mode="HTML", **edit)

    assert edited["edit_date"] >= edited["date"]
    (message,) = ada.screen().shown
    assert (message.text, message.buttons, message.history) == ("Two", [], ["One"])

    await bot("editMessageReplyMarkup", reply_markup=KEYBOARD, **edit)
    assert (message.text, message.buttons) == ("Two", ["Save"])


async def test_an_edit_that_changes_nothing_or_nobody_is_refused() -> None:
    _, ada, bot = _acquainted()
    sent = await bot("sendMessage", chat_id=7, text="One", reply_markup=KEYBOARD)
    own = sent["message_id"]

    async def edit(message_id: object, text: str = "One") -> tuple[int, str]:
        return await bot.refused(
            "editMessageText", chat_id=7, message_id=message_id, text=text, reply_markup=KEYBOARD
        )

    assert await edit(own) == (400, NOT_MODIFIED)
    assert await edit(99) == (400, "Bad Request: message to edit not found")
    assert await edit("x") == (400, "Bad Request: message identifier is not specified")
    theirs = ada.says("mine").message_id
    assert await edit(theirs, "yours") == (400, "Bad Request: message can't be edited")
    same = {"chat_id": 7, "message_id": own, "reply_markup": KEYBOARD}
    assert await bot.refused("editMessageReplyMarkup", **same) == (400, NOT_MODIFIED)


async def test_a_deleted_message_is_gone() -> None:
    _, ada, bot = _acquainted()
    sent = await bot("sendMessage", chat_id=7, text="One")
    named = {"chat_id": 7, "message_id": sent["message_id"]}

    assert await bot("deleteMessage", **named) is True
    assert ada.screen().shown == []
    gone = (400, "Bad Request: message to delete not found")
    assert await bot.refused("deleteMessage", **named) == gone
    edited = await bot.refused("editMessageText", text="Two", **named)
    assert edited == (400, "Bad Request: message to edit not found")


async def test_a_pressed_button_can_be_answered_for_fifteen_seconds() -> None:
    _, ada, bot = _acquainted()
    await bot("sendMessage", chat_id=7, text="One", reply_markup=KEYBOARD)
    ada.presses("Save")
    ada.presses("save")
    early, late = ada.callbacks

    await trio.sleep(14)
    assert await bot("answerCallbackQuery", callback_query_id=early.id, text="Saved")
    assert await bot("answerCallbackQuery", callback_query_id=early.id, text="again")
    assert (early.answered, early.text) == (True, "Saved")

    await trio.sleep(2)
    assert await bot.refused("answerCallbackQuery", callback_query_id=late.id) == (400, TOO_OLD)
    assert await bot.refused("answerCallbackQuery", callback_query_id="no") == (400, TOO_OLD)
    long = await bot.refused("answerCallbackQuery", callback_query_id=late.id, text="x" * 201)
    assert long == (400, "Bad Request: MESSAGE_TOO_LONG")


async def test_typing_shows_until_a_message_comes() -> None:
    _, ada, bot = _acquainted()

    await bot("sendChatAction", chat_id=7, action="typing")
    assert ada.screen().typing
    await bot("sendMessage", chat_id=7, text="One")
    assert not ada.screen().typing
    wrong = await bot.refused("sendChatAction", chat_id=7, action="dancing")
    assert wrong == (400, "Bad Request: wrong parameter action in request")


async def test_the_bots_commands_are_kept() -> None:
    bot = Bot(TelegramSandbox())
    commands = [{"command": "start", "description": "Begin"}]

    assert await bot("setMyCommands", commands=commands)
    assert await bot("getMyCommands") == commands
    assert await bot("getMyCommands", language_code="uk") == []
    ours = [{"command": "start", "description": "Почати"}]
    assert await bot("setMyCommands", commands=ours, language_code="uk")
    assert await bot("getMyCommands", language_code="uk") == ours
    assert await bot("getMyCommands") == commands
    for broken, said in [
        ([{"command": "Start!", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "start", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        (["start"], "BOT_COMMAND_INVALID"),
        ({"command": "start"}, "expected an Array of BotCommand"),
        (commands * 101, "too many commands specified"),
        ("[", "can't parse commands JSON object"),
    ]:
        assert await bot.refused("setMyCommands", commands=broken) == (400, f"Bad Request: {said}")


async def test_a_webhook_is_remembered_and_set_once_a_second() -> None:
    telegram, _, bot = _acquainted()
    url = "https://shop.example/hook"

    assert await bot("setWebhook", url=url, secret_token="s-1", allowed_updates=["message"])
    info = await bot("getWebhookInfo")
    assert (info["url"], info["allowed_updates"]) == (url, ["message"])
    assert info["pending_update_count"] == 1

    hasty = await bot.refused("setWebhook", url=url)
    assert hasty == (429, "Too Many Requests: retry after 1")
    await trio.sleep(1)
    assert (await bot.refused("setWebhook", url="http://x"))[0] == 400
    await trio.sleep(1)
    assert (await bot.refused("setWebhook", url=url, secret_token="ї"))[0] == 400

    await bot("deleteWebhook", drop_pending_updates=True)
    assert (await bot("getWebhookInfo"))["url"] == ""
    assert len(telegram.world.updates) == 0
    assert await bot("setWebhook", url="") is True


async def test_a_chat_tells_who_is_on_the_other_side() -> None:
    _, _, bot = _acquainted()

    chat = await bot("getChat", chat_id=7)

    assert (chat["type"], chat["first_name"]) == ("private", "Ada")
    assert await bot.refused("getChat", chat_id=9) == (400, "Bad Request: chat not found")


async def test_whoever_sends_too_fast_is_counted_and_if_told_to_refused() -> None:
    telegram, ada, bot = _acquainted()
    for number in range(7):
        await bot("sendMessage", chat_id=7, text=str(number))
    assert telegram.limits.by_chat == {7: 2}

    telegram.rate_limit(on=True)
    hasty = await bot.refused("sendMessage", chat_id=7, text="x")
    assert hasty == (429, "Too Many Requests: retry after 1")
    message_id = ada.screen().shown[0].message_id
    edit = await bot.refused("editMessageText", chat_id=7, message_id=message_id, text="x")
    assert edit[0] == 429
    await trio.sleep(1)
    await bot("sendMessage", chat_id=7, text="x")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([7, -5, "7", "HTML", "typing", KEYBOARD, 1]),
    st.text(max_size=20),
    st.recursive(st.text(max_size=3), lambda v: st.lists(v) | st.dictionaries(st.text(), v)),
)
NAMES = st.sampled_from(
    [
        *("chat_id", "text", "message_id", "reply_markup", "parse_mode", "entities", "url"),
        *("commands", "action", "callback_query_id", "offset", "limit", "allowed_updates"),
    ]
)


@given(st.sampled_from(sorted(METHODS)), st.dictionaries(NAMES, VALUES))
async def test_any_call_is_answered_or_refused(method: str, parameters: dict[str, object]) -> None:
    telegram, _, bot = _acquainted()
    telegram.group(-5, "Buyers")

    status, body = await bot.ask(method, **parameters)

    assert body["ok"] is (status == 200)
    assert status in {200, 400, 429}


def _acquainted() -> tuple[TelegramSandbox, TelegramUser, Bot]:
    """A world in which Ada (7) has said hello."""
    telegram = TelegramSandbox(now=virtual_now)
    ada = telegram.user(7)
    ada.says("hello")
    return telegram, ada, Bot(telegram)
