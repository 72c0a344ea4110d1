"""Planted: sound programs on a runtime of which one function is wrong."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import trio

from runtime import (
    Actor,
    ActorRef,
    AskCycleError,
    KeyedSpec,
    SupervisorSpec,
    Unavailable,
    lifecycle,
)
from runtime.cell import Cell, Envelope
from runtime.future import Future
from runtime.intensity import DEFAULT_BUDGET, Intensity
from runtime.testing.planted.bug import Bug
from runtime.testing.planted.mutation import mutated
from runtime.testing.simulation import Simulation

SETTLE_SECONDS = 120.0

CRASHED = "crashed with a timer set"
ASLEEP = "told while it falls asleep"
CRASHED_WITH_QUEUE = "crashed with messages behind"
FAILED_AGAIN = "failed more often than the budget allows, hours apart"
IN_A_CIRCLE = "asked in a circle"
STORE_AWAY = "the store is away"

_dismantle = lifecycle._dismantle  # noqa: SLF001 - what is made wrong here


# A timer outlives its incarnation


class Reminder(Actor[Any]):
    """Reminds once, ten seconds after it began; it may fall and begin again."""

    def __init__(self, reminded: list[float]) -> None:
        super().__init__()
        self.reminded = reminded

    async def on_start(self) -> None:  # type: ignore[override]  # as in `runtime.Actor`
        self.after(10.0, "remind")

    def on_receive(self, told: str) -> None:
        if told == "break":
            raise ValueError("broken")
        self.reminded.append(self.monotonic())


def _timers_live_on(cell: Cell, error: BaseException | None) -> None:
    cell.timers = None
    _dismantle(cell, error)


async def dead_timer(sim: Simulation, *, sound: bool) -> None:
    """A reminder that crashes before its time, or after it."""
    reminded: list[float] = []
    with mutated(lifecycle, "_dismantle", _timers_live_on, when=not sound):
        async with sim.running() as system:
            reminder = system.spawn(lambda: Reminder(reminded), name="reminder")
            broken = sim.luck("crash").uniform(1.0, 9.0)
            await trio.sleep(broken)
            reminder.tell("break")
            sim.sometimes(CRASHED)
            await trio.sleep(SETTLE_SECONDS)
        assert len(reminded) == 1, f"reminded at {reminded}"
        assert reminded[0] >= broken + 10.0, f"crashed at {broken}, reminded at {reminded}"


# Messages are lost while an actor falls asleep


class Sleeper(Actor[Any]):
    """Counts what it is told, and takes its time to fall asleep."""

    def __init__(self, sim: Simulation, heard: list[int]) -> None:
        super().__init__()
        self.sim = sim
        self.heard = heard

    def on_receive(self, told: int) -> None:
        self.heard.append(told)

    async def on_stop(self) -> None:  # type: ignore[override]  # as in `runtime.Actor`
        await trio.sleep(1.0)
        if not self.actor_inbox.empty():
            self.sim.sometimes(ASLEEP)


async def lost_in_passivation(sim: Simulation, *, sound: bool) -> None:
    """Messages for a key that falls asleep after five idle seconds."""
    heard: list[int] = []
    sleepers = KeyedSpec(name="sleepers", factory=lambda _: Sleeper(sim, heard), idle_seconds=5.0)
    luck = sim.luck("tellers")
    with mutated(lifecycle, "_has_work", lambda _: False, when=not sound):
        async with sim.running(SupervisorSpec(name="root", children=(sleepers,))) as system:
            for number in range(10):
                system.region("root/sleepers").tell("ann", number)
                await trio.sleep(luck.uniform(0.0, 10.0))
            await trio.sleep(SETTLE_SECONDS)
        assert heard == list(range(10)), f"heard only {heard}"


# A restart loses what was queued behind the crash


class Counter(Actor[Any]):
    """Counts slowly; cannot bear a negative number."""

    def __init__(self, sim: Simulation, counted: list[int]) -> None:
        super().__init__()
        self.sim = sim
        self.counted = counted

    async def on_receive(self, told: int) -> None:
        await trio.sleep(0.1)
        if told < 0:
            if not self.actor_inbox.empty():
                self.sim.sometimes(CRASHED_WITH_QUEUE)
            raise ValueError(told)
        self.counted.append(told)


def _queue_is_lost(cell: Cell, error: BaseException | None) -> None:
    _dismantle(cell, error)
    while cell.inbox:
        cell.expire(cell.take())


async def restart_loses_queue(sim: Simulation, *, sound: bool) -> None:
    """Ten numbers, and one that breaks the counter, at any place."""
    counted: list[int] = []
    luck = sim.luck("tellers")
    with mutated(lifecycle, "_dismantle", _queue_is_lost, when=not sound):
        async with sim.running() as system:
            counter = system.spawn(lambda: Counter(sim, counted), name="counter")
            place = luck.randrange(10)
            for number in range(10):
                counter.tell(number if number != place else -1)
                await trio.sleep(luck.uniform(0.0, 0.2))
            await trio.sleep(SETTLE_SECONDS)
        expected = [number for number in range(10) if number != place]
        assert counted == expected, f"{place} broke it, and it counted {counted}"


# A budget that never resets


class Fragile(Actor[Any]):
    """Does its work, and falls now and then."""

    def on_receive(self, told: str) -> str:
        if told == "break":
            raise ValueError("broken")
        return told


async def budget_never_resets(sim: Simulation, *, sound: bool) -> None:
    """An actor that falls about once an hour, for a day."""
    luck = sim.luck("crashes")
    with mutated(Intensity, "_forget", lambda _self, _now: None, when=not sound):
        async with sim.running() as system:
            fragile = system.spawn(Fragile, name="fragile", restart="permanent")
            for failures in range(1, 13):
                fragile.tell("break")
                if failures > DEFAULT_BUDGET.restarts:
                    sim.sometimes(FAILED_AGAIN)
                await trio.sleep(luck.uniform(1_800.0, 7_200.0))
                assert fragile.is_alive(), "given up for good after a few failures in many hours"
                assert await fragile.ask("work") == "work"


# Actors that ask each other in a circle


class Asker(Actor[Any]):
    """Passes each question on to its neighbour."""

    def __init__(self, neighbours: dict[str, ActorRef[Any]], neighbour: str) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.neighbour = neighbour

    async def on_receive(self, told: str) -> str:
        answer: str = await self.neighbours[self.neighbour].ask(told, timeout=math.inf)
        return answer


async def undetected_cycle(sim: Simulation, *, sound: bool) -> None:
    """Three actors that wait for each other without a time-out: one has to be told so."""
    refs: dict[str, ActorRef[Any]] = {}
    with mutated(Future, "_refuse_cycle", lambda _self, _asker: None, when=not sound):
        async with sim.running() as system:
            for name, neighbour in (("ann", "bob"), ("bob", "cat"), ("cat", "ann")):
                refs[name] = system.spawn(partial(Asker, refs, neighbour), name=name)
            try:
                await refs["ann"].ask("who?", timeout=math.inf)
            except AskCycleError:
                sim.sometimes(IN_A_CIRCLE)
                return
            raise AssertionError("a question without an answer was answered")


# What a suspended actor is told again comes out of its order


class Writer(Actor[Any]):
    """Writes down what it is told, in order; suspended while the store is away."""

    def __init__(self, sim: Simulation, written: list[int]) -> None:
        super().__init__()
        self.sim = sim
        self.written = written

    async def on_receive(self, told: int) -> None:
        await trio.sleep(0.05)
        if self.sim.chance(STORE_AWAY, 0.1):
            raise Unavailable("the store is away")
        self.written.append(told)


def _put_behind(cell: Cell, envelope: Envelope) -> None:
    assert cell.inbox is not None
    cell.inbox.append(envelope)


async def suspension_reorders(sim: Simulation, *, sound: bool) -> None:
    """Ten entries for a writer whose store is away now and then."""
    written: list[int] = []
    entries = list(range(10))
    luck = sim.luck("tellers")
    with mutated(Cell, "put_back", _put_behind, when=not sound):
        async with sim.running() as system:
            writer = system.spawn(lambda: Writer(sim, written), name="writer")
            for entry in entries:
                writer.tell(entry)
                await trio.sleep(luck.uniform(0.0, 0.1))
            sim.heal()
            await sim.eventually(
                "all is written", lambda: sorted(written) == entries, within=SETTLE_SECONDS
            )
        assert written == entries, f"written in the order {written}"


MUTANTS = (
    Bug(
        name="dead timer",
        what="the timer of an incarnation that has crashed goes off in the next one",
        play=dead_timer,
        kind="runtime",
        danger=CRASHED,
    ),
    Bug(
        name="lost in passivation",
        what="what is told while an actor falls asleep is thrown away",
        play=lost_in_passivation,
        kind="runtime",
        danger=ASLEEP,
    ),
    Bug(
        name="restart loses queue",
        what="what is queued behind a crash is thrown away with the instance",
        play=restart_loses_queue,
        kind="runtime",
        danger=CRASHED_WITH_QUEUE,
    ),
    Bug(
        name="budget never resets",
        what="failures of long ago still count, and a healthy actor is given up",
        play=budget_never_resets,
        kind="runtime",
        danger=FAILED_AGAIN,
    ),
    Bug(
        name="undetected ask cycle",
        what="actors that ask each other in a circle wait for ever",
        play=undetected_cycle,
        kind="runtime",
        danger=IN_A_CIRCLE,
    ),
    Bug(
        name="suspension reorders",
        what="what a suspended actor is told again goes behind what came later",
        play=suspension_reorders,
        kind="runtime",
        danger=STORE_AWAY,
    ),
)
