"""What pykka 4.5.0 promises holds here too, with `await` where pykka blocks.

Where this runtime differs on purpose, the difference is a test as well (at the end). Proxies
have a file of their own, `test_pykka_proxies.py`.
"""

from __future__ import annotations

import traceback
from typing import Any

import pykka
import pytest

from runtime import Actor, ActorDeadError, Future, Timeout
from runtime.testing import Probe, running
from tests.runtime.pet import Pet

# The actor and its reference


async def test_hooks_run_around_the_messages() -> None:
    async with running():
        out = Probe()
        ref = Pet.start(out)
        ref.tell("one")
        assert await ref.ask("two") == "two"
        assert await ref.stop() is True
        assert out.told == ["start", ("got", "one"), ("got", "two"), "stop"]


async def test_an_actor_is_registered_from_before_its_start_until_it_stops() -> None:
    async with running() as system:
        found: list[Any] = []

        class Looks(Pet):
            def on_start(self) -> None:
                found.append(system.registry.get_by_urn(self.actor_urn))

        ref = Looks.start()
        await ref.ask("up")
        assert found == [ref]
        await ref.stop()
        assert system.registry.get_by_urn(ref.actor_urn) is None


async def test_urns_are_unique_and_the_constructor_takes_any_arguments() -> None:
    class Takes(Actor[Any]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.taken = (args, kwargs)

    async with running():
        refs = [Takes.start(1, 2, three=3) for _ in range(3)]
        assert len({ref.actor_urn for ref in refs}) == 3
        assert await refs[0].proxy().taken == ((1, 2), {"three": 3})


@pytest.mark.parametrize(
    "message", [123, 1.5, {"a": "dict"}, ("a", "tuple"), ["a", "list"], None, object()]
)
async def test_any_object_is_a_message(message: object) -> None:
    async with running():
        out = Probe()
        ref = Pet.start(out)
        ref.tell(message)
        await ref.stop()
        assert out.told[1] == ("got", message)


async def test_an_actor_may_stop_itself_while_it_starts() -> None:
    class Early(Pet):
        def on_start(self) -> None:
            self.stop()

    async with running():
        out = Probe()
        ref = Early.start(out)
        assert await out.expect(str) == "stop"
        assert not ref.is_alive()


async def test_an_actor_may_stop_itself_twice_and_handles_first_what_was_told_before() -> None:
    class Quits(Pet):
        def on_receive(self, message: Any) -> Any:
            super().on_receive(message)
            if message == "quit":
                self.actor_ref.tell("last")
                self.stop()
                self.stop()

    async with running() as system:
        out = Probe()
        ref = Quits.start(out)
        ref.tell("quit")
        await system.settle()
        assert out.told == ["start", ("got", "quit"), ("got", "last"), "stop"]
        assert not ref.is_alive()


async def test_what_comes_behind_a_stop_is_refused_and_a_second_stop_is_fine() -> None:
    async with running():
        ref = Pet.start()
        ref.tell("busy")
        first, late, second = ref.stop(), ref.ask("late"), ref.stop()
        with pytest.raises(ActorDeadError):
            await late
        assert await first
        assert await second
        assert await ref.stop() is False


async def test_the_dead_say_so() -> None:
    async with running():
        ref = Pet.start()
        assert ref.is_alive()
        await ref.stop()
        assert not ref.is_alive()
        assert ref.actor_stopped.is_set()
        with pytest.raises(ActorDeadError, match=f"^{ref} not found$"):
            ref.tell("hello")
        with pytest.raises(ActorDeadError, match=r"not found|stopped"):
            await ref.ask("hello")
        with pytest.raises(ActorDeadError, match=f"^{ref} not found$"):
            ref.proxy()


async def test_a_told_failure_reaches_on_failure_and_ends_the_actor() -> None:
    async with running() as system:
        out = Probe()
        error = ValueError("told")
        ref = Pet.start(out)
        ref.tell(error)
        await system.settle()
        assert out.told[-1] == ("failure", ValueError, error, error.__traceback__)
        assert not ref.is_alive()
        assert len(system.registry) == 0


@pytest.mark.parametrize("hook", ["on_start", "on_stop", "on_failure"])
async def test_a_hook_that_fails_ends_the_actor_and_nobody_else(hook: str) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError(hook)

    async with running() as system:
        other = Pet.start()
        kind: Any = type("Fails", (Pet,), {hook: fails})
        ref = kind.start()
        ref.tell(ValueError("told")) if hook == "on_failure" else ref.stop()
        await system.settle()
        assert not ref.is_alive()
        assert await other.ask("fine") == "fine"


async def test_an_answer_that_is_late_times_out() -> None:
    async with running():
        proxy = Pet.start().proxy()
        with pytest.raises(Timeout):
            await proxy.actor_ref.ask(
                pykka.messages.ProxyCall(attr_path=("slow_hello",), args=("x",), kwargs={}),
                timeout=0.5,
            )


# The registry


async def test_actors_are_found_by_class_superclass_name_and_urn() -> None:
    class Puppy(Pet):
        pass

    async with running() as system:
        pets, puppies = {Pet.start() for _ in range(3)}, {Puppy.start() for _ in range(2)}
        registry = system.registry
        assert set(registry.get_all()) == pets | puppies
        assert set(registry.get_by_class(Puppy)) == puppies
        assert set(registry.get_by_class(Pet)) == pets | puppies
        assert set(registry.get_by_class_name("Pet")) == pets
        assert registry.get_by_urn("urn:foo:bar") is None


@pytest.mark.parametrize(("target", "told"), [(None, 3), ("Puppy", 1), (Pet, 3)])
async def test_a_broadcast_reaches_all_or_those_of_a_class(target: Any, told: int) -> None:
    class Puppy(Pet):
        pass

    async with running() as system:
        out = Probe()
        for kind in (Pet, Pet, Puppy):
            kind.start(out)
        await system.settle()
        system.registry.broadcast("all", target)
        await system.settle()
        assert out.told.count(("got", "all")) == told


async def test_stop_all_asks_the_youngest_first() -> None:
    async with running() as system:
        stopped: list[str] = []

        class Notes(Actor[Any]):
            def on_stop(self) -> None:
                stopped.append(self.actor_urn)

        refs = [Notes.start() for _ in range(3)]
        await system.settle()
        assert [await future for future in system.registry.stop_all()] == [True] * 3
        assert stopped == [ref.actor_urn for ref in reversed(refs)]
        assert len(system.registry) == 0


# Futures


async def test_a_future_may_be_the_value_of_a_future() -> None:
    async with running() as system:
        inner: Future[str] = Future(system)
        outer: Future[Future[str]] = Future(system)
        inner.set("foo")
        outer.set(inner)
        assert await (await outer) == "foo"


async def test_an_exception_keeps_its_traceback() -> None:
    async with running() as system:
        future: Future[Any] = Future(system)
        try:
            _ = undefined  # type: ignore[name-defined]
        except NameError as raised:
            error, where = raised, traceback.extract_tb(raised.__traceback__)
            future.set_exception()
        with pytest.raises(NameError) as caught:
            await future
        assert caught.value is error
        assert traceback.extract_tb(caught.value.__traceback__)[-len(where) :] == where


async def test_combinators_compute_once() -> None:
    async with running() as system:
        calls: list[int] = []
        future: Future[Any] = Future(system)

        def add_ten(value: int) -> int:
            calls.append(value)
            return value + 10

        mapped = future.map(add_ten)
        future.set(30)
        assert [await mapped, await mapped] == [40, 40]
        assert calls == [30]


async def test_combinators_fail_on_what_is_not_iterable() -> None:
    async with running() as system:
        future: Future[Any] = Future(system)
        future.set(1)
        for derived in (future.filter(bool), future.reduce(lambda x, y: x + y)):
            with pytest.raises(TypeError):
                await derived


# Where it differs on purpose


async def test_an_asked_failure_is_a_failure_like_any_other() -> None:
    """Pykka: the asker alone hears of it, and the actor goes on with half a change."""
    async with running():
        out = Probe()
        proxy = Pet.start(out).proxy()
        with pytest.raises(ValueError, match="boom"):
            await proxy.boom()
        assert out.told[-1][:2] == ("failure", ValueError)


async def test_assigning_what_cannot_be_assigned_fails_the_actor() -> None:
    """Pykka: the assignment blocks until it is done, which nobody may do on trio."""
    async with running() as system:
        out = Probe()
        proxy = Pet.start(out).proxy()
        proxy.fixed = "changed"
        await system.settle()
        assert out.told[-1][:2] == ("failure", AttributeError)


async def test_a_references_name_is_its_address() -> None:
    """Pykka: a random URN of the instance, which a restart would change."""
    async with running() as system:
        ref = system.spawn(Pet, name="rex")
        assert (str(ref), repr(ref)) == ("root/spawned/rex", "<ActorRef root/spawned/rex>")
        assert ref.actor_urn == "urn:actor:root/spawned/rex"
