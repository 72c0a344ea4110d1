"""Machines that can be killed: `kill -9` at any step, and a fresh life from what was durable.

Python cannot drop a coroutine without running its `finally` blocks. So a killed life is
fenced: whatever its clean-up still tries, nothing of it gets out. The network has dropped its
connections, and a store asks `life.check()` before and after each of its steps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import outcome
import trio

from runtime.child import SupervisorSpec
from runtime.dispatch import Dispatch
from runtime.system import STOP_SECONDS
from runtime.testing.system import TestSystem
from runtime.world import VirtualWorld


class Killed(BaseException):
    """This life is over. Not an `Exception`: no handler of the program may take it for one."""


@dataclass(frozen=True, slots=True, order=True)
class Crash:
    """Kill the `victim` at its `step`-th step, counted over all its lives, from 1.

    A node, or one actor by its path: `bot`, `root/tracker`. A node's step still runs, but
    nothing of it gets out any more.
    """

    victim: str
    step: int

    def __str__(self) -> str:
        return f"{self.victim}@{self.step}"

    @classmethod
    def parse(cls, text: str) -> Crash:
        """What `str()` gave. Raises `ValueError` for anything else."""
        victim, _, step = text.rpartition("@")
        if not victim or not step.isdecimal() or not int(step):
            msg = f"no crash: {text!r}; expected NODE@STEP, with steps from 1"
            raise ValueError(msg)
        return cls(victim, int(step))


class UnknownVictimError(ValueError):
    """A plan kills somebody who was never there."""


def unknown_victim(crashes: Iterable[Crash], there: Collection[str]) -> UnknownVictimError | None:
    """The error, if one of `crashes` is that of nobody: a run in which it did not happen."""
    for crash in crashes:
        if crash.victim not in there:
            known = ", ".join(sorted(there)) or "nobody"
            return UnknownVictimError(f"no crash {crash}: nobody has that name; there are {known}")
    return None


class Life:
    """One life of a node: the time between two crashes."""

    def __init__(self, node: Node, number: int, *, world: VirtualWorld, dispatch: Dispatch) -> None:
        self.node = node
        self.number = number
        """The first is 1."""
        self.world = world
        """Time and luck of this life; those of the others are not moved by it."""
        self.dispatch = dispatch
        """For systems that are not made by `running`."""
        self.dead = False
        self.scope = trio.CancelScope()

    @asynccontextmanager
    async def running(
        self, tree: SupervisorSpec | None = None, *, stop_seconds: float = STOP_SECONDS
    ) -> AsyncIterator[TestSystem]:
        """A system of this life; shut down in order, every message must have had its fate."""
        system = TestSystem(tree, self.world, stop_seconds=stop_seconds, dispatch=self.dispatch)
        async with system:
            yield system
        if not self.dead:
            system.check_fates()

    def check(self) -> None:
        """Raise `Killed` if this life is over: the fence."""
        if self.dead:
            raise Killed(f"{self.node.name}, life {self.number}, is dead")

    def step(self) -> None:
        """A task of this life is about to run."""
        if not self.dead:
            self.node.step()


Boot = Callable[[Life], Awaitable[None]]
"""What a machine does when it is switched on; the node is done when it returns."""


class Node:
    """A machine; make it by `Simulation.node`, and `run` it in a nursery."""

    def __init__(
        self,
        name: str,
        boot: Boot,
        *,
        world: Callable[[str], VirtualWorld],
        dispatch: Callable[[], Dispatch],
        crash_at: frozenset[int],
        restart_seconds: float,
        enter: Callable[[Life], None],
        on_crash: Callable[[Node], None],
    ) -> None:
        self.name = name
        self.restart_seconds = restart_seconds
        """How long it is away after a crash."""
        self.lives = 0
        self.steps = 0
        """Task steps over all its lives: each is a point at which it can be killed."""
        self.life: Life | None = None
        self._boot = boot
        self._world = world
        self._dispatch = dispatch
        self._crash_at = crash_at
        self._enter = enter
        self._on_crash = on_crash

    async def run(self) -> None:
        """Live, and after each crash live again, until `boot` returns by itself."""
        while True:
            self.lives += 1
            world = self._world(f"{self.name} {self.lives}")
            life = Life(self, self.lives, world=world, dispatch=self._dispatch())
            self.life = life
            ended = await outcome.acapture(self._last, life)
            if not life.dead:
                ended.unwrap()
                return
            # The dead have no errors: what their clean-up raised, nobody has seen.
            await trio.sleep(self.restart_seconds)

    async def _last(self, life: Life) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._live, life, name=f"{self.name} {life.number}")

    async def _live(self, life: Life) -> None:
        self._enter(life)
        with life.scope:
            await self._boot(life)

    def step(self) -> None:
        """A step of the present life; the plan may say that it is not taken."""
        self.steps += 1
        if self.steps in self._crash_at:
            self.crash()

    def crash(self) -> None:
        """Kill -9, now. A node that is down stays so; one that has never run is only written of."""
        life = self.life
        if life is None:
            self._on_crash(self)
        elif not life.dead:
            life.dead = True
            self._on_crash(self)
            life.scope.cancel()
