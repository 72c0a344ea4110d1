"""The sandbox as others read it: aiogram's and python-telegram-bot's types and clients.

Both were written without knowledge of this house; what they accept, and what they raise, is
the independent check that the sandbox speaks the Bot API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiogram
import pytest
import telegram
import trio
from aiogram import exceptions as refusals
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TOKEN, TelegramSandbox
from adapters.sandbox.telegram_user import ATTACHMENTS, TelegramUser
from tests.adapters.sandbox.calls import Bot

SAVE = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Save", callback_data="save")]]
)
NUMBER = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Number", request_contact=True)]])
OTHER_TOKEN = TOKEN[:-1] + "y"


async def every_kind_of_update() -> list[dict[str, Any]]:
    """One of each that people in the sandbox can cause."""
    sandbox = TelegramSandbox()
    ada, bot = sandbox.user(7, "Ada", username="ada", last_name="L", language_code="uk"), None
    ada.commands("/start ref_5")
    ada.says("hello")
    ada.shares_contact("+380501112233")
    ada.shares_contact("+380509998877", own=False)
    for kind in ATTACHMENTS:
        ada.sends(kind)
    bot = Bot(sandbox)
    keyboard = SAVE.model_dump(exclude_none=True)
    text = "<b>Ready</b> <a href='x.org'>?</a> <pre><code class='language-py'>1</code></pre>"
    await bot("sendMessage", chat_id=7, text=text, parse_mode="HTML", reply_markup=keyboard)
    message = ada.screen().shown[0]
    ada.presses("Save")
    await bot("editMessageText", chat_id=7, message_id=message.message_id, text="Done")
    ada.presses_stale(message, "save")
    await bot("deleteMessage", chat_id=7, message_id=message.message_id)
    ada.presses_stale(message, "save")
    ada.blocks_bot()
    ada.unblocks_bot()
    return sandbox.world.updates.waiting(100)


async def test_aiogram_accepts_every_update() -> None:
    kinds = [
        aiogram.types.Update.model_validate(u).event_type for u in await every_kind_of_update()
    ]

    assert kinds == ["message"] * 9 + ["callback_query"] * 3 + ["my_chat_member"] * 2


async def test_python_telegram_bot_knows_every_field_of_every_update() -> None:
    for raw in await every_kind_of_update():
        update = telegram.Update.de_json(raw, None)
        assert update.update_id == raw["update_id"]
        assert [o.api_kwargs for o in _objects(update) if o.api_kwargs] == []


def _objects(found: object) -> Iterator[telegram.TelegramObject]:
    """A PTB object and all inside it."""
    if isinstance(found, telegram.TelegramObject):
        yield found
        for value in found.to_dict(recursive=False).values():
            yield from _objects(value)
    elif isinstance(found, list | tuple):
        for item in found:
            yield from _objects(item)


@asynccontextmanager
async def aiogram_bot(url: str, token: str = TOKEN):  # type: ignore[no-untyped-def] # noqa: ANN201
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    async with aiogram.Bot(token, session=session).context() as bot:
        yield bot


async def beside(run: Callable[[], Awaitable[None]], person: Callable[[], Awaitable[None]]) -> None:
    """Asyncio, which aiogram needs, runs in a thread of its own; the person acts here."""

    async def main() -> None:
        await run()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(person)
        await trio.to_thread.run_sync(asyncio.run, main())


@pytest.mark.real_clock
async def test_aiogram_drives_a_whole_conversation() -> None:
    sandbox = TelegramSandbox()
    ada = sandbox.user(7, "Ada")

    async def bot_side() -> None:
        async with aiogram_bot(url) as bot:
            assert (await bot.get_me()).username == "sandbox_shop_bot"
            assert await bot.set_my_commands([BotCommand(command="start", description="Begin")])
            (start,) = await bot.get_updates(
                timeout=10, allowed_updates=["message", "callback_query"]
            )
            assert start.message.text == "/start"
            assert (await bot.get_chat(7)).first_name == "Ada"
            assert await bot.send_chat_action(7, "typing")
            sent = await bot.send_message(7, "<b>Ready?</b>", parse_mode="HTML", reply_markup=SAVE)
            assert sent.html_text == "<b>Ready?</b>"
            assert sent.reply_markup.model_dump() == SAVE.model_dump()
            (press,) = await bot.get_updates(offset=start.update_id + 1, timeout=10)
            assert await bot.answer_callback_query(press.callback_query.id, text="Saved")
            edited = await bot.edit_message_text("Saved", chat_id=7, message_id=sent.message_id)
            assert edited.edit_date
            again = {"chat_id": 7, "message_id": sent.message_id}
            assert (await bot.edit_message_reply_markup(reply_markup=SAVE, **again)).reply_markup
            asked = await bot.send_message(7, "Number?", reply_markup=NUMBER)
            (contact,) = await bot.get_updates(offset=press.update_id + 1, timeout=10)
            assert contact.message.contact.user_id == 7
            await bot.send_message(7, "Thanks", reply_markup=ReplyKeyboardRemove())
            assert await bot.delete_message(7, asked.message_id)
            assert await bot.get_updates(offset=contact.update_id + 1) == []
            assert (await bot.get_webhook_info()).pending_update_count == 0
            assert await bot.set_webhook("https://shop.example/hook", secret_token="s")
            assert await bot.delete_webhook()

    async def person() -> None:
        ada.commands("/start")
        await ada.sees("Ready?")
        ada.presses("Save")
        await ada.sees("Number?")
        ada.shares_contact("+380501112233")

    async with serve(sandbox) as url:
        await beside(bot_side, person)

    assert [message.text for message in ada.screen().shown] == ["Saved", "Thanks"]
    assert ada.callbacks[0].text == "Saved"


@pytest.mark.real_clock
async def test_aiograms_own_polling_answers_everybody_once() -> None:
    sandbox = TelegramSandbox()
    people = [sandbox.user(number, f"Person {number}") for number in range(1, 11)]
    dispatcher = aiogram.Dispatcher()

    @dispatcher.message()
    async def echo(message: aiogram.types.Message) -> None:
        await message.answer(f"You said {message.text}")

    async def bot_side() -> None:
        async with aiogram_bot(url) as bot:
            await dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5)

    async def person() -> None:
        for someone in people:
            someone.says(f"word {someone.id}")
        for someone in people:
            await someone.sees(f"You said word {someone.id}")
        people[0].says("last")
        await people[0].sees("You said last")
        await trio.to_thread.run_sync(
            lambda: asyncio.run_coroutine_threadsafe(dispatcher.stop_polling(), loop[0]).result()
        )

    loop: list[asyncio.AbstractEventLoop] = []

    @dispatcher.startup()
    async def remember() -> None:
        loop.append(asyncio.get_running_loop())

    async with serve(sandbox) as url:
        await beside(bot_side, person)

    assert [len(someone.screen().shown) for someone in people] == [2] + [1] * 9
    assert sandbox.calls["sendmessage"] == 11


@pytest.mark.real_clock
async def test_aiogram_tells_every_refusal_apart() -> None:
    sandbox = TelegramSandbox()
    ada, blocker = sandbox.user(7, "Ada"), sandbox.user(8, "Bo")
    for someone in (ada, blocker):
        someone.says("hello")
    blocker.blocks_bot()
    sandbox.fail_next(1, 429, "Too Many Requests: retry after 7", method="sendDice", retry_after=7)
    sandbox.fail_next(1, 502, "Bad Gateway", method="getChat")
    sandbox.drop_next(1, method="sendChatAction")

    async def bot_side() -> None:
        async with aiogram_bot(url) as bot:
            with pytest.raises(refusals.TelegramRetryAfter) as slow:
                await bot.send_dice(7)
            assert slow.value.retry_after == 7
            with pytest.raises(refusals.TelegramServerError):
                await bot.get_chat(7)
            with pytest.raises(refusals.TelegramNetworkError):
                await bot.send_chat_action(7, "typing")
            with pytest.raises(refusals.TelegramForbiddenError, match="blocked by the user"):
                await bot.send_message(8, "hello?")
            with pytest.raises(refusals.TelegramBadRequest, match="chat not found"):
                await bot.send_message(9, "hello?")
            with pytest.raises(refusals.TelegramBadRequest, match="can't parse entities"):
                await bot.send_message(7, "a < b", parse_mode="HTML")
            with pytest.raises(refusals.TelegramNotFound):
                await bot.send_dice(7)
            await _conflicting_polls(bot)
        async with aiogram_bot(url, OTHER_TOKEN) as stranger:
            with pytest.raises(refusals.TelegramUnauthorizedError):
                await stranger.get_me()

    async with serve(sandbox) as url:
        await beside(bot_side, trio.lowlevel.checkpoint)

    assert ada.screen().typing  # the dropped call was carried out


async def _conflicting_polls(bot: aiogram.Bot) -> None:
    updates = await bot.get_updates()
    offset = updates[-1].update_id + 1
    older = asyncio.create_task(bot.get_updates(offset=offset, timeout=30))
    await asyncio.sleep(0.1)
    newer = asyncio.create_task(bot.get_updates(offset=offset, timeout=30))
    with pytest.raises(refusals.TelegramConflictError, match="only one bot instance"):
        await older
    newer.cancel()


@pytest.mark.real_clock
async def test_limits_are_met_by_whoever_waits_as_told() -> None:
    sandbox = TelegramSandbox()
    ada: TelegramUser = sandbox.user(7)
    ada.says("hello")
    sandbox.rate_limit(on=True)

    async def bot_side() -> None:
        async with aiogram_bot(url) as bot:
            for number in range(6):
                try:
                    await bot.send_message(7, str(number))
                except refusals.TelegramRetryAfter as slow:
                    await asyncio.sleep(slow.retry_after)
                    await bot.send_message(7, str(number))

    async with serve(sandbox) as url:
        await beside(bot_side, trio.lowlevel.checkpoint)

    assert [message.text for message in ada.screen().shown] == list("012345")
    assert sandbox.limits.violations == 1
