"""What is left of a failure after shrinking is what it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio

from runtime.testing.node import Crash, Life
from runtime.testing.shrink import shrink
from runtime.testing.simulation import Plan, PropertyError, Run, Simulation, simulate


async def two_faults(sim: Simulation) -> None:
    """Fails when the disk and the network fail in one of ten rounds, whatever else happens."""
    for _ in range(10):
        happened = [sim.chance(name, 0.5) for name in ("disk", "network", "coffee")]
        if happened[0] and happened[1]:
            raise PropertyError("both")


async def overtaken(sim: Simulation) -> None:
    """Fails when the last of five tasks comes before the first."""
    order: list[int] = []

    async def step(number: int) -> None:
        await trio.lowlevel.checkpoint()
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(step, number)
    if order.index(4) < order.index(0):
        raise PropertyError("overtaken")
    sim.note(str(order))


def _first_failure(scenario: object, scheduler: str) -> Run:
    for seed in range(100):
        run = simulate(scenario, Plan(seed=seed, scheduler=scheduler))  # type: ignore[arg-type]
        if run.failure is not None and sum(map(sum, run.choices.values())) > 4:
            return run
    raise AssertionError("no seed fails")


def test_only_the_faults_that_were_needed_are_left() -> None:
    shrunk = shrink(two_faults, _first_failure(two_faults, "fifo"))
    assert str(shrunk.run.failure) == "both"
    left = {name: sum(row) for name, row in shrunk.run.choices.items() if any(row)}
    assert left == {"disk": 1, "network": 1}
    assert shrunk.choices == 2 < shrunk.choices_before


@pytest.mark.parametrize("scheduler", ["shuffle", "walk", "pct:2"])
def test_only_the_overtaking_that_matters_is_left(scheduler: str) -> None:
    failed = _first_failure(overtaken, scheduler)
    shrunk = shrink(overtaken, failed)
    assert 1 <= shrunk.choices < shrunk.choices_before
    for place in (place for place, choice in enumerate(shrunk.run.choices["tasks"]) if choice):
        fewer = [*shrunk.run.choices["tasks"]]
        fewer[place] = 0
        plan = replace(shrunk.run.plan, choices={"tasks": fewer})
        assert simulate(overtaken, plan).failure is None, "each of them matters"
    again = simulate(overtaken, shrunk.run.plan)
    assert again.digest == shrunk.run.digest
    assert str(again.failure) == "overtaken"


def test_crashes_that_did_not_matter_are_dropped() -> None:
    async def dies(sim: Simulation) -> None:
        async def boot(life: Life) -> None:
            for _ in range(5):
                await trio.sleep(1)
            if life.number > 1:
                raise PropertyError("a second life")

        await sim.node("machine", boot).run()

    crashes = (Crash("machine", 2), Crash("machine", 999))
    failed = simulate(dies, Plan(seed=1, crashes=crashes))
    assert shrink(dies, failed).run.plan.crashes == (Crash("machine", 2),)


def test_what_did_not_fail_is_not_shrunk() -> None:
    async def fine(_: Simulation) -> None:
        pass

    with pytest.raises(ValueError, match="did not fail"):
        shrink(fine, simulate(fine, Plan(seed=1)))


def test_another_failure_is_not_taken_for_this_one() -> None:
    """Without the second fault it fails as well, but differently: that is no shrinking."""

    async def either(sim: Simulation) -> None:
        first, second = sim.chance("first", 0.5), sim.chance("second", 0.5)
        if first and second:
            raise PropertyError("both")
        if first or second:
            raise PropertyError("one")

    failed = next(
        run
        for seed in range(50)
        if str((run := simulate(either, Plan(seed=seed))).failure) == "both"
    )
    assert str(shrink(either, failed).run.failure) == "both"


def test_the_values_of_an_assert_do_not_make_it_another_failure() -> None:
    async def pays(sim: Simulation) -> None:
        paid = [number for number in range(10) if not sim.chance("answer lost", 0.5)]
        sim.chance("coffee", 0.5)
        assert len(paid) >= 9, f"only {len(paid)} of 10 are paid"

    failed = next(
        run
        for seed in range(50)
        if (run := simulate(pays, Plan(seed=seed))).sometimes.get("answer lost", 0) > 4
    )
    shrunk = shrink(pays, failed)
    assert str(shrunk.run.failure).startswith("only 8 of 10 are paid")
    assert shrunk.choices == 2


def test_no_more_runs_are_spent_than_were_given() -> None:
    async def scenario(sim: Simulation) -> None:
        flips = [sim.chance("coin", 0.5) for _ in range(40)]
        if any(flips):
            raise PropertyError("heads")

    crashes = tuple(Crash("nobody", step) for step in range(1, 6))
    failed = simulate(scenario, Plan(seed=1, crashes=crashes))
    assert shrink(scenario, failed, runs_max=3).runs == 3
