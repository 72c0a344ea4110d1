"""The sandbox as others read it: aiogram's and python-telegram-bot's types and clients.

Both were written without knowledge of this house; what they accept, and what they raise, is
the independent check that the sandbox speaks the Bot API.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
import telegram
import trio

from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_user import ATTACHMENTS
from tests.adapters.sandbox.calls import Bot
from tests.adapters.sandbox.test_telegram_payments import STARS, paid
from tests.architecture import ROOT

START_SECONDS = 60.0
"""Long enough for a process that imports aiogram on a busy machine."""
KEYBOARD = {"inline_keyboard": [[{"text": "Save", "callback_data": "save"}]]}


async def one_of_each_update() -> TelegramSandbox:
    """Where one of each waits that people in the sandbox can cause."""
    sandbox = TelegramSandbox()
    ada = sandbox.user(7, "Ada", username="ada", last_name="L", language_code="uk")
    ada.commands("/start ref_5")
    ada.says("hello")
    ada.shares_contact("+380501112233")
    ada.shares_contact("+380509998877", own=False)
    for kind in ATTACHMENTS:
        ada.sends(kind)
    bot = Bot(sandbox)
    text = "<b>Ready</b> <a href='x.org'>?</a> <pre><code class='language-py'>1</code></pre>"
    await bot("sendMessage", chat_id=7, text=text, parse_mode="HTML", reply_markup=KEYBOARD)
    message = ada.screen().shown[0]
    ada.presses("Save")
    await bot("editMessageText", chat_id=7, message_id=message.message_id, text="Done")
    ada.presses_stale(message, "save")
    await bot("deleteMessage", chat_id=7, message_id=message.message_id)
    ada.presses_stale(message, "save")
    ada.blocks_bot()
    ada.unblocks_bot()
    charge = await paid(sandbox, bot, await bot("createInvoiceLink", **STARS))
    await bot("refundStarPayment", user_id=7, telegram_payment_charge_id=charge)
    return sandbox


async def test_python_telegram_bot_knows_every_field_of_every_update() -> None:
    for raw in (await one_of_each_update()).world.updates.waiting(100):
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


@pytest.mark.process
async def test_aiogram_finds_nothing_wrong() -> None:
    """Its bots (`aiogram_bots.py`) check what they are answered; here is the other side of it."""
    sandboxes = {
        "read": await one_of_each_update(),
        "converse": TelegramSandbox(),
        "echo": TelegramSandbox(),
        "meet_refusals": troubled(),
        "wait_as_told": limited(),
        "sell": TelegramSandbox(),
        "take_webhooks": TelegramSandbox(local=True),
    }
    async with trio.open_nursery() as people, AsyncExitStack() as servers:
        urls = {
            name: await servers.enter_async_context(serve(sandbox))
            for name, sandbox in sandboxes.items()
        }
        people.start_soon(converse, sandboxes["converse"])
        people.start_soon(talk, sandboxes["echo"])
        people.start_soon(buy, sandboxes["sell"])
        await servers.enter_async_context(sandboxes["take_webhooks"].webhooks)
        for number in (7, 8):
            sandboxes["take_webhooks"].user(number).says(f"hello from {number}")
        command = [sys.executable, "-m", "tests.adapters.sandbox.aiogram_bots", json.dumps(urls)]
        done = await trio.run_process(command, cwd=ROOT, capture_stderr=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    assert sandboxes["meet_refusals"].user(7).screen().typing  # the dropped call was carried out
    shown = sandboxes["wait_as_told"].user(7).screen().shown
    assert [message.text for message in shown] == list("012345")
    assert sandboxes["wait_as_told"].limits.violations == 1


async def converse(sandbox: TelegramSandbox) -> None:
    """One person's part of a whole conversation."""
    ada = sandbox.user(7, "Ada")
    ada.commands("/start")
    await ada.sees("Ready?", within=START_SECONDS)
    ada.presses("Save")
    await ada.sees("Number?")
    ada.shares_contact("+380501112233")
    await ada.sees("Thanks")
    while len(ada.screen().shown) > 2:  # the question is taken away
        await ada.chat.changed.wait()

    assert [message.text for message in ada.screen().shown] == ["Saved", "Thanks"]
    assert ada.callbacks[0].text == "Saved"


async def talk(sandbox: TelegramSandbox) -> None:
    """Ten people, each of whom is answered once for each word; the last word ends the bot."""
    people = [sandbox.user(number, f"Person {number}") for number in range(1, 11)]
    for someone in people:
        someone.says(f"word {someone.id}")
    for someone in people:
        await someone.sees(f"You said word {someone.id}", within=START_SECONDS)
    people[0].says("enough")
    await people[0].sees("You said enough")

    assert [len(someone.screen().shown) for someone in people] == [2] + [1] * 9
    assert sandbox.calls["sendmessage"] == 11


async def buy(sandbox: TelegramSandbox) -> None:
    """Somebody pays the invoice that he is sent."""
    ada = sandbox.user(7, "Ada")
    ada.commands("/start")
    await ada.sees("Pay XTR 100", within=START_SECONDS)
    await ada.pays()


def troubled() -> TelegramSandbox:
    """A Telegram with a refusal of every kind in store."""
    sandbox = TelegramSandbox()
    ada, blocker = sandbox.user(7, "Ada"), sandbox.user(8, "Bo")
    for someone in (ada, blocker):
        someone.says("hello")
    blocker.blocks_bot()
    sandbox.fail_next(1, 429, "Too Many Requests: retry after 7", method="sendDice", retry_after=7)
    sandbox.fail_next(1, 502, "Bad Gateway", method="getChat")
    sandbox.drop_next(1, method="sendChatAction")
    return sandbox


def limited() -> TelegramSandbox:
    """A Telegram that counts, and a person who may be written to."""
    sandbox = TelegramSandbox()
    sandbox.user(7).says("hello")
    sandbox.rate_limit(on=True)
    return sandbox
