"""Small scenarios for the tests of `main.py sim`: each fails in one way, or not at all."""

from __future__ import annotations

import os

import structlog
import trio

from config.scenarios import Option, Scenario
from runtime.testing.node import Life
from runtime.testing.simulation import Simulation

HERE = __name__
log = structlog.get_logger("simulations")


async def tea(sim: Simulation) -> None:
    """Tea is drunk."""
    for _ in range(sim.option("cups", 2)):
        await trio.sleep(1800)
        sim.sometimes("tea")
    if sim.chance("spilt", 0.5):
        sim.sometimes("a wet table")


TEA = Scenario(
    title="tea is drunk, and spilt",
    run=f"{HERE}:tea",
    sometimes=("tea", "spilt"),
    options={"cups": Option(2, "how many"), "people": Option(1, "who drink them")},
    seeds=4,
)
COFFEE = Scenario(title="coffee is not to be had", run=f"{HERE}:tea", sometimes=("coffee",))


async def race(sim: Simulation) -> None:
    """The first to sleep must be the first to wake up, which only the plain schedule promises."""
    told: list[str] = []

    async def runner(name: str) -> None:
        await trio.sleep(1)
        told.append(name)

    async with trio.open_nursery() as nursery:
        for name in ("hare", "tortoise"):
            nursery.start_soon(runner, name, name=name)
    if sim.chance("rain", 0.5):
        await trio.sleep(1)
    assert told == ["hare", "tortoise"], "the tortoise won"


async def flood(sim: Simulation) -> None:
    """Fails with two errors at once, when it rains."""

    async def leak(where: str) -> None:
        raise ValueError(f"water in the {where}")

    if sim.chance("rain", 0.5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leak, "cellar")
            nursery.start_soon(leak, "attic")


async def till(sim: Simulation) -> None:
    """A node takes money and writes it down a second later: a crash in between loses it."""
    taken, written = [0], [0]

    async def boot(life: Life) -> None:
        await trio.sleep(1)
        while taken[0] < 2:
            life.check()
            taken[0] += 1
            await trio.sleep(1)
            life.check()
            written[0] += 1
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sim.node("till", boot).run)
    assert taken == written, "money is lost"


async def differing(sim: Simulation) -> None:
    """No two processes agree on the order of a set."""
    for name in {f"name {number}" for number in range(20)}:
        sim.note(name)


async def restless(sim: Simulation) -> None:
    """Not even one process repeats it."""
    sim.note(str(next(_counter)))


_counter = iter(range(1_000_000))


async def deadly(sim: Simulation) -> None:
    """Seed 3 takes its process along."""
    if sim.seed == 3:
        os._exit(9)


async def slow(sim: Simulation) -> None:
    """Takes a while of real time."""
    for _ in range(1000):
        await trio.sleep(3.6)


async def talkative(sim: Simulation) -> None:
    """Says what it does."""
    await trio.sleep(61.5)
    log.info("minute.over", who="talkative")
