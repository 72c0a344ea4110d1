"""Timers of an actor: replaced and cancelled even when queued, gone with the incarnation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio

from runtime import Unavailable, VirtualWorld
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Puppet, fail, sleeps


class Times(Probe):
    """Remembers when it was told what."""

    def tell(self, message: object, /) -> None:
        super().tell((trio.current_time(), message))


busy = sleeps(10)
"""While this is handled, others queue up behind."""


async def test_after_fires_once_every_again_and_again() -> None:
    async with running() as system:
        out = Times()
        ref = system.spawn(lambda: Puppet(out))
        ref.tell(lambda me: me.after(2.0, "once"))
        ref.tell(lambda me: me.every(3.0, "again"))
        await trio.sleep(10)
        assert out.told == [(2.0, "once"), (3.0, "again"), (6.0, "again"), (9.0, "again")]


async def test_a_slow_handler_never_leaves_a_crowd_of_ticks_behind() -> None:
    async with running() as system:
        out = Times()
        ref = system.spawn(lambda: Puppet(out))
        await ref.ask(lambda me: me.every(1.0, "tick"))
        ref.tell(busy)
        await trio.sleep(13.5)
        assert out.told == [(10.0, "tick"), (11.0, "tick"), (12.0, "tick"), (13.0, "tick")]


@pytest.mark.parametrize("replaced", ["waiting", "queued"])
async def test_a_timer_of_the_same_key_replaces_the_earlier_one(replaced: str) -> None:
    async with running() as system:
        out = Times()
        ref = system.spawn(lambda: Puppet(out))
        await ref.ask(lambda me: me.after(5.0, "first", key="k"))
        if replaced == "queued":
            ref.tell(busy)
            ref.tell(lambda me: me.after(5.0, "second", key="k"))
            await trio.sleep(9)
            assert ref._cell.queued == 3, "the first waits in the mailbox"
        else:
            ref.tell(lambda me: me.after(15.0, "second", key="k"))
        await trio.sleep(30)
        assert out.told == [(15.0, "second")]


@pytest.mark.parametrize("queued", [False, True])
async def test_a_cancelled_timer_does_not_fire_even_when_it_is_queued(queued: bool) -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        await ref.ask(lambda me: (me.after(5.0, "a", key="a"), me.every(5.0, "b", key="b")))
        if queued:
            ref.tell(busy)
        ref.tell(lambda me: (me.cancel("a"), me.cancel("b"), me.cancel("unknown")))
        await trio.sleep(30)
        assert out.told == []
        assert len(system.timers) == 0


async def test_a_key_is_answered_where_none_was_given() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        first = await ref.ask(lambda me: me.after(1.0, "first"))
        await ref.ask(lambda me: me.after(1.0, "second"))
        ref.tell(lambda me: me.cancel(first))
        await trio.sleep(5)
        assert out.told == ["second"]


async def test_every_may_be_cancelled_by_its_own_message() -> None:
    class Thrice(Puppet):
        count = 0

        async def on_receive(self, message: Any) -> Any:
            if message == "tick":
                self.count += 1
                if self.count == 3:
                    self.cancel("t")
            return await super().on_receive(message)

    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Thrice(out))
        ref.tell(lambda me: me.every(1.0, "tick", key="t"))
        await trio.sleep(30)
        assert out.told == ["tick"] * 3


@pytest.mark.parametrize("end", ["failed", "suspended"])
async def test_timers_die_with_the_incarnation_even_when_queued(end: str) -> None:
    async def fail_late(me: Puppet) -> None:
        await trio.sleep(10)
        if end == "suspended" and me._cell.incarnation == 1:
            raise Unavailable("out")
        if end == "failed":
            fail(me)

    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        ref.tell(
            lambda me: (me.after(5.0, "queued"), me.every(7.0, "tick"), me.after(20.0, "armed"))
        )
        ref.tell(fail_late)
        ref.tell("told")
        await trio.sleep(60)
        assert ref._cell.incarnation == 2
        assert out.told == ["told"], "only what was told by somebody else"
        assert len(system.timers) == 0


async def test_timers_die_with_the_actor_and_are_no_loss() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
        await ref.ask(lambda me: (me.after(5.0, "queued"), me.after(50.0, "armed")))
        ref.tell(busy)
        await trio.sleep(6)
        ref.kill()
        await trio.sleep(60)
        assert [dead.message for dead in system.dead_letters] == [busy]
        assert system.fates().expired == 1
        assert len(system.timers) == 0


async def test_at_waits_for_a_wall_clock_time_as_the_clock_stood() -> None:
    world = VirtualWorld()
    async with running(world=world) as system:
        out = Times()
        ref = system.spawn(lambda: Puppet(out))
        await ref.ask(lambda me: me.at(me.now() + timedelta(seconds=100), "noon"))
        await ref.ask(lambda me: me.at(me.now() - timedelta(days=1), "long ago"))
        world.shift(3_600)
        await trio.sleep(50)
        world.shift(-7_200)
        await trio.sleep(200)
        assert out.told == [(0.0, "long ago"), (100.0, "noon")], "jumps change nothing"


async def test_after_a_jump_at_counts_from_the_new_time() -> None:
    world = VirtualWorld()
    async with running(world=world) as system:
        out = Times()
        ref = system.spawn(lambda: Puppet(out))
        noon = world.now() + timedelta(seconds=100)
        world.shift(90)
        ref.tell(lambda me: me.at(noon, "noon"))
        await trio.sleep(200)
        assert out.told == [(10.0, "noon")]


async def test_a_tick_put_aside_does_not_tick_twice() -> None:
    class Puts(Puppet):
        closed = True

        async def on_receive(self, message: Any) -> Any:
            if message == "tick" and self.closed:
                self.stash()
                return None
            return await super().on_receive(message)

    def open_up(me: Puts) -> None:
        me.closed = False
        me.unstash()

    async with running() as system:
        out = Times()
        ref = system.spawn(lambda: Puts(out))
        ref.tell(lambda me: me.every(1.0, "tick"))
        await trio.sleep(3.5)
        ref.tell(open_up)
        await trio.sleep(3)
        assert [when for when, _ in out.told] == [3.5, 3.5, 3.5, 4.0, 5.0, 6.0]
        assert len(system.timers) == 1


async def test_ten_thousand_timers_are_one_task() -> None:
    async with running() as system:
        out = Probe()
        refs = [system.spawn(lambda: Puppet(out)) for _ in range(100)]
        tasks = trio.lowlevel.current_statistics().tasks_living
        for ref in refs:
            await ref.ask(lambda me: [me.after(1.0 + n, n) for n in range(100)])
        assert trio.lowlevel.current_statistics().tasks_living <= tasks + 5
        await trio.sleep(200)
        assert len(out.told) == 10_000
