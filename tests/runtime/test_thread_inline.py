"""Threads that are played on trio's: they take virtual time, and keep a thread's promises."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime import ActorDeadError, Unavailable, correlation_id
from runtime.testing import running
from runtime.world import THREAD_SECONDS_MAX
from tests.runtime.puppet import QUICK, Blocking, Plain, Puppet, fail, outage
from tests.runtime.test_fates import STEPS
from tests.runtime.turmoil import THREAD_DEEDS, ThreadedVictim, World, shuffled, stir, tree

KINDS = pytest.mark.parametrize("kind", [Blocking, Plain])


@KINDS
async def test_a_job_takes_virtual_time_and_the_others_go_on_meanwhile(kind: Any) -> None:
    async with running(seed=1) as system:
        ref, other = system.spawn(kind), system.spawn(Puppet)
        await ref.ask("up")
        began = trio.current_time()
        question = ref.ask("slow")
        assert await other.ask("quick") == "quick"
        assert trio.current_time() == began
        assert await question == "slow"
        assert 0 < trio.current_time() - began <= THREAD_SECONDS_MAX


async def test_the_same_seed_takes_the_same_time() -> None:
    async def times(seed: int) -> list[float]:
        async with running(seed=seed) as system:
            ref, began = system.spawn(Blocking), trio.current_time()
            return [await ref.ask(lambda me: me.monotonic()) - began for _ in range(10)]

    assert await times(1) == pytest.approx(await times(1))
    assert await times(1) != pytest.approx(await times(2))


async def test_what_is_queued_is_one_job_in_its_order() -> None:
    done: list[tuple[int, float]] = []
    async with running() as system:
        ref = system.spawn(Blocking)
        await ref.ask("up")
        for number in range(10):
            ref.tell(lambda me, number=number: done.append((number, me.monotonic())))
        await ref.ask("done")
    assert [number for number, _ in done] == list(range(10))
    assert len({when for _, when in done}) == 1


async def test_who_is_killed_while_he_waits_for_his_thread_does_nothing() -> None:
    ran: list[str] = []
    async with running() as system:
        ref = system.spawn(Blocking)
        await ref.ask("up")
        question = ref.ask(lambda _: ran.append("too late"))
        await system.settle()
        ref.kill()
        with pytest.raises(ActorDeadError):
            await question
        await trio.sleep(1)
        assert ran == []
        assert [dead.reason for dead in system.dead_letters] == ["killed"]


async def test_failures_and_outages_are_decided_as_everybodys() -> None:
    async with running() as system:
        ref = system.spawn(Blocking, backoff=QUICK)
        with pytest.raises(ValueError, match="told to"):
            await ref.ask(fail)
        with pytest.raises(Unavailable):
            await ref.ask(outage())
        assert await ref.ask("back") == "back"
        assert ref._cell.incarnation == 3


async def test_sender_and_correlation_travel_through_it() -> None:
    seen: list[Any] = []

    def look(me: Puppet) -> None:
        assert me._cell.current is not None
        seen.append((me._cell.current[2], me._cell.current[4]))

    async with running() as system:
        ref, last = system.spawn(Blocking), system.spawn(Puppet)
        token = correlation_id.set("edge-1")
        await ref.ask(lambda _: last.tell(look))
        correlation_id.reset(token)
        ref.tell(lambda me: (me.correlate("edge-2"), last.tell(look)))
        await trio.sleep(1)
        assert seen == [(ref._cell, "edge-1"), (ref._cell, "edge-2")]


async def test_an_answer_is_delivered_with_its_job_and_from_anywhere_else_at_once() -> None:
    promises: list[Any] = []
    async with running() as system:
        ref = system.spawn(Blocking)
        first = ref.ask(lambda me: promises.append(me.reply_later()))
        second = ref.ask(lambda me: promises.append(me.reply_later()))
        looks: list[bool] = []
        await ref.ask(lambda _: (promises[0].set("one"), looks.append(first.done)))
        assert looks == [False]
        assert await first == "one"
        promises[1].set("two")
        assert second.done
        assert await second == "two"


@pytest.mark.parametrize("seed", range(2))
async def test_every_message_has_one_fate_in_played_threads(seed: int) -> None:
    world = World(seed)
    deeds = tuple(deed for deed in THREAD_DEEDS if deed != "ask")  # which would block
    with shuffled(seed):
        async with running(tree(world, ThreadedVictim), seed=seed) as system:
            world.system = system
            await stir(world, steps=STEPS, deeds=deeds, calm_seconds=0.01)
            await trio.sleep(30)
    assert list(world.strangers()) == []
