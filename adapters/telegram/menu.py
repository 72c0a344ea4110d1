"""The commands that Telegram offers when somebody types a slash: `gateway.ports.Menu`."""

from __future__ import annotations

from collections.abc import Mapping

from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from actors.gateway.ports import Menu
from actors.kernel.language import Language, Phrase
from adapters.telegram.bot import TrioBot
from adapters.telegram.refusals import unavailable

LANGUAGE_CODES = {
    "": Language.EN,
    "ru": Language.RU,
    "be": Language.RU,
    "kk": Language.RU,
    "uk": Language.UK,
}
"""In what a user of each language reads the menu (`kernel.language.language_of`); "" is everybody
else."""


class TelegramMenu(Menu):
    """Over `bot`; one request for each language."""

    def __init__(self, bot: TrioBot) -> None:
        self._bot = bot

    async def show(self, commands: Mapping[str, Phrase]) -> str:
        for code, language in LANGUAGE_CODES.items():
            listed = [
                {"command": name, "description": said.in_language(language)}
                for name, said in commands.items()
            ]
            parameters = {"commands": listed, "language_code": code or None}
            try:
                await self._bot.call("setMyCommands", parameters)
            except (BadRequest, Forbidden, InvalidToken) as error:
                return error.message
            except TelegramError as error:
                raise unavailable(error) from None
        return ""
