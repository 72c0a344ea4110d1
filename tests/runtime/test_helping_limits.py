"""Helping: whoever asks for ever keeps nobody from running for longer than a leader would."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime import State, VirtualWorld
from runtime.testing import running
from tests.runtime.puppet import Puppet
from tests.runtime.test_helping import plain
from tests.runtime.test_workers import SlowWorld


@pytest.mark.parametrize("world", [VirtualWorld, SlowWorld])
async def test_asking_for_ever_keeps_nobody_else_from_running(world: type[VirtualWorld]) -> None:
    async with running(world=world()) as system:
        ref, ticks, asked = await plain(system), [0], [0]

        async def ask() -> None:
            while True:
                await ref.ask("again")
                asked[0] += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            for _ in range(50):
                await trio.lowlevel.checkpoint()
                ticks[0] += 1
            nursery.cancel_scope.cancel()
        assert asked[0] > 100
        # Ten looks at the slow stopwatch are a lead, and one is taken for eight questions.
        lead = 100 if world is SlowWorld else system.dispatch.lead_turns_max
        assert asked[0] <= 50 * lead


async def test_an_actor_that_asks_for_ever_can_be_killed_by_others() -> None:
    async with running() as system:
        ref, asker = await plain(system), system.spawn(Puppet)

        async def ask(_: Any) -> None:
            while True:
                await ref.ask("again")

        asker.tell(ask)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        asker.kill()
        await system.settle()
        assert asker.state is State.STOPPED
        assert await ref.ask("alone") == "alone"
