"""Bots that aiogram drives, in a process of their own: it needs asyncio, and long to import.

`python -m tests.adapters.sandbox.aiogram_bots '{"converse": URL, ...}'` runs each at the sandbox
that is served there, all at once, and ends well when none of them has found anything wrong.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiogram
import pytest
from aiogram import exceptions as refusals
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LabeledPrice,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from adapters.sandbox.telegram import TOKEN

SAVE = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Save", callback_data="save")]]
)
NUMBER = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Number", request_contact=True)]])
OTHER_TOKEN = TOKEN[:-1] + "y"


@asynccontextmanager
async def connected(url: str, token: str = TOKEN) -> AsyncIterator[Any]:
    """A bot at this sandbox."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    async with aiogram.Bot(token, session=session).context() as bot:
        yield bot


async def converse(url: str) -> None:
    """Every method of a conversation, and types that aiogram understands."""
    async with connected(url) as bot:
        assert (await bot.get_me()).username == "sandbox_shop_bot"
        assert await bot.set_my_commands([BotCommand(command="start", description="Begin")])
        (start,) = await bot.get_updates(timeout=10, allowed_updates=["message", "callback_query"])
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


async def echo(url: str) -> None:
    """Poll as aiogram does by itself, until somebody has had enough."""
    dispatcher = aiogram.Dispatcher()

    @dispatcher.message()
    async def answer(message: aiogram.types.Message) -> None:
        await message.answer(f"You said {message.text}")
        if message.text == "enough":
            stopping.append(asyncio.create_task(dispatcher.stop_polling()))

    stopping: list[asyncio.Task[None]] = []
    async with connected(url) as bot:
        await dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5)
        await asyncio.gather(*stopping)


async def meet_refusals(url: str) -> None:
    """Each refusal is the exception that aiogram has for it."""
    async with connected(url) as bot:
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
    async with connected(url, OTHER_TOKEN) as stranger:
        with pytest.raises(refusals.TelegramUnauthorizedError):
            await stranger.get_me()


async def _conflicting_polls(bot: aiogram.Bot) -> None:
    updates = await bot.get_updates()
    offset = updates[-1].update_id + 1
    older = asyncio.create_task(bot.get_updates(offset=offset, timeout=30))
    await asyncio.sleep(0.1)
    newer = asyncio.create_task(bot.get_updates(offset=offset, timeout=30))
    with pytest.raises(refusals.TelegramConflictError, match="only one bot instance"):
        await older
    newer.cancel()


async def wait_as_told(url: str) -> None:
    """Six messages at once are too many: it waits for as long as it is told to."""
    async with connected(url) as bot:
        for number in range(6):
            try:
                await bot.send_message(7, str(number))
            except refusals.TelegramRetryAfter as slow:
                await asyncio.sleep(slow.retry_after)
                await bot.send_message(7, str(number))


async def read(url: str) -> None:
    """Every kind of update that the sandbox knows."""
    async with connected(url) as bot:
        kinds = [update.event_type for update in await bot.get_updates(limit=100)]
    sold = ["pre_checkout_query", "message", "message"]
    assert kinds == ["message"] * 9 + ["callback_query"] * 3 + ["my_chat_member"] * 2 + sold


async def sell(url: str) -> None:
    """An invoice in Stars: asked about, paid, given back, listed."""
    invoice = {
        "title": "VIP access",
        "description": "For a month",
        "payload": "order-42",
        "provider_token": "",
        "currency": "XTR",
        "prices": [LabeledPrice(label="VIP", amount=100)],
    }
    async with connected(url) as bot:
        assert (await bot.create_invoice_link(**invoice)).startswith("https://t.me/$")
        (start,) = await bot.get_updates(timeout=10)
        sent = await bot.send_invoice(7, **invoice)
        assert (sent.invoice.currency, sent.invoice.total_amount) == ("XTR", 100)
        (asked,) = await bot.get_updates(offset=start.update_id + 1, timeout=10)
        query = asked.pre_checkout_query
        assert (query.invoice_payload, query.total_amount) == ("order-42", 100)
        assert await bot.answer_pre_checkout_query(query.id, ok=True)
        (told,) = await bot.get_updates(offset=asked.update_id + 1, timeout=10)
        charge = told.message.successful_payment.telegram_payment_charge_id
        assert await bot.refund_star_payment(7, charge)
        (back,) = await bot.get_updates(offset=told.update_id + 1, timeout=10)
        assert back.message.refunded_payment.telegram_payment_charge_id == charge
        with pytest.raises(refusals.TelegramBadRequest, match="ALREADY_REFUNDED"):
            await bot.refund_star_payment(7, charge)
        listed = (await bot.get_star_transactions()).transactions
        assert [entry.id for entry in listed] == [charge, charge]
        assert listed[0].source.invoice_payload == "order-42"


async def take_webhooks(url: str) -> None:
    """The web server that aiogram brings: a wrong secret is refused, the right one takes all."""
    dispatcher, heard, both = aiogram.Dispatcher(), list[str](), asyncio.Event()

    @dispatcher.message()
    async def hear(message: aiogram.types.Message) -> None:
        heard.append(message.text or "")
        if len(heard) == 2:
            both.set()

    async with connected(url) as bot:
        app = web.Application()
        SimpleRequestHandler(dispatcher, bot, secret_token="right").register(app, path="/hook")
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        await bot.set_webhook(address, secret_token="wrong")
        await asyncio.sleep(1)  # a webhook is set once a second at most
        assert (await bot.get_webhook_info()).last_error_message.endswith("401")
        await bot.set_webhook(address, secret_token="right")
        await both.wait()
        await runner.cleanup()
    assert sorted(heard) == ["hello from 7", "hello from 8"]


BOTS = {
    bot.__name__: bot
    for bot in (read, converse, echo, meet_refusals, wait_as_told, sell, take_webhooks)
}


async def _run(urls: dict[str, str]) -> None:
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for name, url in urls.items():
            group.create_task(BOTS[name](url))


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
