"""The seven traps of pykka 4.5.0, each of which was reproduced: here they must not be.

1  an ask that races a stop is never answered
2  a failure in `on_start` is nobody's business
3  an asked failure leaves the actor running, a told one ends it
4  what was queued behind a crash is lost without a trace
5  awaiting a future blocks the loop
6  actors that ask each other in a circle wait for ever
7  a restarted actor is another one, and every reference to the old is dead

And three of its seams: a cancelled handler, look-ups that slow down, defaults that block.
"""

from __future__ import annotations

import math
import random
import threading
import time
from typing import Any

import pykka
import pytest
import trio

from runtime import ActorDeadError, ActorFailed, AskCycleError, State, Timeout, WouldBlockError
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Blocking, Puppet, fail, sleeps
from tests.runtime.turmoil import shuffled


@pytest.mark.parametrize("seed", range(20))
async def test_1_an_ask_that_races_a_stop_is_answered_or_refused(seed: int) -> None:
    luck = random.Random(seed)
    ends: list[str] = []

    async def ask(ref: Any) -> None:
        for _ in range(luck.randrange(3)):
            await trio.lowlevel.checkpoint()
        try:
            ends.append(await ref.ask("here", timeout=60))
        except ActorDeadError:
            ends.append("dead")

    with shuffled(seed):
        async with running() as system, trio.open_nursery() as nursery:
            for _ in range(20):
                ref = system.spawn(Puppet)
                for _ in range(4):
                    nursery.start_soon(ask, ref)
                if luck.random() < 0.5:
                    await trio.lowlevel.checkpoint()
                ref.kill() if luck.random() < 0.3 else ref.stop()
    assert len(ends) == 80
    assert trio.current_time() == 0.0, "nobody waited for a time-out"


@pytest.mark.real_clock
async def test_1_nor_does_it_from_other_threads() -> None:
    ends: list[str] = []

    def ask(ref: Any) -> None:
        try:
            ends.append(ref.ask("here", block=True, timeout=20))
        except ActorDeadError:
            ends.append("dead")

    began = time.monotonic()
    async with running() as system:
        for _ in range(25):
            ref = system.spawn(Puppet)
            threads = [threading.Thread(target=ask, args=(ref,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            ref.stop()
            for thread in threads:
                await trio.to_thread.run_sync(thread.join)
    assert len(ends) == 100
    assert time.monotonic() - began < 10


async def test_2_a_failure_in_on_start_is_supervised_like_any_other() -> None:
    seen: list[str] = []

    async def starts(me: Puppet) -> None:
        seen.append("start")
        if seen.count("start") < 3:
            raise OSError("not yet")

    async with running() as system:
        ref = system.spawn(
            lambda: Puppet(starts=starts, fails=lambda _: seen.append("failure")), backoff=QUICK
        )
        assert await ref.ask("up") == "up"
        assert seen == ["start", "failure", "start", "failure", "start"]
        assert sum(isinstance(incident, ActorFailed) for incident in system.incidents) == 2


@pytest.mark.parametrize("how", ["told", "asked", "called", "deferred"])
async def test_3_a_failure_means_the_same_however_it_was_provoked(how: str) -> None:
    class Fails(Puppet):
        def boom(self) -> None:
            fail(self)

    failures: list[str] = []
    async with running() as system:
        ref = system.spawn(lambda: Fails(fails=lambda _: failures.append(how)), backoff=QUICK)
        await ref.ask("up")
        match how:
            case "told":
                ref.tell(fail)
            case "deferred":
                ref.proxy().boom.defer()
            case _:
                with pytest.raises(ValueError, match="told to"):
                    await (ref.ask(fail) if how == "asked" else ref.proxy().boom())
        await trio.sleep(1)
        assert failures == [how]
        assert ref._cell.incarnation == 2
        assert [dead.reason for dead in system.dead_letters] == ["failed"]


async def test_4_what_is_queued_behind_a_crash_is_handled_in_its_order() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        ref.tell(fail)
        for number in range(100):
            ref.tell(number)
        await trio.sleep(1)
        assert out.told == list(range(100))
        assert [dead.message for dead in system.dead_letters] == [fail]


async def test_4_what_nobody_can_handle_any_more_is_a_dead_letter() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, restart="temporary")
        ref.tell(fail)
        for number in range(100):
            ref.tell(number)
        await system.settle()
        assert [dead.message for dead in system.dead_letters] == [fail, *range(100)]
        assert isinstance(system.dead_letters[0].error, ValueError)


async def test_5_awaiting_an_answer_lets_everybody_else_run() -> None:
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await trio.sleep(0.01)
            ticks.append(trio.current_time())

    async with running() as system, trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        ref = system.spawn(Puppet)
        await ref.ask(sleeps(0.3))
        assert len(ticks) >= 29
        nursery.cancel_scope.cancel()


async def test_6_a_circle_of_questions_is_refused_as_it_closes() -> None:
    async with running() as system:
        a, b, c = (system.spawn(Puppet, backoff=QUICK) for _ in range(3))
        with pytest.raises(AskCycleError):
            await a.ask(lambda _: b.ask(lambda _: c.ask(lambda _: a.ask("round"))))
        assert trio.current_time() == 0.0


@pytest.mark.real_clock
async def test_6_nor_do_threads_wait_in_a_circle() -> None:
    async with running() as system:
        system.threads = "real"
        a, b = system.spawn(Blocking, backoff=QUICK), system.spawn(Puppet, backoff=QUICK)
        began = trio.current_time()
        with pytest.raises(AskCycleError):
            await a.ask(lambda _: b.ask(lambda _: a.ask("round")).get())
        with pytest.raises(AskCycleError):
            await a.ask(lambda _: a.ask("myself").get())
        assert trio.current_time() - began < 2


async def test_7_a_restart_keeps_the_reference_the_proxy_and_the_queue() -> None:
    class Counts(Puppet):
        count = 0

        def add(self) -> int:
            self.count += 1
            return self.count

    async with running() as system:
        ref = system.spawn(Counts, name="counts", backoff=QUICK)
        proxy, urn = ref.proxy(), ref.actor_urn
        assert [await proxy.add(), await proxy.add()] == [1, 2]
        ref.tell(fail)
        assert await proxy.add() == 1, "behind the crash, in a fresh instance"
        assert ref.is_alive()
        assert ref.actor_urn == urn
        assert ref == system.registry.get_by_urn(urn)


async def test_a_cancelled_handler_stops_its_actor_only() -> None:
    async with running() as system:
        victim, others = system.spawn(Puppet), [system.spawn(Puppet) for _ in range(3)]
        victim.tell(sleeps(math.inf))
        await system.settle()
        victim.kill()
        await system.settle()
        assert victim.state is State.STOPPED
        assert [await other.ask(n) for n, other in enumerate(others)] == [0, 1, 2]


def test_a_look_up_costs_the_same_among_ten_thousand() -> None:
    async def look_up(actors: int) -> float:
        async with running() as system:
            refs = [system.spawn(Puppet) for _ in range(actors)]
            await system.settle()
            urns = [ref.actor_urn for ref in refs[-200:]]
            best = min(_seconds(lambda: [system.registry.get_by_urn(urn) for urn in urns])
                       for _ in range(20))  # fmt: skip
            for ref in refs:
                ref.kill()
            return best

    few, many = (trio.run(look_up, actors) for actors in (250, 10_000))
    assert many < 10 * few, "pykka's grows with the number of actors: 40 times here"


def _seconds(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


async def test_nothing_blocks_unless_told_to_and_nothing_may_on_trio() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        future = ref.ask("hello")
        assert isinstance(future, pykka.Future)
        with pytest.raises(WouldBlockError):
            future.get()
        assert await future == "hello"
        with pytest.raises(Timeout):
            await ref.ask(sleeps(math.inf))
        assert trio.current_time() == 5.0, "five seconds unless told otherwise"
        with pytest.raises(WouldBlockError):
            ref.stop(block=True)
        ref.kill()
