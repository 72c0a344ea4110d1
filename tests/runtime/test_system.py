"""The system: entered with the tree up, left with it down, whatever happens in between."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio

from runtime import (
    Actor,
    ActorDeadError,
    ActorSystem,
    ChildSpec,
    KeyedSpec,
    State,
    SupervisionError,
    SupervisorSpec,
    Unrecoverable,
    VirtualWorld,
)
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Blocking, Puppet, child, fail, sleeps


def inline(tree: SupervisorSpec | None = None, **options: Any) -> ActorSystem:
    return ActorSystem(tree, world=VirtualWorld(), threads="inline", **options)


async def test_two_systems_in_one_process_know_nothing_of_each_other() -> None:
    spec = SupervisorSpec(name="root", children=(child(Puppet, "one"),))
    async with running(spec) as a, running(spec) as b:
        one, two = a.ref("root/one"), b.ref("root/one")
        assert await one.ask(lambda _: two.ask("across")) == "across"
        one.tell(fail)
        await trio.sleep(1)
        assert (one._cell.incarnation, two._cell.incarnation) == (2, 1)
        assert (len(a.dead_letters), len(b.dead_letters)) == (1, 0)
        assert b.registry.get_all() == [two]
        assert a.fates().sent != b.fates().sent


async def test_an_exception_of_the_block_comes_out_as_it_is() -> None:
    stopped: list[str] = []
    error = KeyError("the block's own")
    with pytest.raises(KeyError) as caught:
        await _raise_in_block(error, stopped)
    assert caught.value is error
    assert stopped == ["stopped"], "and the tree was stopped in order"


async def _raise_in_block(error: BaseException, stopped: list[str]) -> None:
    async with inline() as system:
        ref = system.spawn(lambda: Puppet(stops=lambda _: stopped.append("stopped")))
        await ref.ask("up")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
async def test_an_interrupt_in_the_block_stops_the_tree_and_comes_out_as_it_is(
    error: BaseException,
) -> None:
    stopped: list[str] = []
    with pytest.raises(type(error)) as caught:
        await _raise_in_block(error, stopped)
    assert caught.value is error
    assert stopped == ["stopped"]


async def test_an_interrupt_in_a_handler_ends_the_system_and_is_not_swallowed() -> None:
    def interrupt(_: Puppet) -> None:
        raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup) as caught:
        await _tell_in_block(interrupt)
    assert caught.value.subgroup(KeyboardInterrupt) is not None


async def _tell_in_block(message: Any) -> None:
    async with inline() as system:
        system.spawn(Puppet).tell(message)
        await trio.sleep_forever()


async def test_cancelled_from_outside_it_ends_at_once_and_nobody_is_forgotten() -> None:
    ended: list[str] = []

    async def hang(_: Puppet) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append("handler")

    system = inline(SupervisorSpec(name="root", children=(child(Puppet, "one"),)))
    out = Probe()
    with trio.move_on_after(3):
        async with system:
            spawned = system.spawn(Puppet)
            spawned.tell(hang)
            spawned.tell("behind")
            watcher = system.spawn(lambda: Puppet(out, stops=sleeps(100)))
            await watcher.ask("up")
            await trio.sleep_forever()
    assert trio.current_time() == 3.0
    assert ended == ["handler"]
    assert {cell.state for cell in system.cells()} <= {State.STOPPED}
    assert spawned.state is State.STOPPED
    assert (system.fates().queued, system.fates().lost) == (0, 0)


@pytest.mark.real_clock
async def test_cancelled_from_outside_it_leaves_no_thread_and_nobody_waiting() -> None:
    threads, ends = threading.active_count(), []

    def ask(ref: Any) -> None:
        try:
            ref.ask("never", block=True, timeout=60)
        except ActorDeadError:
            ends.append("dead")

    with trio.move_on_after(0.2):
        async with ActorSystem() as system:
            await system.spawn(Blocking).ask("up")
            slow = system.spawn(Puppet)
            slow.tell(sleeps(60))
            outsider = threading.Thread(target=ask, args=(slow,))
            outsider.start()
            await trio.sleep_forever()
    await trio.to_thread.run_sync(outsider.join, 5)
    await trio.sleep(0.05)
    assert ends == ["dead"]
    assert sum(not t.name.startswith("Trio") for t in threading.enumerate()) <= threads


async def test_leaving_drains_what_was_told() -> None:
    out = Probe()
    async with running() as system:
        first, second = system.spawn(lambda: Puppet(out)), system.spawn(Puppet)
        for number in range(1_000):
            second.tell(lambda _, number=number: first.tell(number))
    assert out.told == list(range(1_000)), "the youngest stops first, so the elder hears it out"


async def test_the_overall_deadline_holds_for_spawned_actors_too() -> None:
    async with inline(stop_seconds=3.0) as system:
        for _ in range(5):
            system.spawn(lambda: Puppet(stops=sleeps(100)))
        await trio.sleep(1)
        began = trio.current_time()
    assert trio.current_time() - began == pytest.approx(3.0)


async def test_a_start_that_fails_for_good_raises_why() -> None:
    log: list[str] = []

    def give_up(_: Puppet) -> None:
        raise Unrecoverable("the disk is gone")

    spec = SupervisorSpec(
        name="root",
        children=(
            child(lambda: Puppet(stops=lambda _: log.append("stopped")), "fine"),
            child(lambda: Puppet(starts=give_up), "hopeless"),
        ),
    )
    with pytest.raises(SupervisionError, match="cannot go on: the disk is gone"):
        await _enter(spec)
    assert log == ["stopped"]
    assert trio.current_time() < 1


async def _enter(spec: SupervisorSpec) -> None:
    async with inline(spec):
        raise AssertionError


async def test_the_tree_is_up_when_the_block_begins() -> None:
    spec = SupervisorSpec(
        name="root",
        children=tuple(child(lambda: Puppet(starts=sleeps(1)), name) for name in "abc"),
    )
    async with running(spec) as system:
        assert trio.current_time() == 3.0
        assert all(system.ref(f"root/{name}").state is State.RUNNING for name in "abc")


async def test_nodes_are_found_by_their_path() -> None:
    inner = SupervisorSpec(name="inner", children=(child(Puppet, "leaf"),))
    keyed = KeyedSpec(name="keyed", factory=lambda _: Puppet())
    async with running(SupervisorSpec(name="root", children=(inner, keyed))) as system:
        assert str(system.ref("root/inner/leaf")) == "root/inner/leaf"
        assert system.region("root/keyed").path == "root/keyed"
        for wrong in ("root", "root/inner", "root/keyed", "root/nobody", "other/leaf", ""):
            with pytest.raises(KeyError):
                system.ref(wrong)
        with pytest.raises(KeyError, match="no region"):
            system.region("root/inner/leaf")


async def test_spawned_names_are_unique_and_free_again_after_the_end() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, name="one")
        with pytest.raises(ValueError, match="named 'one' already"):
            system.spawn(Puppet, name="one")
        assert await ref.ask("unharmed") == "unharmed"
        await ref.stop()
        again = system.spawn(Puppet, name="one")
        assert await again.ask("hello") == "hello"
        assert system.spawn(Puppet) != system.spawn(Puppet)


async def test_a_spawned_actor_that_uses_up_its_budget_takes_nobody_along() -> None:
    async with running() as system:
        victim, other = system.spawn(Puppet, backoff=QUICK), system.spawn(Puppet)
        for _ in range(10):
            victim.tell(fail)
        await trio.sleep(60)
        assert not victim.is_alive()
        assert await other.ask("hello") == "hello"
        assert [dead.reason for dead in system.dead_letters] == ["failed"] * 6 + ["stopped"] * 4


async def test_actors_may_spawn_actors() -> None:
    async with running() as system:
        parent = system.spawn(Puppet)
        child_ref = await parent.ask(lambda _: system.spawn(Puppet))
        assert await child_ref.ask("hello") == "hello"


async def test_a_stopped_system_says_so_instead_of_hanging() -> None:
    async with running() as system:
        ref = system.spawn(Puppet)
    with pytest.raises(ActorDeadError):
        await ref.ask("hello")
    assert await ref.stop() is False
    ref.kill()


async def test_a_child_may_be_a_class_or_any_factory() -> None:
    class Named(Actor[Any]):
        def __init__(self, name: str = "default") -> None:
            super().__init__()
            self.name = name

        def on_receive(self, message: Any) -> str:
            return self.name

    spec = SupervisorSpec(
        name="root",
        children=(
            ChildSpec(name="plain", factory=Named),
            ChildSpec(name="other", factory=lambda: Named("other")),
        ),
    )
    async with running(spec) as system:
        names = [await system.ref(f"root/{name}").ask("?") for name in ("plain", "other")]
        assert names == ["default", "other"]
