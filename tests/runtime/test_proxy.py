"""Proxies over restarts; what they promise otherwise is pykka's (`test_pykka_fidelity.py`)."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime import ActorDeadError, KeyedSpec, State, SupervisorSpec
from runtime.testing import running
from tests.runtime.puppet import QUICK, Blocking, Puppet, fail


class Counter(Puppet):
    """Counts, and grows an attribute when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def add(self, amount: int = 1) -> int:
        await trio.sleep(1)
        self.count += amount
        return self.count

    def grow(self) -> None:
        self.extra = "grown"


async def test_a_proxy_outlives_the_instance_it_was_made_for() -> None:
    async with running() as system:
        ref = system.spawn(Counter, backoff=QUICK)
        proxy = ref.proxy()
        assert await proxy.add(5) == 5
        first = ref._cell.instance
        ref.tell(fail)
        assert await proxy.add() == 1
        assert ref._cell.instance is not first
        assert await proxy.count == 1


async def test_a_proxy_works_while_the_actor_is_being_restarted() -> None:
    async with running() as system:
        ref = system.spawn(Counter, backoff=QUICK)
        await ref.ask("up")
        ref.tell(fail)
        await system.settle()
        assert ref.state is State.RESTARTING
        assert await ref.proxy().add() == 1, "its class is known without an instance"


async def test_a_proxy_sees_what_the_instance_grew() -> None:
    async with running() as system:
        proxy = system.spawn(Counter).proxy()
        with pytest.raises(AttributeError, match="extra"):
            proxy.extra  # noqa: B018 - the look itself must fail
        await proxy.grow()
        assert await proxy.extra == "grown"


async def test_a_dead_actors_proxy_says_so() -> None:
    async with running() as system:
        ref = system.spawn(Counter)
        proxy = ref.proxy()
        await ref.stop()
        with pytest.raises(ActorDeadError):
            proxy.count  # noqa: B018 - the look itself must fail
        assert proxy.actor_ref is ref


async def test_calls_and_assignments_arrive_in_their_order() -> None:
    async with running() as system:
        proxy = system.spawn(Counter).proxy()
        first = proxy.add()
        proxy.count = 100
        assert [await first, await proxy.add()] == [1, 101]


async def test_a_keyed_actor_has_a_proxy_while_it_is_awake() -> None:
    keyed = KeyedSpec(name="keyed", factory=lambda _: Counter())
    async with running(SupervisorSpec(name="root", children=(keyed,))) as system:
        ref: Any = system.region("root/keyed").ref(7)
        await ref.ask("wake up")
        assert await ref.proxy().add(3) == 3


@pytest.mark.real_clock
async def test_proxies_work_from_and_to_threads() -> None:
    class Slow(Blocking):
        def shout(self, text: str) -> str:
            return text.upper()

    async with running() as system:
        system.threads = "real"
        thread, counter = system.spawn(Slow), system.spawn(Counter)
        assert await thread.proxy().shout("hello") == "HELLO"
        assert await thread.ask(lambda _: counter.proxy().count.get()) == 0
