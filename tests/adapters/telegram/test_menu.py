"""The menu of commands, against the sandbox's Bot API."""

from __future__ import annotations

import pytest

from actors.kernel.failures import Unavailable
from actors.kernel.language import Phrase, language_of
from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.telegram.bot import connected
from adapters.telegram.menu import LANGUAGE_CODES, TelegramMenu

COMMANDS = {
    "buy": Phrase(ru="купить", uk="придбати", en="shop"),
    "help": Phrase(ru="помощь", uk="допомога", en="help"),
}


async def test_everybody_reads_the_menu_in_his_language() -> None:
    sandbox = TelegramSandbox()
    async with (
        serve(sandbox) as url,
        connected(token=sandbox.token, api_url=url) as bot,
    ):
        assert await TelegramMenu(bot).show(COMMANDS) == ""
        for code, said in (("ru", "купить"), ("uk", "придбати"), ("", "shop"), ("be", "купить")):
            known = await bot.call("getMyCommands", {"language_code": code or None})
            assert known[0] == {"command": "buy", "description": said}
            assert [each["command"] for each in known] == ["buy", "help"]


def test_a_language_means_the_same_everywhere() -> None:
    assert all(language_of(code) is language for code, language in LANGUAGE_CODES.items())


async def test_a_refusal_is_told_and_trouble_is_no_answer() -> None:
    sandbox = TelegramSandbox()
    async with (
        serve(sandbox) as url,
        connected(token=sandbox.token, api_url=url) as bot,
    ):
        menu = TelegramMenu(bot)
        assert "BOT_COMMAND_INVALID" in (await menu.show({"Buy!": COMMANDS["buy"]})).upper()
        sandbox.fail_next(1, 503, "Sandbox")
        with pytest.raises(Unavailable):
            await menu.show(COMMANDS)
    async with serve(sandbox) as url, connected(token="1:wrong", api_url=url) as bot:
        assert await TelegramMenu(bot).show(COMMANDS)
