"""Sessions that are behind: what waits for them, where, and who does not wait."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import pytest
import trio

from actors.gateway.backlog import LOOK_SECONDS, TOLD_MAX, TOLD_OF_CHAT_MAX
from actors.gateway.model import Counts, Entry, Stored
from actors.kernel.ids import UpdateId
from actors.payments import messages as payments
from adapters.memory.gateway import MemoryInbox
from runtime.testing import running
from tests.actors.gateway.world import ASKED, FEW, World, mark_handled, text


@pytest.fixture
def world() -> World:
    return World()


async def test_while_sessions_are_behind_updates_wait_in_the_store_and_payments_do_not(
    world: World,
) -> None:
    async with running() as system:
        world.start(system)
        for number in range(3_000):
            world.updates.push(text(f"t{number}", chat_id=1 + number))
        await trio.sleep(60)
        assert (await world.inbox.counts()).unhandled == 3_000
        assert len(world.heard) == TOLD_MAX
        assert world.status == "warn"
        assert "2000 updates wait in the store" in world.report.output
        pushed_at = trio.current_time()
        world.updates.push(ASKED)
        await world.pre_checkout.expect(payments.PreCheckoutAsked, within=9)
        assert trio.current_time() - pushed_at < 1
        for _ in range(3):
            mark_handled(world.inbox, *[u.update_id for u in await told_of(world)])
            await trio.sleep(20)
        assert [words for _, words in world.heard] == [f"t{number}" for number in range(3_000)]
        await trio.sleep(60)
        assert world.status == "pass"


async def test_sessions_that_catch_up_a_little_are_told_as_much_more(world: World) -> None:
    async with running() as system:
        world.start(system)
        for number in range(TOLD_MAX + 500):
            world.updates.push(text(f"t{number}", chat_id=1 + number))
        await trio.sleep(30)
        mark_handled(world.inbox, *[u.update_id for u in (await told_of(world))[:7]])
        await trio.sleep(5)
        assert len(world.heard) == TOLD_MAX + 7
        world.updates.push(text("behind all others"))
        await trio.sleep(5)
        assert len(world.heard) == TOLD_MAX + 7


async def test_after_a_restart_too_only_so_many_are_told_at_once(world: World) -> None:
    async with running() as system:
        world.start(system)
        for number in range(TOLD_MAX + 500):
            world.updates.push(text(f"t{number}", chat_id=1 + number))
        world.updates.push(ASKED)
        await trio.sleep(30)
    world.sessions.told.clear()
    world.pre_checkout.told.clear()
    async with running() as system:
        world.start(system)
        await trio.sleep(5)
        assert [words for _, words in world.heard] == [f"t{number}" for number in range(TOLD_MAX)]
        assert len(world.pre_checkout.told) == 1
        mark_handled(world.inbox, *[u.update_id for u in await told_of(world)])
        await trio.sleep(5)
        assert len(world.heard) == TOLD_MAX + 500


async def test_what_the_store_should_not_hold_stays_with_telegram(world: World) -> None:
    world.stored_max = FEW
    async with running() as system:
        world.start(system)
        for number in range(FEW + 1_000):
            world.updates.push(text(f"t{number}", chat_id=1 + number))
        await trio.sleep(60)
        counts = await world.inbox.counts()
        assert FEW < counts.unhandled <= FEW + 100
        assert world.status == "warn"
        polls = len(world.updates.polls)
        await trio.sleep(60)
        again = world.updates.polls[polls:]
        assert 0 < len(again) <= 60
        assert len({offset for offset, _ in again}) == 1, "nothing more is confirmed"
        assert await world.inbox.counts() == counts
        while waiting := await told_of(world):
            mark_handled(world.inbox, *[u.update_id for u in waiting])
            await trio.sleep(2)
        assert len(world.heard) == len(set(world.heard)) == FEW + 1_000


async def test_a_payment_does_not_wait_for_what_stays_with_telegram(world: World) -> None:
    world.stored_max = FEW
    async with running() as system:
        world.start(system)
        for number in range(FEW + 150):
            world.updates.push(text(f"t{number}", chat_id=1 + number))
        await trio.sleep(60)
        before = (await world.inbox.counts()).unhandled
        assert before < FEW + 150
        asked = world.updates.push(ASKED)
        world.updates.push(text("behind it"))
        await world.pre_checkout.expect(payments.PreCheckoutAsked, within=3)
        await trio.sleep(60)
        assert (await world.inbox.counts()).unhandled == before + 1
        mark_handled(world.inbox, asked)
        while waiting := await told_of(world):
            mark_handled(world.inbox, *[u.update_id for u in waiting])
            await trio.sleep(2)
        assert len(world.heard) == len(set(world.heard)) == FEW + 151
        assert len(world.pre_checkout.told) == 1, "though Telegram told it again and again"
        assert (await world.inbox.counts()).unhandled == 0


class SlowInbox(MemoryInbox):
    """A store that takes long to commit, and longer to answer."""

    async def add(
        self, entries: Sequence[Entry], *, batch_id: UUID, at: datetime
    ) -> frozenset[UpdateId]:
        await trio.sleep(0.15)
        return await super().add(entries, batch_id=batch_id, at=at)

    async def counts(self) -> Counts:
        await trio.sleep(3)
        return await super().counts()

    async def find(self, update_id: UpdateId) -> Stored | None:
        await trio.sleep(3)
        return await super().find(update_id)

    async def unfinished(self, update_ids: Collection[UpdateId]) -> frozenset[UpdateId]:
        await trio.sleep(3)
        return await super().unfinished(update_ids)

    async def find_all(self, update_ids: Collection[UpdateId]) -> tuple[Stored, ...]:
        await trio.sleep(3)
        return await super().find_all(update_ids)


async def test_in_a_slow_store_too_a_payment_is_found_behind_thousands_of_updates(
    world: World,
) -> None:
    world.inbox = SlowInbox()
    async with running() as system:
        world.start(system)
        for number in range(2_000):
            world.updates.push(text(f"t{number}", chat_id=1 + number))
        await trio.sleep(60)  # a thousand are told, and a thousand wait for them
        mark_handled(world.inbox, *[u.update_id for u in await told_of(world)])
        for number in range(4_000):
            world.updates.push(text(f"u{number}", chat_id=1 + number))
        world.updates.push(ASKED)
        await world.pre_checkout.expect(payments.PreCheckoutAsked, within=9)


@pytest.mark.parametrize("restarted", [True, False])
async def test_who_wrote_a_thousand_times_keeps_nobody_else_waiting(
    world: World, *, restarted: bool
) -> None:
    async with running() as system:
        world.start(system)
        for number in range(2 * TOLD_MAX):
            world.updates.push(text(f"a{number}", chat_id=7))
        for number in range(TOLD_OF_CHAT_MAX):
            world.updates.push(text(f"b{number}", chat_id=8))
        await trio.sleep(20)
    if restarted:
        world.sessions.told.clear()
        async with running() as system:
            world.start(system)
            await trio.sleep(1)
    assert [words for chat_id, words in world.heard if chat_id == 8] == [
        f"b{number}" for number in range(TOLD_OF_CHAT_MAX)
    ]
    assert sum(chat_id == 7 for chat_id, _ in world.heard) == TOLD_OF_CHAT_MAX


async def test_what_comes_while_its_chat_is_being_released_does_not_overtake(world: World) -> None:
    world.inbox = SlowInbox()
    async with running() as system:
        world.start(system)
        for number in range(TOLD_OF_CHAT_MAX + 1):
            world.updates.push(text(f"t{number}"))
        await trio.sleep(20)
        mark_handled(world.inbox, *[u.update_id for u in await told_of(world)])
        await trio.sleep(LOOK_SECONDS)
        for number in range(30):
            world.updates.push(text(f"u{number}"))
            await trio.sleep(0.5)
        await trio.sleep(30)
        told = [f"t{number}" for number in range(TOLD_OF_CHAT_MAX + 1)]
        assert [words for _, words in world.heard] == told + [f"u{number}" for number in range(30)]


async def told_of(world: World) -> list[Stored]:
    """The unhandled updates that sessions have heard of."""
    heard = {words for _, words in world.heard}
    return [
        update
        for update in await world.inbox.unhandled()
        if json.loads(update.body).get("message", {}).get("text") in heard
    ]
