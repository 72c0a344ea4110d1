"""Work for other processes, which have to be able to import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import trio

from runtime import Actor
from runtime.testing.simulation import Simulation

HERE = __name__
warm: list[str] = []


def warm_up() -> None:
    """Once in each process."""
    warm.append("up")


def whoami(_: int) -> tuple[int, int]:
    """The process, and how often it was warmed up."""
    return os.getpid(), len(warm)


def double(number: int) -> int:
    """What it says."""
    return 2 * number


def deadly(number: int) -> int:
    """The seventh kills its process."""
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def wrong(number: int) -> int:
    """A mistake of ours."""
    raise ZeroDivisionError(number)


def hanging(path: str) -> str:
    """Leave a sign of life, and hang."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)
    return path


def interrupted(_: int) -> str:
    """Do as a terminal does to each process of its foreground when somebody types Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
    return "still here"


async def quiet(sim: Simulation) -> None:
    """An hour passes."""
    await trio.sleep(3600)
    if sim.chance("rain", 0.5):
        sim.sometimes("umbrella")


async def broken(sim: Simulation) -> None:
    """Fails in two ways when it rains."""

    async def leak(where: str) -> None:
        raise ValueError(f"water in the {where}")

    if sim.chance("rain", 0.5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leak, "cellar")
            await leak("attic")


async def hashed(sim: Simulation) -> None:
    """The order of a set of strings."""
    sim.note("first")
    for name in {f"name {number}" for number in range(20)}:
        sim.note(name)


class _Thing:
    pass


async def addressed(sim: Simulation) -> None:
    """The order of addresses."""
    sim.note("first")
    for number, _ in sorted(enumerate([_Thing() for _ in range(200)]), key=lambda p: id(p[1])):
        sim.note(str(number))


async def race(sim: Simulation) -> None:
    """Whoever wakes first."""
    told: list[str] = []

    async def runner(name: str) -> None:
        await trio.sleep(1)
        told.append(name)

    async with trio.open_nursery() as nursery:
        for name in ("hare", "tortoise", "snail"):
            nursery.start_soon(runner, name, name=name)
    sim.shift(5)
    sim.chance("rain", 0.5)
    sim.heal()
    assert told[0] == "hare"


async def node(sim: Simulation) -> None:
    """A node that can be killed."""

    async def boot(_: object) -> None:
        await trio.sleep(1)
        await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sim.node("till", boot).run)


class Clerk(Actor[object]):
    """Takes anything."""

    async def on_receive(self, message: object) -> None:
        """Nothing comes of it."""
