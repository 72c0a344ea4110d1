"""A running system under a clock that jumps, whose misfortunes are there to look at."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from trio.testing import wait_all_tasks_blocked

from runtime.cell import Cell
from runtime.child import SupervisorSpec
from runtime.dispatch import Dispatch
from runtime.events import (
    ActorFailed,
    ActorRestarting,
    ActorStarted,
    ActorStopped,
    ActorSuspended,
    DeadLetter,
    Escalated,
)
from runtime.system import STOP_SECONDS, ActorSystem
from runtime.testing.clock import Patience
from runtime.world import VirtualWorld, World

TURNS_AT_ONCE_MAX = 100_000
"""Turns of actors without the clock moving, after which a test is a `Livelock`; twice that at most.

A turn is up to 64 messages of one actor.
"""


class TestSystem(ActorSystem):
    """A system whose misfortunes are there to look at."""

    __test__ = False

    def __init__(
        self,
        tree: SupervisorSpec | None,
        world: World,
        *,
        stop_seconds: float = STOP_SECONDS,
        dispatch: Dispatch | None = None,
    ) -> None:
        super().__init__(
            tree,
            world=world,
            threads="inline",
            stop_seconds=stop_seconds,
            dispatch=dispatch or Dispatch(ready=partial(ReadyActors, world)),
        )
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

    def check_fates(self) -> None:
        """Fail unless every message has had its fate; for a system that has stopped."""
        fates = self.fates()
        if fates.lost:  # no `assert`: `python -O` must not make every run a good one
            raise AssertionError(f"messages without a fate: {fates}")
        if fates.queued:
            raise AssertionError(f"messages left behind: {fates}")


class ReadyActors(deque[Cell]):
    """The queue of production; it notices when actors go on and on, and no time passes."""

    def __init__(self, world: World, turns_max: int = TURNS_AT_ONCE_MAX) -> None:
        super().__init__()
        self._turns = 0
        self._patience = Patience(world.monotonic, turns_max, "turns of actors")

    def popleft(self) -> Cell:
        """The first; raises `Livelock`."""
        cell = super().popleft()
        self._turns += 1
        if self._turns > self._patience.until:
            told = type(cell.inbox[0][0]).__name__ if cell.inbox else "-"
            stuck = self._patience.lost(self._turns, [f"actor {cell.path} {told}"])
            if stuck is not None:
                raise stuck
        return cell


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
    stop_seconds: float = STOP_SECONDS,
) -> AsyncIterator[TestSystem]:
    """A running system with seeded luck; on leaving, every message must have had its fate."""
    system = TestSystem(tree, world or VirtualWorld(seed=seed), stop_seconds=stop_seconds)
    async with system:
        yield system
    system.check_fates()
