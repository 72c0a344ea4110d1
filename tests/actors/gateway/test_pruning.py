"""What is old is forgotten, in small steps."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio

from actors.gateway.model import Entry
from actors.gateway.pruning import PRUNE_LIMIT
from actors.kernel.ids import UpdateId
from runtime.testing import running
from runtime.world import VirtualWorld
from tests.actors.gateway.world import POISON, World, mark_handled, text


@pytest.fixture
def world() -> World:
    return World()


async def test_what_was_handled_is_forgotten_after_two_days(world: World) -> None:
    clock = VirtualWorld()
    async with running(world=clock) as system:
        world.start(system)
        for update in (text("handled"), POISON, text("unhandled")):
            world.updates.push(update)
        await trio.sleep(1)
        mark_handled(world.inbox, UpdateId(1))
        clock.shift(46 * 3600)
        await trio.sleep(3601)
        assert len(world.inbox.connection.tables.updates) == 3
        clock.shift(3600)
        await trio.sleep(3600)
        assert list(world.inbox.connection.tables.updates) == [2, 3]
        clock.shift(30 * 86_400)
        await trio.sleep(3600)
        assert list(world.inbox.connection.tables.updates) == [3]


async def test_much_that_is_old_is_forgotten_in_small_steps(world: World) -> None:
    async with running() as system:
        for first in range(0, 3 * PRUNE_LIMIT, 100):
            old = [Entry(UpdateId(first + n), "{}", handled=True) for n in range(100)]
            long_ago = system.world.now() - timedelta(days=9)
            await world.inbox.add(old, batch_id=system.world.uuid(), at=long_ago)
        world.start(system)
        await trio.sleep(61)
        assert len(world.inbox.connection.tables.updates) == 2 * PRUNE_LIMIT
        await trio.sleep(2)
        assert len(world.inbox.connection.tables.updates) == 0
