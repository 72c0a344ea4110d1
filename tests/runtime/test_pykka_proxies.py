"""Proxies as pykka 4.5.0 promises them, with `await` where pykka blocks."""

from __future__ import annotations

import pytest

from runtime.testing import Probe, running
from tests.runtime.pet import Pet, PetProxy


async def test_methods_and_attributes_are_asked_for() -> None:
    async with running():
        proxy = Pet.start().proxy()
        assert await proxy.hello("world", mark="?") == "hello world?"
        assert await proxy.slow_hello("world") == "hello world"
        assert (await proxy.kind, await proxy.own, await proxy.name) == ("dog", "own", "rex")
        assert await proxy.become("cat") is None
        assert await proxy.kind == "cat"


async def test_an_assignment_is_done_before_the_next_look() -> None:
    async with running():
        proxy = Pet.start().proxy()
        proxy.kind = "bird"
        proxy.name = "tweety"
        assert (await proxy.kind, await proxy.name) == ("bird", "tweety")


async def test_a_deferred_call_answers_nothing_and_is_done() -> None:
    async with running():
        proxy = Pet.start().proxy()
        assert proxy.become.defer("fish") is None
        assert await proxy.kind == "fish"


async def test_a_deferred_call_that_fails_is_a_told_failure() -> None:
    async with running() as system:
        out = Probe()
        proxy = Pet.start(out).proxy()
        assert proxy.boom.defer() is None
        await system.settle()
        assert out.told[-1][:2] == ("failure", ValueError)


async def test_traversable_attributes_are_proxies_of_their_own_and_others_are_not() -> None:
    async with running():
        proxy = Pet.start().proxy()
        assert await proxy.inner.number == 3.14
        assert await proxy.inner.double(4) == 8
        assert await proxy.slotted.number == 2.72
        assert (await proxy.nested).number == 3.14, "what a property returns is a value"
        with pytest.raises(AttributeError, match="has no attribute 'number'"):
            proxy.closed.number  # noqa: B018 - the look itself must fail


async def test_typed_proxies_work() -> None:
    async with running():
        proxy: PetProxy = Pet.start().proxy()  # type: ignore[assignment]
        assert await proxy.kind == "dog"
        assert await proxy.inner.number == 3.14
        assert await proxy.hello("you") == "hello you!"
        assert await proxy.stop() is None


async def test_a_method_learnt_at_run_time_can_be_called() -> None:
    async with running():
        proxy = Pet.start().proxy()
        await proxy.learn("roll")
        assert await proxy.roll() == "did roll"


async def test_an_actor_may_use_a_proxy_of_itself() -> None:
    async with running():
        later = await Pet.start().proxy().through_itself()
        assert await later == "hello me!"


async def test_making_a_proxy_looks_at_no_property() -> None:
    async with running():
        Pet.looked = 0
        proxy = Pet.start().proxy()
        dir(proxy)
        assert Pet.looked == 0
        await proxy.name
        assert Pet.looked == 1


@pytest.mark.parametrize("name", ["_secret", "unknown"])
async def test_private_and_unknown_names_are_refused_at_once(name: str) -> None:
    async with running():
        proxy = Pet.start().proxy()
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(proxy, name)


async def test_proxies_are_values() -> None:
    async with running():
        ref = Pet.start()
        proxy = ref.proxy()
        assert proxy == ref.proxy()
        assert hash(proxy) == hash(ref.proxy())
        assert proxy != proxy.inner
        assert repr(proxy).startswith("<ActorProxy for ")
        assert str(ref) in repr(proxy)
        assert "'inner'" in repr(proxy.inner)
        assert {"kind", "own", "hello", "broken"} <= set(dir(proxy))
