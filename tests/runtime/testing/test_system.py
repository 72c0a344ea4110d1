"""The test kit tells the truth: probes, virtual time, and messages that were left behind."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import trio

from runtime import ActorFailed, ActorRestarting, ActorStarted, ActorStopped, SupervisorSpec
from runtime.dispatch import Dispatch
from runtime.testing import Probe, TestSystem, running
from runtime.testing.clock import Livelock
from runtime.testing.system import ReadyActors
from runtime.world import VirtualWorld
from tests.runtime.puppet import QUICK, Puppet, child, fail, sleeps


async def test_expect_answers_the_next_message_of_its_type() -> None:
    probe = Probe()
    probe.tell("first")
    probe.tell(2)
    assert await probe.expect(str) == "first"
    assert await probe.expect(int) == 2
    assert probe.told == ["first", 2]


async def test_expect_waits_in_virtual_time_and_no_longer_than_it_may() -> None:
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Puppet(probe))
        ref.tell(lambda me: me.after(4.0, "late"))
        assert await probe.expect(str) == "late"
        assert trio.current_time() == 4.0
        with pytest.raises(AssertionError, match=r"no str within 3 s; told so far: \['late'\]"):
            await probe.expect(str, within=3)
        assert trio.current_time() == 7.0


async def test_expect_refuses_what_it_did_not_expect() -> None:
    probe = Probe()
    probe.tell(1)
    with pytest.raises(AssertionError, match="expected str, got 1"):
        await probe.expect(str)


async def test_fish_passes_over_the_rest() -> None:
    probe = Probe()
    for told in (1, 2, "three", 4):
        probe.tell(told)
    assert await probe.fish(str) == "three"
    assert await probe.expect(int) == 4
    with pytest.raises(AssertionError, match="no str"):
        await probe.fish(str, within=1)


async def test_expect_none_means_it() -> None:
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Puppet(probe))
        await ref.ask(lambda me: me.after(5.0, "late"))
        await probe.expect_none(within=4.9)
        with pytest.raises(AssertionError, match="expected nothing for 1 s, got 'late'"):
            await probe.expect_none(within=1)


async def test_a_probe_stands_for_a_family_of_actors() -> None:
    probe = Probe()
    probe.keyed.tell(7, "hello")
    assert await probe.expect(tuple) == (7, "hello")


async def test_each_key_of_a_family_has_a_queue_of_its_own() -> None:
    probe = Probe()
    family = probe.keyed
    for key, told in (("ann", 1), ("bob", "x"), ("ann", "y"), ("bob", 2)):
        family.tell(key, told)

    assert await family.expect(str, key="bob") == "x"
    assert await family.expect(int, key="ann") == 1
    with pytest.raises(AssertionError, match="expected int for 'ann', got 'y'"):
        await family.expect(int, key="ann")
    assert await probe.expect(tuple) == ("bob", 2), "nobody else has taken it"
    with pytest.raises(AssertionError, match="no int for 'cy' within 2 s; told so far"):
        await family.expect(int, key="cy", within=2)
    assert trio.current_time() == 2.0
    assert family.told("ann") == [1, "y"]


async def test_one_of_a_family_is_fished_for_and_waited_for() -> None:
    probe = Probe()
    probe.keyed.tell("bob", "x")

    async def later() -> None:
        for told in (1, "y"):
            await trio.sleep(1)
            probe.keyed.tell("ann", told)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await probe.keyed.fish(str, key="ann") == "y"
    assert trio.current_time() == 2.0
    assert await probe.keyed.expect(str, key="bob") == "x"
    with pytest.raises(AssertionError, match="no int for 'ann' within 1 s"):
        await probe.keyed.fish(int, key="ann", within=1)


async def test_settle_waits_for_everything_but_the_clock() -> None:
    async with running() as system:
        refs = [system.spawn(Puppet) for _ in range(10)]
        hops: list[int] = []

        def hop(number: int) -> object:
            def act(_: Puppet) -> None:
                hops.append(number)
                if number < 1_000:
                    refs[number % 10].tell(hop(number + 1))

            return act

        refs[0].tell(hop(0))
        refs[1].tell(sleeps(60))
        await system.settle()
        assert trio.current_time() == 0.0
        assert len(hops) < 1_001, "one of the ten is waiting for the clock"
        await trio.sleep(61)
        assert len(hops) == 1_001


async def test_incidents_tell_the_story_in_order() -> None:
    spec = SupervisorSpec(name="root", children=(child(Puppet, backoff=QUICK),))
    async with running(spec) as system:
        ref = system.ref("root/child")
        ref.tell(fail)
        await trio.sleep(1)
        await ref.stop()
        assert [type(incident) for incident in system.incidents] == [
            ActorStarted,
            ActorFailed,
            ActorRestarting,
            ActorStarted,
            ActorStopped,
        ]


async def test_a_message_without_a_fate_fails_the_test_that_lost_it() -> None:
    with pytest.raises(AssertionError, match="messages without a fate"):
        await _lose_a_message()


async def test_actors_that_go_round_and_round_are_a_livelock() -> None:
    with pytest.raises(ExceptionGroup) as failed:
        await _rounds(1_000_000, pause_every=1_000_000)
    assert failed.group_contains(
        Livelock,
        match=r"100 turns of actors without .*\n  actor root/spawned/top",
    )


async def test_actors_that_let_time_pass_may_go_on() -> None:
    await _rounds(64 * 1_000, pause_every=64 * 90)


async def _rounds(messages: int, *, pause_every: int) -> None:
    """An actor that tells itself, with turns of 64 messages of which 100 at once are enough."""
    told = itertools.count(1)

    def again(me: Puppet) -> None:
        number = next(told)
        if number % pause_every == 0:
            me.after(1.0, again)
        elif number < messages:
            me.actor_ref.tell(again)

    world = VirtualWorld()
    dispatch = Dispatch(ready=partial(ReadyActors, world, turns_max=100))
    async with TestSystem(None, world, dispatch=dispatch) as system:
        system.spawn(Puppet, name="top").tell(again)
        await trio.sleep(60)


async def _lose_a_message() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        await ref.ask("hello")
        ref._cell.handled -= 1
