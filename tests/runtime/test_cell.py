"""The cell: what it accepts, what becomes of it, and the figures that must add up."""

from __future__ import annotations

import pytest
import trio

from runtime import ActorDeadError, ActorSystem, NoSystemError, State
from runtime.cell import active_system, correlation_id, current_system, current_worker, teller
from runtime.testing import Probe, TestSystem, running
from tests.runtime.puppet import QUICK, Puppet, fail, outage, sleeps


async def test_every_message_is_counted_under_one_fate() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(sleeps(2))
        for message in ("handled", fail, "handled too"):
            ref.tell(message)
        late = ref.ask("late", timeout=1.0)
        await trio.sleep(1.5)
        assert _figures(system) == (5, 0, 0, 0, 5)
        await trio.sleep(5)
        assert _figures(system) == (5, 3, 1, 1, 0)
        assert late.done


def _figures(system: TestSystem) -> tuple[int, ...]:
    fates = system.fates()
    return fates.sent, fates.handled, fates.dead, fates.expired, fates.queued


async def test_figures_outlive_the_actor() -> None:
    async with running() as system:
        for _ in range(3):
            ref = system.spawn(Puppet)
            ref.tell("handled")
            await ref.stop()
            ref.inform("dead")
        assert _figures(system) == (9, 6, 3, 0, 0), "the stop is a message too"
        assert system.cells() == []


async def test_what_waits_is_counted_wherever_it_waits() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        ref.tell(lambda me: me.stash())
        ref.tell(sleeps(1))
        ref.tell("behind")
        await system.settle()
        assert ref._cell.queued == 3, "set aside, being handled, and behind"
        ref.kill()


async def test_what_was_not_handled_yet_is_refused_to_whoever_asked() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, restart="temporary")
        ref.tell(fail)
        futures = [ref.ask(number) for number in range(3)]
        for future in futures:
            with pytest.raises(ActorDeadError, match="stopped before handling"):
                await future
        assert len(system.dead_letters) == 4


async def test_a_message_that_is_done_again_is_counted_once() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(outage(times=5))
        await trio.sleep(10)
        assert _figures(system) == (1, 1, 0, 0, 0)


async def test_whoever_waits_for_a_state_hears_of_it_or_of_the_end() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        reached: list[State] = []

        async def wait(*states: State) -> None:
            await ref._cell.until(*states)
            reached.append(ref.state)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, State.RUNNING)
            nursery.start_soon(wait, State.WAITING)
            await system.settle()
            assert reached == [State.RUNNING]
            ref.kill()
        assert reached == [State.RUNNING, State.STOPPED]


async def test_the_system_is_that_of_the_block_or_of_the_actor() -> None:
    with pytest.raises(NoSystemError):
        current_system()
    async with running() as outer:
        ref = outer.spawn(Puppet)
        async with ActorSystem() as inner:
            assert current_system() is inner
            assert await ref.ask(lambda _: current_system()) is outer
        assert current_system() is outer
    assert active_system.get() is None


async def test_a_teller_is_known_inside_actors_only() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        assert await ref.ask(lambda _: teller()) == (ref._cell, None)
        assert current_worker.get() is None
        token = correlation_id.set("edge")
        assert teller() == (None, "edge")
        assert await ref.ask(lambda _: teller()) == (ref._cell, "edge")
        correlation_id.reset(token)


async def test_a_burst_is_stamped_with_the_time_at_which_it_came() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        await trio.sleep(100)
        ref.tell(sleeps(7))
        await trio.sleep(3)
        ref.tell("behind")
        assert ref._cell.inbox is not None
        assert [envelope[5] for envelope in ref._cell.inbox] == [103.0]
        await trio.sleep(10)
        assert out.told == ["behind"]
