"""The menu of commands: tells Telegram, once after the start, what the bot can be asked.

Receives  private: the end of its telling
Tells     nobody
Owns      nothing
Restarts  safely: it tells it again

What Telegram shows when somebody types a slash is how people find the shop. Nothing waits for it:
while Telegram does not answer, it is told again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from actors.gateway.ports import Menu
from actors.kernel.failures import Unavailable
from actors.kernel.language import Phrase
from runtime import Actor, message

AGAIN_FIRST_SECONDS = 5.0
AGAIN_LAST_SECONDS = 300.0


@message
class _Tell:
    """Tell Telegram."""


@message
class _Told:
    """It knows them, or says what is wrong with them."""

    refusal: str


@message
class _Untold:
    """It did not answer."""

    error: Exception


class CommandMenu(Actor[_Tell | _Told | _Untold]):
    """`commands` are names without the slash, in the order in which they are shown."""

    def __init__(self, *, menu: Menu, commands: Mapping[str, Phrase]) -> None:
        super().__init__()
        self._menu, self._commands = menu, commands
        self._again_seconds = AGAIN_FIRST_SECONDS

    async def on_start(self) -> None:
        self.actor_ref.tell(_Tell())

    def on_receive(self, message: _Tell | _Told | _Untold) -> None:
        match message:
            case _Tell():
                self.pipe(
                    self._menu.show,
                    self._commands,
                    then=lambda refusal: _Told(refusal=refusal),
                    failed=lambda error: _Untold(error=error),
                )
            case _Told(refusal=refusal):
                if refusal:
                    self.log.error("menu.refused", detail=refusal)
            case _Untold(error=error):
                self._wait(error)
            case _:
                assert_never(message)

    def _wait(self, error: Exception) -> None:
        if not isinstance(error, Unavailable):
            raise error
        seconds = max(self._again_seconds, error.retry_after_seconds or 0.0)
        self.log.info("menu.postponed", detail=error.detail, seconds=seconds)
        self.after(seconds, _Tell(), key=_Tell)
        self._again_seconds = min(2 * self._again_seconds, AGAIN_LAST_SECONDS)
