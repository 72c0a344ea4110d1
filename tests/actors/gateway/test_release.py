"""Who asks the store how far chats are: one question at a time, and none when nobody waits."""

from __future__ import annotations

from collections.abc import Collection

import trio

from actors.gateway.backlog import LOOK_SECONDS, TOLD_OF_CHAT_MAX
from actors.kernel.ids import UpdateId
from adapters.memory.gateway import MemoryInbox
from runtime.testing import running
from tests.actors.gateway.world import World, mark_handled, text


class CountingInbox(MemoryInbox):
    """Remembers when it was asked, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []
        self.slow_seconds = 0.0

    async def unfinished(self, update_ids: Collection[UpdateId]) -> frozenset[UpdateId]:
        self.asked.append(trio.current_time())
        await trio.sleep(self.slow_seconds)
        return await super().unfinished(update_ids)


async def test_while_nobody_waits_nobody_is_asked() -> None:
    world, inbox = World(), CountingInbox()
    world.inbox = inbox
    async with running() as system:
        world.start(system)
        for number in range(TOLD_OF_CHAT_MAX):
            world.updates.push(text(f"t{number}"))
        await trio.sleep(60)
        assert inbox.asked == []
        mark_handled(inbox, *[u.update_id for u in await inbox.unhandled()])
        began = trio.current_time()
        world.updates.push(text("the hundred and first of its life"))
        await trio.sleep(60)
        assert len(world.heard) == TOLD_OF_CHAT_MAX + 1
        assert [at - began < 0.1 for at in inbox.asked] == [True]


async def test_whoever_waits_is_looked_after_once_a_second_and_once_at_a_time() -> None:
    world, inbox = World(), CountingInbox()
    world.inbox = inbox
    async with running() as system:
        world.start(system)
        for number in range(TOLD_OF_CHAT_MAX + 1):
            world.updates.push(text(f"t{number}"))
        await trio.sleep(10.5)
        pauses = [after - at for at, after in zip(inbox.asked, inbox.asked[1:], strict=False)]
        assert len(pauses) >= 9
        assert min(pauses) >= LOOK_SECONDS
        inbox.slow_seconds = 5
        del inbox.asked[:]
        for number in range(10):
            world.updates.push(text(f"u{number}"))
            await trio.sleep(1)
        assert len(inbox.asked) <= 3
