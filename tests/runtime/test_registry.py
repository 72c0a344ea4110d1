"""Who is there: found by URN, class and name, at the same price among few and many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import trio

from runtime import Actor, KeyedSpec, Mailbox, SupervisorSpec
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Blocking, Puppet, child, fail, sleeps


class Small(Puppet):
    mailbox: ClassVar[Mailbox] = Mailbox(limit=1)


async def test_actors_of_the_tree_and_spawned_ones_are_found_keyed_ones_are_not() -> None:
    keyed = KeyedSpec(name="keyed", factory=lambda _: Puppet())
    spec = SupervisorSpec(name="root", children=(child(Puppet, "one"), keyed))
    async with running(spec) as system:
        spawned = system.spawn(Puppet)
        await system.region("root/keyed").ref(7).ask("up")
        assert set(system.registry.get_all()) == {system.ref("root/one"), spawned}
        assert len(system.registry) == 2


async def test_a_restart_changes_nothing_a_stop_everything() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(fail)
        await system.settle()
        assert system.registry.get_by_class(Puppet) == [ref], "also while it is being restarted"
        await trio.sleep(1)
        assert system.registry.get_by_class(Puppet) == [ref]
        await ref.stop()
        assert system.registry.get_by_class(Actor) == []


async def test_another_class_of_the_next_incarnation_is_found_under_its_own_name() -> None:
    kinds: Iterator[type[Any]] = iter([Puppet, Blocking])
    async with running() as system:
        ref = system.spawn(lambda: next(kinds)(), backoff=QUICK)  # noqa: PLW0108 - another one each time
        ref.tell(fail)
        await trio.sleep(1)
        assert system.registry.get_by_class(Blocking) == [ref]
        assert system.registry.get_by_class(Puppet) == []
        assert system.registry.get_by_class_name("Blocking") == [ref]
        await ref.stop()
        assert system.registry.get_by_class(Blocking) == []


async def test_a_broadcast_passes_over_whoever_cannot_take_it() -> None:
    async with running() as system:
        out = Probe()
        full = system.spawn(Small)
        full.tell(sleeps(1))
        await system.settle()
        full.tell("fill")
        system.spawn(lambda: Puppet(out))
        system.registry.broadcast("hello")
        await trio.sleep(5)
        assert out.told == ["hello"]
        assert [dead.reason for dead in system.dead_letters] == ["refused"]


async def test_it_remembers_nothing_of_thousands_that_are_gone() -> None:
    async with running() as system:
        for future in [system.spawn(Puppet).stop() for _ in range(3_000)]:
            await future
        registry = system.registry
        assert (registry._by_path, registry._by_class, registry._class_of) == ({}, {}, {})
