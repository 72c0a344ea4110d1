"""A running system under a clock that jumps, whose misfortunes are there to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from trio.testing import wait_all_tasks_blocked

from runtime.child import SupervisorSpec
from runtime.dispatch import DEFAULT_DISPATCH, Dispatch
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
from runtime.world import VirtualWorld, World


class TestSystem(ActorSystem):
    """A system whose misfortunes are there to look at."""

    __test__ = False

    def __init__(
        self,
        tree: SupervisorSpec | None,
        world: World,
        *,
        stop_seconds: float = STOP_SECONDS,
        dispatch: Dispatch = DEFAULT_DISPATCH,
    ) -> None:
        super().__init__(
            tree, world=world, threads="inline", stop_seconds=stop_seconds, dispatch=dispatch
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
