"""Testing actors: a running system under a clock that jumps, and probes that watch.

```
async def test_a_greeting_is_returned():
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Greeter(out=probe), name="greeter")
        ref.tell(Hello())
        await probe.expect(Greeted)
```

Time is virtual where the test's trio runs on a `MockClock(autojump_threshold=0)`: an hour of
timers takes milliseconds, and a test never sleeps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio
from trio.testing import wait_all_tasks_blocked

from runtime.child import SupervisorSpec
from runtime.events import (
    ActorFailed,
    ActorRestarting,
    ActorStarted,
    ActorStopped,
    ActorSuspended,
    DeadLetter,
    Escalated,
)
from runtime.system import ActorSystem
from runtime.world import VirtualWorld, World

T = TypeVar("T")

WITHIN_SECONDS = 5.0


class Probe:
    """A recipient that remembers, for as long as the test runs."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        """Everything it was told, in order, whatever was expected meanwhile."""
        self._unseen: list[Any] = []
        self._arrived = trio.Event()

    def tell(self, message: object, /) -> None:
        """Remember a message."""
        self.told.append(message)
        self._unseen.append(message)
        arrived, self._arrived = self._arrived, trio.Event()
        arrived.set()

    async def expect(self, expected: type[T], *, within: float = WITHIN_SECONDS) -> T:
        """The next message, which must be an `expected`; fails after `within` seconds."""
        with trio.move_on_after(within):
            while not self._unseen:
                await self._arrived.wait()
        if not self._unseen:
            msg = f"no {expected.__name__} within {within} s; told so far: {self.told}"
            raise AssertionError(msg)
        message = self._unseen.pop(0)
        if not isinstance(message, expected):
            msg = f"expected {expected.__name__}, got {message!r}"
            raise AssertionError(msg)  # noqa: TRY004 - a failed expectation
        return message

    async def fish(self, expected: type[T], *, within: float = WITHIN_SECONDS) -> T:
        """The next `expected`, passing over whatever else comes first."""
        with trio.move_on_after(within):
            while True:
                while self._unseen:
                    message = self._unseen.pop(0)
                    if isinstance(message, expected):
                        return message
                await self._arrived.wait()
        msg = f"no {expected.__name__} within {within} s; told so far: {self.told}"
        raise AssertionError(msg)

    async def expect_none(self, *, within: float) -> None:
        """Nothing arrives for `within` seconds."""
        with trio.move_on_after(within):
            while not self._unseen:
                await self._arrived.wait()
        if self._unseen:
            msg = f"expected nothing for {within} s, got {self._unseen[0]!r}"
            raise AssertionError(msg)

    @property
    def keyed(self) -> KeyedProbe:
        """This probe as a family of actors: it is told `(key, message)`."""
        return KeyedProbe(self)


class KeyedProbe:
    """A probe in the place of a region."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def tell(self, key: object, message: object, /) -> None:
        """Remember whom the message was for."""
        self._probe.tell((key, message))


class TestSystem(ActorSystem):
    """A system whose misfortunes are there to look at."""

    __test__ = False

    def __init__(self, tree: SupervisorSpec | None, world: World, stop_seconds: float) -> None:
        super().__init__(tree, world=world, threads="inline", stop_seconds=stop_seconds)
        self.dead_letters: list[DeadLetter] = []
        self.incidents: list[Any] = []
        """Failures, suspensions, restarts, escalations, starts and stops, in order."""
        self.events.subscribe(DeadLetter, _Into(self.dead_letters))
        into = _Into(self.incidents)
        for event in (
            ActorFailed,
            ActorSuspended,
            ActorRestarting,
            Escalated,
            ActorStarted,
            ActorStopped,
        ):
            self.events.subscribe(event, into)

    async def settle(self) -> None:
        """Wait until nothing can go on without the clock.

        No virtual time passes: what waits for a timer goes on waiting.
        """
        await wait_all_tasks_blocked()


class _Into:
    """A list as a recipient."""

    def __init__(self, into: list[Any]) -> None:
        self._into = into

    def tell(self, event: object, /) -> None:
        """Keep the event."""
        self._into.append(event)


@asynccontextmanager
async def running(
    tree: SupervisorSpec | None = None,
    *,
    world: World | None = None,
    seed: int = 0,
    stop_seconds: float = 10.0,
) -> AsyncIterator[TestSystem]:
    """A running system with seeded luck; on leaving, every message must have had its fate."""
    system = TestSystem(tree, world or VirtualWorld(seed=seed), stop_seconds)
    async with system:
        yield system
    fates = system.fates()
    assert fates.lost == 0, f"messages without a fate: {fates}"
    assert fates.queued == 0, f"messages left behind: {fates}"
