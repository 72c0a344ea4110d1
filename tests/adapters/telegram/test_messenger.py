"""Letters over a real socket: what arrives, and what the dispatcher is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Blocked, Flooded, Gone, NotSent, Refused, Sent, Unknown
from actors.kernel.ids import ChatId, LetterId, MessageId
from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.telegram.bot import connected
from adapters.telegram.messenger import TelegramMessenger
from tests.adapters.telegram.wire import TOKEN, Recorder, bot_of, http, raw, says

KEYBOARD: broadcast.Keyboard = (
    (broadcast.Button(text="Save", data="save"),),
    (broadcast.Button(text="Change", data="change"), broadcast.Button(text="X", data="x")),
)


@asynccontextmanager
async def messenger(sandbox: TelegramSandbox) -> AsyncIterator[TelegramMessenger]:
    async with serve(sandbox) as url, connected(token=sandbox.token, api_url=url) as bot:
        yield TelegramMessenger(bot)


def telegram() -> TelegramSandbox:
    """A world in which Ada (7) talks to the bot."""
    sandbox = TelegramSandbox()
    sandbox.user(7).commands("/start")
    return sandbox


def say(text: str = "hi", *, chat_id: int = 7, keyboard: broadcast.Keyboard = ()) -> broadcast.Say:
    return broadcast.Say(
        letter_id=LetterId("l"), chat_id=ChatId(chat_id), text=text, keyboard=keyboard
    )


def edit(message_id: int, text: str, keyboard: broadcast.Keyboard = ()) -> broadcast.Edit:
    return broadcast.Edit(
        letter_id=LetterId("l"),
        chat_id=ChatId(7),
        message_id=MessageId(message_id),
        text=text,
        keyboard=keyboard,
    )


async def sent(carrier: TelegramMessenger, letter: broadcast.Letter) -> MessageId:
    outcome = await carrier.deliver(letter)
    assert isinstance(outcome, Sent), outcome
    assert outcome.message_id is not None
    return outcome.message_id


# What arrives


async def test_a_button_may_lead_to_a_page() -> None:
    sandbox = telegram()
    async with messenger(sandbox) as carrier:
        pay = broadcast.Button(text="Pay", url="https://pay.example/?a=1&b=2")
        await sent(carrier, say("Pay here", keyboard=((pay,), *KEYBOARD)))
        shown = await sandbox.user(7).sees("Pay here")
    (page,), (save,), _ = shown.inline_keyboard
    assert page == {"text": "Pay", "url": "https://pay.example/?a=1&b=2"}
    assert save == {"text": "Save", "callback_data": "save"}


async def test_a_message_with_buttons_arrives_and_is_edited_and_erased() -> None:
    sandbox = telegram()
    ada = sandbox.user(7)
    async with messenger(sandbox) as carrier:
        shown = await sent(carrier, say("<b>1 &lt; 2</b>", keyboard=KEYBOARD))
        message = await ada.sees("1 < 2")
        assert message.message_id == shown
        ada.presses("Save")
        assert await sent(carrier, edit(shown, "saved")) == shown
        assert (await ada.sees("saved")).inline_keyboard == []
        place = broadcast.Erase(chat_id=ChatId(7), message_id=shown)
        assert await carrier.deliver(place) == Sent()
        assert await carrier.deliver(place) == Gone()
        assert await carrier.deliver(edit(shown, "again")) == Gone()


async def test_an_edit_that_changes_nothing_has_been_made() -> None:
    async with messenger(telegram()) as carrier:
        shown = await sent(carrier, say("same", keyboard=KEYBOARD))
        assert await carrier.deliver(edit(shown, "same", KEYBOARD)) == Sent(shown)


async def test_a_pressed_button_is_answered_and_an_old_one_is_let_go() -> None:
    sandbox = telegram()
    ada = sandbox.user(7)
    async with messenger(sandbox) as carrier:
        await sent(carrier, say(keyboard=KEYBOARD))
        ada.presses("Save")
        (callback,) = ada.callbacks
        answer = broadcast.AnswerCallback(
            chat_id=ChatId(7), callback_id=callback.id, text="ok" * 500
        )
        assert await carrier.deliver(answer) == Sent()
        assert await carrier.deliver(answer) == Sent()  # "query is too old"
        assert callback.text == ("ok" * 500)[:200]


async def parameters(letter: broadcast.Letter) -> dict[str, object]:
    """What Telegram is asked for, its JSON read."""
    recorder = Recorder({"message_id": 9})
    async with bot_of(recorder) as bot:
        await TelegramMessenger(bot).deliver(letter)
    ((_, asked),) = recorder.asked
    read: dict[str, object] = dict(asked)
    for name in asked.keys() & {"reply_markup", "link_preview_options"}:
        read[name] = json.loads(asked[name])
    return read


async def test_text_is_html_and_links_are_not_previewed() -> None:
    assert await parameters(say("<i>hi</i>")) == {
        "chat_id": "7",
        "text": "<i>hi</i>",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


async def test_inline_buttons_keep_their_rows() -> None:
    markup = {
        "inline_keyboard": [
            [{"text": "Save", "callback_data": "save"}],
            [{"text": "Change", "callback_data": "change"}, {"text": "X", "callback_data": "x"}],
        ]
    }
    assert (await parameters(say(keyboard=KEYBOARD)))["reply_markup"] == markup
    assert (await parameters(edit(5, "hi", KEYBOARD)))["reply_markup"] == markup


async def test_the_contact_button_asks_for_the_contact_and_leaves_after_use() -> None:
    letter = broadcast.Say(
        letter_id=LetterId("l"), chat_id=ChatId(7), text="hi", contact_button="My number"
    )
    assert (await parameters(letter))["reply_markup"] == {
        "keyboard": [[{"text": "My number", "request_contact": True}]],
        "one_time_keyboard": True,
        "resize_keyboard": True,
    }


async def test_the_reply_keyboard_can_be_removed() -> None:
    letter = broadcast.Say(
        letter_id=LetterId("l"), chat_id=ChatId(7), text="hi", remove_keyboard=True
    )
    assert (await parameters(letter))["reply_markup"] == {"remove_keyboard": True}


async def test_half_a_character_does_not_cost_the_letter() -> None:
    button = broadcast.Button(text="\ud800", data="\ud83d\ude00")
    asked = await parameters(say("a\ud800b", keyboard=((button,),)))
    assert asked["text"] == "a\ufffdb"
    assert asked["reply_markup"] == {
        "inline_keyboard": [[{"text": "\ufffd", "callback_data": "\U0001f600"}]]
    }


# What the dispatcher is told


async def test_an_answer_that_names_no_message_is_still_sent() -> None:
    for odd in (True, {}, {"message_id": "9"}, {"message_id": True}, [9], None):
        async with bot_of(Recorder(odd)) as bot:
            carrier = TelegramMessenger(bot)
            assert await carrier.deliver(say()) == Sent(None)
            assert await carrier.deliver(edit(5, "hi")) == Sent(MessageId(5))


async def test_a_user_who_blocked_the_bot() -> None:
    sandbox = telegram()
    sandbox.user(7).blocks_bot()
    async with messenger(sandbox) as carrier:
        assert await carrier.deliver(say()) == Blocked("Forbidden: bot was blocked by the user")


async def test_a_chat_that_does_not_exist() -> None:
    async with messenger(telegram()) as carrier:
        assert isinstance(await carrier.deliver(say(chat_id=99)), Blocked)


@pytest.mark.parametrize("text", ["<b>", "", "x" * 4_097])
async def test_a_text_that_telegram_does_not_take(text: str) -> None:
    async with messenger(telegram()) as carrier:
        assert isinstance(await carrier.deliver(say(text)), Refused)


async def test_a_flood_wait() -> None:
    sandbox = telegram()
    sandbox.fail_next(1, 429, "Too Many Requests: retry after 17", retry_after=17)
    async with messenger(sandbox) as carrier:
        assert await carrier.deliver(say()) == Flooded(17.0)
        await sent(carrier, say())


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_broken_server_may_have_sent_it(status: int) -> None:
    sandbox = telegram()
    sandbox.fail_next(1, status, "Internal Server Error")
    async with messenger(sandbox) as carrier:
        assert isinstance(await carrier.deliver(say()), Unknown)


async def test_a_lost_answer_may_have_sent_it() -> None:
    sandbox = telegram()
    sandbox.drop_next(1)
    async with messenger(sandbox) as carrier:
        assert isinstance(await carrier.deliver(say("once")), Unknown)
        assert sandbox.user(7).screen().find("once") is not None


async def test_html_instead_of_json() -> None:
    for status, expected in ((200, Unknown), (502, Unknown), (404, NotSent), (429, Flooded)):
        answer = says(http(status, b"<html>"))
        async with raw(answer) as url, connected(token=TOKEN, api_url=url) as bot:
            assert isinstance(await TelegramMessenger(bot).deliver(say()), expected)


async def test_no_server_at_all() -> None:
    async with connected(token=TOKEN, api_url="http://127.0.0.1:1") as bot:
        assert isinstance(await TelegramMessenger(bot).deliver(say()), NotSent)


async def test_a_wrong_token() -> None:
    async with serve(telegram()) as url, connected(token=TOKEN, api_url=url) as bot:
        outcome = await TelegramMessenger(bot).deliver(say())
    assert outcome == NotSent("BOT_TOKEN was rejected: Unauthorized")


# Media, and what is sent to many


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("photo", "sendphoto"),
        ("video", "sendvideo"),
        ("document", "senddocument"),
        ("animation", "sendanimation"),
    ],
)
async def test_media_arrives_with_its_caption_which_can_be_changed(
    kind: Literal["photo", "video", "document", "animation"], method: str
) -> None:
    sandbox = telegram()
    media = broadcast.Media(kind=kind, file="https://shop.example/picture")
    async with messenger(sandbox) as carrier:
        letter = replace(say("<b>Look</b>", keyboard=KEYBOARD), media=media)
        shown = await sent(carrier, letter)
        message = await sandbox.user(7).sees("Look")
        assert kind in message.attachment
        assert message.entities
        changed = replace(edit(shown, "seen"), caption=True)
        assert await sent(carrier, changed) == shown
        assert (await sandbox.user(7).sees("seen")).attachment == message.attachment
        assert isinstance(await carrier.deliver(edit(shown, "as text")), Refused)
        assert isinstance(await sent(carrier, replace(letter, text="")), int)
    assert sandbox.calls[method] == 2
    assert sandbox.calls["editmessagecaption"] == 1


async def test_a_caption_may_have_a_thousand_and_twenty_four_characters() -> None:
    media = broadcast.Media(kind="photo", file="AgACAgIAAxkBAAI")
    async with messenger(telegram()) as carrier:
        assert await sent(carrier, replace(say("x" * 1024), media=media))
        refused = await carrier.deliver(replace(say("x" * 1025), media=media))
    assert isinstance(refused, Refused)
    assert "caption is too long" in refused.detail


async def test_media_goes_out_under_the_name_of_its_kind_without_what_belongs_to_text() -> None:
    media = broadcast.Media(kind="video", file="AgACAgIAAxkBAAI")
    assert await parameters(replace(say("hi \ud83d"), media=media)) == {
        "chat_id": "7",
        "video": "AgACAgIAAxkBAAI",
        "caption": "hi \ufffd",
        "parse_mode": "HTML",
    }


async def test_only_what_may_be_billed_says_so() -> None:
    assert "allow_paid_broadcast" not in await parameters(say())
    asked = await parameters(replace(say(), paid=True))
    assert asked["allow_paid_broadcast"] == "true"


async def test_typing_is_shown() -> None:
    sandbox = telegram()
    async with messenger(sandbox) as carrier:
        assert await carrier.deliver(broadcast.Typing(chat_id=ChatId(7))) == Sent()
    assert sandbox.user(7).screen().typing
