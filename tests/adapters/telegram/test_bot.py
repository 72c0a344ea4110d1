"""python-telegram-bot runs under trio, and nothing in it starts an asyncio loop."""

from __future__ import annotations

import ast
import asyncio
import gc
import logging
from pathlib import Path
from urllib.request import getproxies

import pytest
import telegram
from telegram.error import TelegramError

from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.telegram.bot import TrioBot, connected
from adapters.telegram.route import proxy_for
from tests.adapters.telegram.wire import TOKEN, Recorder, bot_of


def test_python_telegram_bot_uses_asyncio_in_the_two_lines_that_are_replaced() -> None:
    package = Path(telegram.__file__).parent
    used = [
        (path.relative_to(package).as_posix(), ast.unparse(node))
        for path in sorted(package.rglob("*.py"))
        if "ext" not in path.relative_to(package).parts
        and "asyncio" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute | ast.ImportFrom | ast.Import)
        and "asyncio" in ast.unparse(node)
    ]
    assert used == [
        ("_bot.py", "import asyncio"),
        ("_bot.py", "asyncio.gather"),
        ("_bot.py", "asyncio.gather"),
    ]
    for method in ("initialize", "shutdown"):
        assert method in vars(TrioBot)


@pytest.mark.real_clock
async def test_python_telegram_bots_own_methods_work_without_an_asyncio_loop() -> None:
    loops = _loops()
    sandbox = TelegramSandbox()
    ada = sandbox.user(7)
    ada.commands("/start")
    async with serve(sandbox) as url, connected(token=sandbox.token, api_url=url) as bot:
        assert (await bot.get_me()).username == "sandbox_shop_bot"
        said = await bot.send_message(7, "hello")
        assert said.text == "hello"
        assert await bot.edit_message_text("good-bye", 7, said.message_id)
        assert await bot.delete_message(7, said.message_id)
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.text == "/start"
    assert _loops() == loops


def _loops() -> int:
    return sum(isinstance(thing, asyncio.AbstractEventLoop) for thing in gc.get_objects())


async def test_call_answers_the_bare_result_and_leaves_none_out() -> None:
    recorder = Recorder({"odd": [1]})
    async with bot_of(recorder) as bot:
        assert await bot.call("getChat", {"chat_id": 7, "nothing": None}) == {"odd": [1]}
    assert recorder.asked == [("getChat", {"chat_id": "7"})]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_api_url_may_end_with_a_slash(slash: str) -> None:
    recorder = Recorder()
    async with serve(recorder) as url, connected(token=TOKEN, api_url=url + slash) as bot:
        await bot.call("getMe", {})
    assert [method for method, _ in recorder.asked] == ["getMe"]


async def test_starting_asks_telegram_nothing() -> None:
    async with connected(token=TOKEN, api_url="http://127.0.0.1:1"):
        pass


def test_a_bot_does_not_show_its_token() -> None:
    bot = TrioBot(token=TOKEN)
    assert repr(bot) == str(bot) == "TrioBot[id=4200000042]"


def test_a_bot_does_not_log_its_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    TrioBot(token=TOKEN)
    assert "Set Bot API URL: https://api.telegram.org/bot<token>" in caplog.text
    assert TOKEN not in caplog.text


async def test_an_empty_token_is_refused_at_once() -> None:
    with pytest.raises(TelegramError):
        TrioBot(token="")


@pytest.mark.parametrize("url", ["https://api.telegram.org", "http://127.0.0.1:8081"])
def test_requests_and_polls_take_the_way_that_the_environment_says(url: str) -> None:
    bot = TrioBot(token=TOKEN, api_url=url)
    ways = {request.pool.proxy for request in bot._request}  # type: ignore[attr-defined]
    assert ways == {proxy_for(url, getproxies())}
