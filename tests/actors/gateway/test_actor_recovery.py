"""Nothing is lost and nothing is told for no reason, whatever dies, fails or goes away."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import pytest
import trio

from actors.gateway.actor import (
    INNOCENT_AFTER_SECONDS,
    REROUTE_SECONDS,
    TelegramGateway,
)
from actors.gateway.messages import UpdateParked
from actors.gateway.model import ATTEMPTS_MAX, Counts, Entry, Stored
from actors.gateway.ports import Batch
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from actors.sessions import messages as sessions
from adapters.memory.gateway import MemoryInbox
from runtime import Actor, KeyedSpec, SupervisorSpec
from runtime.events import Reason
from runtime.testing import running
from tests.actors.gateway.world import GROUP, POISON, World, dead, mark_handled, text


@pytest.fixture
def world() -> World:
    return World()


# Restarts


async def test_what_is_unhandled_is_told_again_after_a_restart_in_order(world: World) -> None:
    async with running() as system:
        world.start(system)
        for words in "abcd":
            world.updates.push(text(words))
        await trio.sleep(1)
        mark_handled(world.inbox, UpdateId(2))
    async with running(seed=1) as system:
        world.updates.push(text("e"))
        world.start(system)
        await trio.sleep(1)
        assert "".join(words for _, words in world.heard) == "abcd" + "acde"


async def test_a_stored_update_that_was_never_confirmed_is_not_told_twice(world: World) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("a"))
        await trio.sleep(0.1)
        mark_handled(world.inbox, UpdateId(1))
    world.updates.push(text("a"), update_id=1)  # as if the confirming poll had not left
    async with running(seed=1) as system:
        world.start(system)
        await trio.sleep(5)
        assert world.heard == [(7, "a")]


async def test_an_update_that_is_always_in_work_when_the_process_dies_is_parked(
    world: World,
) -> None:
    killer, behind = world.updates.push(text("kills")), world.updates.push(text("behind"))
    other = world.updates.push(text("other", chat_id=8))
    for seed in range(ATTEMPTS_MAX + 1):
        async with running(seed=seed) as system:
            world.start(system, kind=Killed)
            await trio.sleep(5)
            mark_handled(world.inbox, other)
    assert [u.update_id for u in await world.inbox.unhandled()] == [killer, behind]
    async with running(seed=99) as system:
        world.start(system)
        parked = await world.parked.expect(UpdateParked)
        assert parked == UpdateParked(
            update_id=killer, reason="in work at 5 restarts in a row, and never finished"
        )
        assert world.sessions.told[-1][1].text == "behind"


async def test_a_process_that_lives_on_clears_whatever_it_recovered(world: World) -> None:
    update_id = world.updates.push(text("waits for a provider that is away"))
    for seed in range(3 * ATTEMPTS_MAX):
        async with running(seed=seed) as system:
            world.start(system, kind=Killed)
            await trio.sleep(INNOCENT_AFTER_SECONDS + 1)
    assert world.parked.told == []
    stored = await world.inbox.find(update_id)
    assert stored is not None
    assert stored.attempts == 0


async def test_an_orderly_stop_clears_whatever_it_recovered(world: World) -> None:
    world.updates.push(text("waits"))
    for seed in range(3 * ATTEMPTS_MAX):
        async with running(seed=seed) as system:
            world.start(system)
            await trio.sleep(1)
    assert world.parked.told == []


class Killed(TelegramGateway):
    """A gateway whose process dies: nothing is done at its end."""

    async def on_stop(self) -> None:
        pass


async def test_what_reads_otherwise_today_is_settled_and_not_told(world: World) -> None:
    async with running() as system:
        for update in (POISON, GROUP):
            world.updates.push(update)
        batch = await world.updates.poll(None, patient=False)
        assert isinstance(batch, Batch)
        await world.inbox.add(
            [Entry(update.update_id, update.body) for update in batch.updates],
            batch_id=system.world.uuid(),
            at=system.world.now(),
        )
        world.start(system)
        await world.parked.expect(UpdateParked)
        await system.settle()
        assert (await world.inbox.unhandled(), world.sessions.told) == ((), [])


# Sessions that do not take their update


class Fragile(Actor[sessions.Command]):
    """A session that fails on "bad"."""

    def __init__(self, heard: list[str], inbox: MemoryInbox) -> None:
        super().__init__()
        self._heard, self._inbox = heard, inbox

    async def on_receive(self, message: sessions.Command) -> None:
        assert isinstance(message, sessions.TextReceived)
        if message.text == "bad":
            raise ZeroDivisionError
        self._heard.append(message.text)
        mark_handled(self._inbox, message.update_id)


async def test_the_update_that_its_session_failed_on_is_parked(world: World) -> None:
    heard: list[str] = []
    tree = SupervisorSpec(
        name="root",
        strategy="one_for_one",
        children=(KeyedSpec(name="sessions", factory=lambda _: Fragile(heard, world.inbox)),),
    )
    async with running(tree) as system:
        world.start(system, system.region("root/sessions"))
        bad = world.updates.push(text("bad"))
        world.updates.push(text("good"))
        parked = await world.parked.expect(UpdateParked)
        await trio.sleep(60)
        assert parked == UpdateParked(update_id=bad, reason="its actor failed: ZeroDivisionError")
        assert heard == ["good"]
        assert await world.inbox.unhandled() == ()


@pytest.mark.parametrize("reason", ["refused", "stopped", "killed"])
async def test_an_update_its_session_did_not_take_is_told_again(
    world: World, reason: Reason
) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("a"))
        await trio.sleep(1)
        system.events.publish(dead(world.sessions.told[0][1], reason))
        await trio.sleep(REROUTE_SECONDS + 1)
        assert world.heard == [(7, "a"), (7, "a")]


async def test_an_update_that_was_handled_meanwhile_is_not_told_again(world: World) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("a"))
        await trio.sleep(1)
        system.events.publish(dead(world.sessions.told[0][1], "refused"))
        mark_handled(world.inbox, UpdateId(1))
        await trio.sleep(REROUTE_SECONDS + 1)
        assert world.heard == [(7, "a")]


async def test_dead_letters_of_others_are_none_of_its_business(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        system.events.publish(dead(object(), "failed"))
        await system.settle()
        assert ref.is_alive()
        assert [incident.incarnation for incident in system.incidents] == [1], "it did not fail"
        assert world.parked.told == []


# The inbox is away


class BrokenInbox(MemoryInbox):
    """An inbox that loses its connection, before or after it has done what it was told."""

    def __init__(self, breaks: Callable[[], bool]) -> None:
        super().__init__()
        self._breaks = breaks

    async def add(
        self, entries: Sequence[Entry], *, batch_id: UUID, at: datetime
    ) -> frozenset[UpdateId]:
        self._maybe_break()
        new = await super().add(entries, batch_id=batch_id, at=at)
        self._maybe_break()
        return new

    async def unhandled(
        self, *, after: UpdateId | None = None, limit: int | None = None
    ) -> tuple[Stored, ...]:
        self._maybe_break()
        return await super().unhandled(after=after, limit=limit)

    async def counts(self) -> Counts:
        self._maybe_break()
        return await super().counts()

    def _maybe_break(self) -> None:
        if self._breaks():
            raise Unavailable("the database is away")


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_breaks_in_between_every_update_is_handled_once(seed: int) -> None:
    luck = random.Random(seed)
    calm = False
    world, heard = World(), []
    world.inbox = BrokenInbox(lambda: not calm and luck.random() < 0.2)

    class Session(Actor[sessions.Command]):
        """Handles an update as a real one does: not at all when it is marked already."""

        async def on_receive(self, message: sessions.Command) -> None:
            assert isinstance(message, sessions.TextReceived)
            if luck.random() < 0.1 and not calm:
                raise Unavailable("NocoDB is away")
            await trio.sleep(luck.random())
            if await MemoryInbox.find(world.inbox, message.update_id) is not None:
                heard.append(message.text)
                mark_handled(world.inbox, message.update_id)

    tree = SupervisorSpec(
        name="root",
        strategy="one_for_one",
        children=(KeyedSpec(name="sessions", factory=lambda _: Session()),),
    )
    async with running(tree, seed=seed) as system:
        world.start(system, system.region("root/sessions"))
        for number in range(60):
            if luck.random() < 0.2:
                world.updates.script.append(Unavailable("HTTP 500"))
            world.updates.push(text(str(number), chat_id=1 + number % 4))
            await trio.sleep(luck.random() * 3)
        calm = True
        await trio.sleep(300)
    assert sorted(heard, key=int) == [str(n) for n in range(60)]
    for chat in range(4):
        mine = [int(words) for words in heard if int(words) % 4 == chat]
        assert mine == sorted(mine)


async def test_an_inbox_that_is_away_suspends_the_gateway_and_loses_nothing(world: World) -> None:
    away = True
    world.inbox = BrokenInbox(lambda: away)
    async with running() as system:
        ref = world.start(system)
        world.updates.push(text("a"))
        await trio.sleep(30)
        assert (ref.state.value, world.updates.polls) == ("waiting", [])
        away = False
        await trio.sleep(60)
        assert world.heard == [(7, "a")]
