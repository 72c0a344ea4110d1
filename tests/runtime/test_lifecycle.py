"""An incarnation's life: starts, failures, outages, kills, stops, and who hears of its end."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest
import trio

from runtime import (
    ActorDeadError,
    ActorFailed,
    ActorStopped,
    ActorSuspended,
    Budget,
    Mailbox,
    State,
    Terminated,
    Unavailable,
)
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Puppet, fail, outage, sleeps

# Outages


async def test_what_was_told_during_an_outage_is_done_again_first_and_in_order() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        away = outage(times=3)
        ref.tell("before")
        ref.tell(lambda me: (away(me), me.out.tell(("done", me._cell.incarnation))))
        ref.tell("behind")
        await system.settle()
        assert (ref.state, ref.is_alive()) == (State.WAITING, True)
        await trio.sleep(5)
        assert out.told == ["before", ("done", 4), "behind"]
        assert system.dead_letters == []


async def test_who_asked_is_told_of_the_outage_at_once() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        with pytest.raises(Unavailable, match="away"):
            await ref.ask(outage())
        assert trio.current_time() == 0.0
        assert [dead.reason for dead in system.dead_letters] == ["failed"]
        assert await ref.ask("back") == "back"


async def test_an_outage_costs_nothing_of_the_budget_and_is_no_failure() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        ref.tell(outage(times=50))
        await trio.sleep(3_600)
        assert await ref.ask("back") == "back"
        assert (ref._cell.failed, ref._cell.incarnation) == (0, 51)
        delays = [i.delay_seconds for i in system.incidents if isinstance(i, ActorSuspended)]
        assert len(delays) == 50
        assert delays[0] == pytest.approx(0.2, rel=0.1)
        assert delays[-1] == pytest.approx(30.0, rel=0.1), "the back-off doubles all the same"


async def test_a_failure_after_many_outages_is_the_first() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK, budget=Budget(restarts=1))
        ref.tell(outage(times=20))
        ref.tell(fail)
        assert await ref.ask("back", timeout=60) == "back"


@pytest.mark.parametrize(("wanted", "waited"), [(7.0, 7.0), (0.001, 0.1), (None, 0.1)])
async def test_the_dependency_is_left_alone_for_as_long_as_it_asks(
    wanted: float | None, waited: float
) -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(outage(wanted))
        assert await ref.ask("back", timeout=20) == "back"
        assert trio.current_time() == pytest.approx(waited)


async def test_an_outage_while_starting_is_waited_for() -> None:
    away = outage(times=3)
    async with running() as system:
        ref = system.spawn(lambda: Puppet(starts=away), backoff=QUICK)
        await system.settle()
        assert ref.state is State.WAITING
        assert await ref.ask("up") == "up"
        assert ref._cell.failed == 0


async def test_a_stop_does_not_wait_for_the_outage_to_end() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        ref.tell(outage(3_600.0))
        ref.tell("behind")
        await system.settle()
        assert await ref.stop()
        assert trio.current_time() == 0.0
        assert [dead.reason for dead in system.dead_letters] == ["stopped", "stopped"]


# Failures


async def test_the_failing_message_is_the_only_one_lost() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        told = [1, fail, 2, fail, 3]
        for message in told:
            ref.tell(message)
        await trio.sleep(5)
        assert out.told == [1, 2, 3]
        assert [dead.message for dead in system.dead_letters] == [fail, fail]


async def test_a_stop_during_on_failure_ends_the_actor_once() -> None:
    async with running() as system:
        ref = system.spawn(lambda: Puppet(fails=sleeps(1)), name="again")
        ref.tell(fail)
        await system.settle()
        assert await ref.stop()
        successor = system.spawn(Puppet, name="again")
        await trio.sleep(5)
        assert sum(isinstance(i, ActorStopped) for i in system.incidents) == 1
        assert await successor.ask("hello") == "hello"


async def test_a_kill_during_on_failure_ends_the_actor() -> None:
    async with running() as system:
        ref = system.spawn(lambda: Puppet(fails=sleeps(math.inf)))
        ref.tell(fail)
        ref.tell("behind")
        await system.settle()
        ref.kill()
        await system.settle()
        assert ref.state is State.STOPPED
        assert [dead.reason for dead in system.dead_letters] == ["failed", "killed"]


# Kills


async def test_a_kill_cancels_a_handler_that_waits() -> None:
    async with running() as system:
        cancelled: list[str] = []

        async def wait(_: Puppet) -> None:
            try:
                await trio.sleep_forever()
            finally:
                cancelled.append("cancelled")

        ref = system.spawn(Puppet)
        future = ref.ask(wait)
        ref.tell("behind")
        await system.settle()
        ref.kill()
        with pytest.raises(ActorDeadError):
            await future
        assert cancelled == ["cancelled"]
        assert [dead.reason for dead in system.dead_letters] == ["killed", "killed"]


async def test_an_actor_that_kills_itself_finishes_its_sentence() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)

        def kill_myself(me: Puppet) -> str:
            me.actor_ref.kill()
            return "last words"

        last_words, behind = ref.ask(kill_myself), ref.ask("behind")
        assert await last_words == "last words"
        with pytest.raises(ActorDeadError):
            await behind
        assert ref.state is State.STOPPED


async def test_a_handler_that_swallows_its_cancellation_dies_all_the_same() -> None:
    async def stubborn(_: Puppet) -> str:
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        return "done"

    async with running() as system:
        ref, other = system.spawn(Puppet), system.spawn(Puppet)
        done, behind = ref.ask(stubborn), ref.ask("behind")
        await system.settle()
        ref.kill()
        assert await done == "done"
        with pytest.raises(ActorDeadError):
            await behind
        assert await other.ask("hello") == "hello", "the worker is unharmed"


@pytest.mark.parametrize("hook", ["starts", "stops"])
async def test_a_kill_cancels_a_hook_that_hangs(hook: str) -> None:
    async with running() as system:
        hooks: dict[str, Any] = {hook: sleeps(math.inf)}
        ref = system.spawn(lambda: Puppet(**hooks))
        ref.tell("queued")
        stopped = ref.stop()
        await system.settle()
        ref.kill()
        assert await stopped
        assert ref.state is State.STOPPED


async def test_a_kill_with_an_error_ends_this_incarnation_only() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        future = ref.ask(sleeps(math.inf))
        ref.tell("behind")
        await system.settle()
        ref.kill(RuntimeError("stuck"))
        with pytest.raises(ActorDeadError):
            await future
        assert await ref.ask("back") == "back"
        failed = [i for i in system.incidents if isinstance(i, ActorFailed)]
        assert [repr(i.error) for i in failed] == ["RuntimeError('stuck')"]


# Stops


async def test_a_stop_lets_everything_before_it_be_handled() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out, stops=lambda me: me.out.tell("stop")))
        ref.tell(sleeps(1))
        for number in range(200):
            ref.tell(number)
        stopped = ref.stop()
        with pytest.raises(ActorDeadError):
            ref.tell("late")
        assert await stopped
        assert out.told == [*range(200), "stop"]


async def test_a_permanent_actor_that_stops_itself_comes_back_afresh() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        ref.tell(lambda me: me.stop())
        ref.tell("behind")
        await trio.sleep(1)
        assert (out.told, ref._cell.incarnation) == (["behind"], 2)


# Death watch


async def test_a_watcher_hears_of_every_kind_of_end_once() -> None:
    async with running() as system:
        out = Probe()
        watcher = system.spawn(lambda: Puppet(out))
        refs = {how: system.spawn(Puppet, name=how, restart="temporary") for how in _ENDS}
        for ref in refs.values():
            await watcher.ask(lambda me, ref=ref: (me.watch(ref), me.watch(ref)))
        for how, ref in refs.items():
            _ENDS[how](ref)
        await system.settle()
        told = {terminated.ref: terminated.reason for terminated in out.told}
        assert told == {ref: how for how, ref in refs.items()}
        assert len(out.told) == 3


_ENDS: dict[str, Any] = {
    "stopped": lambda ref: ref.stop(),
    "failed": lambda ref: ref.tell(fail),
    "killed": lambda ref: ref.kill(),
}


async def test_watchers_hear_of_it_in_the_order_in_which_they_asked() -> None:
    """And not in the order of a set of references, which hash as their paths do."""
    async with running() as system:
        out = Probe()
        ref = system.spawn(Puppet)
        watchers = [system.spawn(lambda: Puppet(out)) for _ in range(20)]
        for watcher in watchers:
            await watcher.ask(lambda me: me.watch(ref))
        asked = list(ref._cell.watchers or ())
        await ref.stop()
        assert asked == watchers


async def test_a_restart_is_no_end() -> None:
    async with running() as system:
        out = Probe()
        watcher = system.spawn(lambda: Puppet(out))
        ref = system.spawn(Puppet, backoff=QUICK)
        await watcher.ask(lambda me: me.watch(ref))
        ref.tell(fail)
        await trio.sleep(5)
        assert out.told == []


async def test_watching_the_dead_is_answered_at_once() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(Puppet)
        await ref.stop()
        watcher = system.spawn(lambda: Puppet(out))
        await watcher.ask(lambda me: me.watch(ref))
        await system.settle()
        assert out.told == [Terminated(ref=ref, reason="stopped")]


async def test_a_watch_can_be_taken_back_and_outlives_the_watchers_restart() -> None:
    async with running() as system:
        out = Probe()
        one, two = system.spawn(Puppet, name="one"), system.spawn(Puppet, name="two")
        watcher = system.spawn(lambda: Puppet(out), backoff=QUICK)
        await watcher.ask(lambda me: (me.watch(one), me.watch(two), me.unwatch(two)))
        watcher.tell(fail)
        one.stop()
        two.stop()
        await trio.sleep(1)
        assert out.told == [Terminated(ref=one, reason="stopped")]


async def test_news_of_an_end_is_never_refused_for_want_of_room() -> None:
    class Small(Puppet):
        mailbox: ClassVar[Mailbox] = Mailbox(limit=1)

    async with running() as system:
        out = Probe()
        watcher, ref = system.spawn(lambda: Small(out)), system.spawn(Puppet)
        await watcher.ask(lambda me: me.watch(ref))
        watcher.tell(sleeps(1))
        await system.settle()
        watcher.tell("full")
        assert await ref.stop()
        await trio.sleep(5)
        assert out.told == ["full", Terminated(ref=ref, reason="stopped")]


async def test_watchers_that_died_first_leave_no_letter() -> None:
    async with running() as system:
        watcher, ref = system.spawn(Puppet), system.spawn(Puppet)
        await watcher.ask(lambda me: me.watch(ref))
        await watcher.stop()
        await ref.stop()
        assert system.dead_letters == []
