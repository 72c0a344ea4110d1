"""The cases on pykka's own `ThreadingActor`: a thread per actor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pykka

from tests.bench.peers import scale
from tests.bench.peers.measuring import Stopwatch, resident_bytes


class Sink(pykka.ThreadingActor):
    """Says when it has seen the last message."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self._done = done

    def on_receive(self, message: int) -> None:
        if message == scale.TELLS - 1:
            self._done.set()


class Echo(pykka.ThreadingActor):
    """Answers with what it is asked."""

    def on_receive(self, message: Any) -> Any:
        return message


class Link(pykka.ThreadingActor):
    """Passes a number on around the ring, one less each time."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self._done = done

    def on_receive(self, message: Any) -> None:
        if not isinstance(message, int):
            self._next = message
        elif message == 0:
            self._done.set()
        else:
            self._next.tell(message - 1)


def _tell() -> float:
    done = threading.Event()
    ref = Sink.start(done)
    ref.ask(-1)
    with Stopwatch() as watch:
        for number in range(scale.TELLS):
            ref.tell(number)
        done.wait()
    return scale.TELLS / watch.seconds


def _ask() -> float:
    ref = Echo.start()
    ref.ask(-1)
    with Stopwatch() as watch:
        for number in range(scale.ASKS):
            ref.ask(number)
    return scale.ASKS / watch.seconds


def _ring() -> float:
    done = threading.Event()
    refs = [Link.start(done) for _ in range(scale.RING)]
    for ref, following in zip(refs, [*refs[1:], refs[0]], strict=True):
        ref.ask(following)
    with Stopwatch() as watch:
        refs[0].tell(scale.HOPS)
        done.wait()
    return scale.HOPS / watch.seconds


def _start() -> float:
    with Stopwatch() as watch:
        refs = [Echo.start() for _ in range(scale.ACTORS)]
        refs[-1].ask(0)
    return scale.ACTORS / watch.seconds


def _stop() -> float:
    refs = [Echo.start() for _ in range(scale.ACTORS)]
    refs[-1].ask(0)
    with Stopwatch() as watch:
        pykka.ActorRegistry.stop_all()
    return scale.ACTORS / watch.seconds


def _memory() -> float:
    before = resident_bytes()
    refs = [Echo.start() for _ in range(scale.ACTORS)]
    for ref in refs:
        ref.ask(0)
    return (resident_bytes() - before) / scale.ACTORS


def run(case: str) -> float:
    """One measurement; the actors are stopped afterwards."""
    try:
        return _CASES[case]()
    finally:
        pykka.ActorRegistry.stop_all()


_CASES: dict[str, Callable[[], float]] = {
    "tell": _tell,
    "ask": _ask,
    "ring": _ring,
    "start": _start,
    "stop": _stop,
    "memory": _memory,
}
