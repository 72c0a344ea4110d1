"""People find the commands, however long Telegram was away, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import trio

from actors.gateway.menu import AGAIN_LAST_SECONDS, CommandMenu
from actors.gateway.ports import Menu
from actors.kernel.failures import Unavailable
from actors.kernel.language import Phrase
from runtime.testing import running

COMMANDS = {"buy": Phrase(ru="а", uk="б", en="c")}


class Slate(Menu):
    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.refusal = ""
        self.told: list[tuple[float, Mapping[str, Phrase]]] = []

    async def show(self, commands: Mapping[str, Phrase]) -> str:
        self.told.append((trio.current_time(), commands))
        if self.failures:
            raise self.failures.pop(0)
        return self.refusal


async def test_telegram_is_told_once() -> None:
    slate = Slate()
    async with running() as system:
        system.spawn(lambda: CommandMenu(menu=slate, commands=COMMANDS), name="menu")
        await trio.sleep(3_600)
    assert [commands for _, commands in slate.told] == [COMMANDS]


async def test_while_it_does_not_answer_it_is_told_again_ever_more_seldom() -> None:
    slate = Slate()
    slate.failures = [Unavailable("503") for _ in range(12)]
    async with running() as system:
        system.spawn(lambda: CommandMenu(menu=slate, commands=COMMANDS), name="menu")
        await trio.sleep(86_400)
    times = [at for at, _ in slate.told]
    pauses = [round(later - sooner) for sooner, later in pairwise(times)]
    assert pauses[:3] == [5, 10, 20]
    assert pauses[-1] == AGAIN_LAST_SECONDS
    assert len(times) == 13


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    slate = Slate()
    slate.failures = [Unavailable("429", retry_after_seconds=77)]
    async with running() as system:
        system.spawn(lambda: CommandMenu(menu=slate, commands=COMMANDS), name="menu")
        await trio.sleep(76)
        assert len(slate.told) == 1
        await trio.sleep(2)
        assert len(slate.told) == 2


async def test_a_refusal_is_not_told_again() -> None:
    slate = Slate()
    slate.refusal = "BOT_COMMAND_INVALID"
    async with running() as system:
        system.spawn(lambda: CommandMenu(menu=slate, commands=COMMANDS), name="menu")
        await trio.sleep(3_600)
    assert len(slate.told) == 1
