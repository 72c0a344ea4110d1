"""A broadcast in virtual time: what fails around it costs nobody his message, or his peace."""

from __future__ import annotations

from functools import partial

import trio

from actors.kernel.ids import LetterId
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.database import MemoryConnection
from config.scenarios.broadcast import SendingShop, notice
from config.store import MemoryStore
from runtime.testing import Plan, check, simulate
from runtime.testing.simulation import PropertyError, Simulation


def test_in_calm_everybody_has_it_once() -> None:
    check(simulate(notice, Plan(seed=1)))


class Careless(MemoryBroadcasts):
    """Marks nobody before the request, so that a crash forgets who was under way."""

    async def starting(self, letter_id: LetterId) -> bool:
        begins = await super().starting(letter_id)
        await self.postponed(letter_id)
        return begins


def store_with(kind: type[MemoryBroadcasts], connection: MemoryConnection) -> MemoryStore:
    store = MemoryStore(connection)
    store.broadcasts = kind(connection)
    return store


async def _killed_while_sending(sim: Simulation, kind: type[MemoryBroadcasts]) -> None:
    """The bot dies three times while Telegram thinks about a message."""
    shop = SendingShop(sim, people=160)
    shop.make_store = partial(store_with, kind)
    await shop.acquaint()
    async with shop.open():
        await shop.send()
        for _ in range(3):
            shop.telegram.hang_next(1, 1.0, method="sendmessage")
            await trio.sleep(0.5)
            shop.bot.crash()
            await trio.sleep(2.0)
        await trio.sleep(120.0)
        shop.judge(calm=False)


def test_a_shop_that_marks_nobody_before_the_request_is_found_out() -> None:
    run = simulate(partial(_killed_while_sending, kind=Careless), Plan(seed=1))
    assert isinstance(run.failure, PropertyError)
    assert "has 2 messages" in str(run.failure)


def test_the_same_shop_without_that_mistake_passes() -> None:
    run = simulate(partial(_killed_while_sending, kind=MemoryBroadcasts), Plan(seed=1))
    check(run)
    assert run.sometimes["an outcome stayed unknown"]
