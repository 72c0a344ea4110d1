"""The cases on this runtime: envelopes, supervision and mailbox accounting included.

The handlers are plain functions, as the peers' are; `tell_async` is `tell` with a handler that
is a coroutine function, as the shop writes them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from runtime import Actor, ActorSystem, KeyedSpec, SupervisorSpec
from tests.bench.peers import scale
from tests.bench.peers.measuring import Stopwatch, resident_bytes


class Sink(Actor[int]):
    """Says when it has seen the last message."""

    def __init__(self, done: Callable[[], None]) -> None:
        super().__init__()
        self._done = done

    def on_receive(self, message: int) -> None:
        if message == scale.TELLS - 1:
            self._done()


class AsyncSink(Sink):
    """The same, as the shop writes its actors."""

    async def on_receive(self, message: int) -> None:
        if message == scale.TELLS - 1:
            self._done()


class Echo(Actor[Any]):
    """Answers with what it is asked."""

    def on_receive(self, message: Any) -> Any:
        return message


class Link(Actor[Any]):
    """Passes a number on around the ring, one less each time."""

    def __init__(self, done: Callable[[], None]) -> None:
        super().__init__()
        self._done = done

    def on_receive(self, message: Any) -> None:
        if not isinstance(message, int):
            self._next = message
        elif message == 0:
            self._done()
        else:
            self._next.tell(message - 1)


async def _tell(system: ActorSystem, sink: type[Sink] = Sink) -> float:
    done = trio.Event()
    ref = system.spawn(partial(sink, done.set))
    await ref.ask(-1)
    with Stopwatch() as watch:
        for number in range(scale.TELLS):
            ref.tell(number)
        await done.wait()
    return scale.TELLS / watch.seconds


async def _ask(system: ActorSystem) -> float:
    ref = system.spawn(Echo)
    await ref.ask(-1)
    with Stopwatch() as watch:
        for number in range(scale.ASKS):
            await ref.ask(number)
    return scale.ASKS / watch.seconds


async def _ring(system: ActorSystem) -> float:
    done = trio.Event()
    refs = [system.spawn(partial(Link, done.set)) for _ in range(scale.RING)]
    for ref, following in zip(refs, [*refs[1:], refs[0]], strict=True):
        await ref.ask(following)
    with Stopwatch() as watch:
        refs[0].tell(scale.HOPS)
        await done.wait()
    return scale.HOPS / watch.seconds


async def _start(_: ActorSystem) -> float:
    with Stopwatch() as watch:
        refs = [Echo.start() for _ in range(scale.ACTORS)]
        await refs[-1].ask(0)
    return scale.ACTORS / watch.seconds


async def _stop(system: ActorSystem) -> float:
    refs = [Echo.start() for _ in range(scale.ACTORS)]
    await refs[-1].ask(0)
    with Stopwatch() as watch:
        for stopped in system.registry.stop_all():
            await stopped
    return scale.ACTORS / watch.seconds


async def _memory(system: ActorSystem) -> float:
    """The actors have no state of their own, so whatever they take is the runtime's."""
    region = system.region("root/keyed")
    before = resident_bytes()
    for key in range(scale.KEYED_ACTORS):
        region.tell(key, key)
        if key % scale.WAVE == 0:
            await wait_all_tasks_blocked()
    await wait_all_tasks_blocked()
    grown = resident_bytes() - before
    assert region.awake == scale.KEYED_ACTORS
    return grown / scale.KEYED_ACTORS


async def _awake(system: ActorSystem) -> tuple[float, float]:
    """All of them at once, with a question each: also what so many queues take for a moment."""
    region = system.region("root/keyed")
    before = resident_bytes()
    with Stopwatch() as watch:
        answers = [region.ref(key).ask(key) for key in range(scale.KEYED_ACTORS)]
        for key, answer in enumerate(answers):
            assert await answer == key
    del answers
    return watch.seconds, resident_bytes() - before


def run(case: str) -> float | tuple[float, float]:
    """One measurement in a fresh system."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    result: float | tuple[float, float] = trio.run(_in_a_system, _CASES[case])
    return result


async def _in_a_system(measure: Callable[[ActorSystem], Awaitable[Any]]) -> Any:
    keyed = KeyedSpec(name="keyed", factory=lambda _: Echo(), awake_max=2 * scale.KEYED_ACTORS)
    async with ActorSystem(SupervisorSpec(name="root", children=(keyed,))) as system:
        return await measure(system)


_CASES: dict[str, Callable[[ActorSystem], Awaitable[Any]]] = {
    "tell": _tell,
    "tell_async": partial(_tell, sink=AsyncSink),
    "ask": _ask,
    "ring": _ring,
    "start": _start,
    "stop": _stop,
    "memory": _memory,
    "awake": _awake,
}
