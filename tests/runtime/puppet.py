"""Actors that do what a test tells them to, so that each test reads in one place."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pykka
import trio

from runtime import Actor, Backoff, Budget, ChildSpec, ThreadingActor, Unavailable
from runtime.testing import Probe

QUICK = Backoff(first_seconds=0.1, last_seconds=1.0, jitter=0.0)
PATIENT = Budget(restarts=10_000, within_seconds=60.0)


class Puppet(Actor[Any]):
    """A callable it is told runs inside it, with the actor as its argument; it may be async.

    Anything else is passed on to `out` and answered with itself. `starts` and `stops` are
    callables too, run by the hooks.
    """

    def __init__(
        self,
        out: Probe | None = None,
        *,
        starts: Callable[[Any], Any] | None = None,
        stops: Callable[[Any], Any] | None = None,
        fails: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        self.out = out
        self._starts, self._stops, self._fails = starts, stops, fails

    async def on_start(self) -> None:
        await _run(self._starts, self)

    async def on_stop(self) -> None:
        await _run(self._stops, self)

    async def on_failure(self, *_: Any) -> None:
        await _run(self._fails, self)

    async def on_receive(self, message: Any) -> Any:
        if callable(message):
            return await _run(message, self)
        if self.out is not None:
            self.out.tell(message)
        return message


async def _run(act: Callable[[Any], Any] | None, actor: Any) -> Any:
    result = act(actor) if act is not None else None
    return await result if inspect.isawaitable(result) else result


class Blocking(ThreadingActor):
    """The same in a thread: what it is not told to do, it answers with itself."""

    def on_receive(self, message: Any) -> Any:
        return message(self) if callable(message) else message


class Plain(pykka.ThreadingActor):
    """The same, and nothing of this runtime in it."""

    def on_receive(self, message: Any) -> Any:
        return message(self) if callable(message) else message


def sleeps(seconds: float) -> Callable[[object], Awaitable[None]]:
    """Told to a puppet, it is busy for so long."""

    async def act(_: object) -> None:
        await trio.sleep(seconds)

    return act


def outage(seconds: float | None = None, *, times: int = 1) -> Callable[[object], None]:
    """Told to a puppet, its dependency is away, `times` times; it asks for `seconds`."""
    left = [times]

    def act(_: object) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise Unavailable("away", retry_after_seconds=seconds)

    return act


def fail(_: object) -> None:
    """Told to a puppet, it fails."""
    raise ValueError("told to")


def child(factory: Callable[[], pykka.Actor], name: str = "child", **options: Any) -> ChildSpec:
    """A child that is restarted quickly and, unless told otherwise, without end."""
    settings: dict[str, Any] = {"backoff": QUICK, "budget": PATIENT, **options}
    return ChildSpec(name=name, factory=factory, **settings)
