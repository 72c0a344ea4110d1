"""The actor loop: one handler at a time per actor, and nobody keeps anybody else from running."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from types import coroutine
from typing import Any
from uuid import UUID

import pytest
import trio

from runtime import Actor, ActorSystem, Dispatch, VirtualWorld
from runtime.testing import Probe, running
from runtime.workers import WORKERS_PARKED_MAX
from tests.runtime.puppet import QUICK, Puppet, fail, sleeps
from tests.runtime.turmoil import shuffled


class SlowWorld(VirtualWorld):
    """Every look at its stopwatch costs 0.1 ms: ten of them are a lead."""

    looks = 0

    def stopwatch(self) -> float:
        self.looks += 1
        return self.looks / 10_000


@pytest.mark.parametrize("seed", range(5))
async def test_one_handler_at_a_time_however_often_it_waits(seed: int) -> None:
    class Balance(Actor[Any]):
        def __init__(self) -> None:
            super().__init__()
            self.amount = 100

        async def on_receive(self, message: int) -> int:
            amount = self.amount
            for _ in range(message):
                await trio.lowlevel.checkpoint()
            self.amount = amount - 10
            return self.amount

    with shuffled(seed):
        async with running() as system:
            ref = system.spawn(Balance)
            answers = [ref.ask(number) for number in range(10)]
            assert [await answer for answer in answers] == list(range(90, -10, -10))


@pytest.mark.parametrize("seed", range(5))
async def test_what_one_tells_another_arrives_in_order(seed: int) -> None:
    with shuffled(seed):
        async with running() as system:
            out = Probe()
            sink = system.spawn(lambda: Puppet(out), backoff=QUICK)

            async def talk(name: str, me: Puppet) -> None:
                for number in range(100):
                    sink.tell((name, number))
                    if number % 7 == 0:
                        await trio.lowlevel.checkpoint()
                    if number == 50:
                        sink.tell(fail)

            for name in "abc":
                system.spawn(Puppet).tell(partial(talk, name))
            await trio.sleep(10)
            for name in "abc":
                mine = [number for told, number in out.told if told == name]
                assert mine == list(range(100))


async def test_slow_handlers_hold_nobody_up() -> None:
    async with running() as system:
        slow = [system.spawn(Puppet) for _ in range(500)]
        for ref in slow:
            ref.tell(sleeps(1_000))
        await system.settle()
        quick = system.spawn(Puppet)
        assert await quick.ask("hello") == "hello"
        assert trio.current_time() == 0.0
        for ref in slow:
            ref.kill()


async def test_workers_are_kept_but_not_without_end() -> None:
    async with running() as system:
        refs = [system.spawn(Puppet) for _ in range(500)]
        for ref in refs:
            ref.tell(sleeps(1))
        await system.settle()
        assert system.workers.busy == 500
        await trio.sleep(2)
        assert system.workers.busy == 0
        assert len(system.workers._parked) == WORKERS_PARKED_MAX


async def test_an_idle_actor_has_neither_task_nor_queue() -> None:
    async with running() as system:
        tasks = trio.lowlevel.current_statistics().tasks_living
        refs = [system.spawn(Puppet) for _ in range(1_000)]
        assert [await ref.ask(number) for number, ref in enumerate(refs)] == list(range(1_000))
        assert trio.lowlevel.current_statistics().tasks_living <= tasks + 1
        assert all(ref._cell.inbox is None for ref in refs)


@pytest.mark.parametrize("world", [VirtualWorld, SlowWorld])
async def test_a_flooded_actor_starves_neither_actors_nor_tasks(world: type[VirtualWorld]) -> None:
    async with running(world=world()) as system:
        seen: list[str] = []
        flooded = system.spawn(lambda: Puppet(None))
        for _ in range(100_000):
            flooded.tell("flood")
        other = system.spawn(Puppet)
        other.tell(lambda _: seen.append("actor"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_note, seen, "task")
            while len(seen) < 2:
                await trio.lowlevel.checkpoint()
        handled = flooded._cell.handled
        usual = Dispatch()
        limit = 3 * usual.turn_messages_max * usual.lead_turns_max
        assert handled <= limit, "the others ran while most of the flood still waited"
        if world is SlowWorld:
            assert handled < 5_000, "about a lead's time, not its turns"
        await system.settle()
        assert flooded._cell.handled == 100_000


async def _note(into: list[str], what: str) -> None:
    into.append(what)


async def test_actors_that_play_ping_pong_for_ever_let_trio_breathe() -> None:
    class Player(Actor[Any]):
        hits = 0

        def on_receive(self, message: Any) -> None:
            self.hits += 1
            message.tell(self.actor_ref)

    async with running() as system:
        one, two = system.spawn(Player), system.spawn(Player)
        one.tell(two)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        assert one._cell.handled > 100
        one.kill()
        two.kill()


async def test_an_actor_that_writes_to_itself_for_ever_can_be_stopped_by_others() -> None:
    class Mill(Actor[Any]):
        def on_receive(self, message: Any) -> None:
            self.actor_ref.tell(message)

    async with running() as system:
        mill, other = system.spawn(Mill), system.spawn(Puppet)
        mill.tell("grind")
        assert await other.ask("hello") == "hello"
        mill.kill()
        await system.settle()
        assert not mill.is_alive()


async def test_a_handler_sees_nothing_of_the_context_of_whoever_woke_its_worker() -> None:
    secret: ContextVar[str] = ContextVar("secret", default="nothing")
    async with running() as system:
        secret.set("the caller's")
        ref = system.spawn(Puppet)
        assert await ref.ask(lambda _: secret.get()) == "nothing"


async def test_awaiting_something_foreign_fails_this_actor_only() -> None:
    @coroutine
    def foreign() -> Iterator[Any]:
        yield "what asyncio yields"

    async def await_it(_: Puppet) -> None:
        await foreign()

    async with running() as system:
        ref, other = system.spawn(Puppet, backoff=QUICK), system.spawn(Puppet)
        with pytest.raises(TypeError, match=r"trio\.run received unrecognized yield"):
            await ref.ask(await_it)
        assert await other.ask("hello") == "hello"
        assert await ref.ask("back") == "back"


async def test_a_nursery_inside_a_handler_is_the_handlers_own() -> None:
    async def crowd(me: Puppet) -> int:
        done: list[int] = []

        async def one(number: int) -> None:
            await trio.sleep(number / 10)
            done.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(one, number)
        return len(done)

    async with running() as system:
        assert await system.spawn(Puppet).ask(crowd) == 10


async def test_a_killed_handler_in_a_nursery_takes_its_tasks_along() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append("task")

    async def crowd(_: Puppet) -> None:
        async with trio.open_nursery() as nursery:
            for _number in range(3):
                nursery.start_soon(forever)

    async with running() as system:
        ref, other = system.spawn(Puppet), system.spawn(Puppet)
        ref.tell(crowd)
        await system.settle()
        ref.kill()
        await system.settle()
        assert ended == ["task"] * 3
        assert await other.ask("hello") == "hello"


async def test_a_turn_ends_when_supervision_calls() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))

        def halfway(me: Puppet) -> None:
            me.actor_ref.kill()

        for message in (1, 2, halfway, 3, 4):
            ref.tell(message)
        await system.settle()
        assert out.told == [1, 2]
        assert [dead.message for dead in system.dead_letters] == [3, 4]


async def test_expired_questions_are_skipped_without_being_handled() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        ref.tell(sleeps(10))
        futures = [ref.ask(number, timeout=1.0) for number in range(100)]
        ref.tell("behind")
        await trio.sleep(20)
        assert out.told == ["behind"]
        assert system.fates().expired == 100
        assert all(future.done for future in futures)


@pytest.mark.real_clock
async def test_on_a_real_clock_a_lead_lasts_about_a_millisecond() -> None:
    async with ActorSystem() as system:
        flooded = system.spawn(Puppet)
        for _ in range(20_000):
            flooded.tell("flood")
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        assert 0 < flooded._cell.handled < 20_000


def test_the_slow_world_is_a_world() -> None:
    world = SlowWorld(seed=1, epoch=datetime(2026, 1, 1, tzinfo=UTC))
    assert world.stopwatch() < world.stopwatch()
    assert isinstance(world.uuid(), UUID)
