"""What must be true is looked at to the last step, and what cannot say so is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

from runtime.testing.clock import Livelock
from runtime.testing.node import Life
from runtime.testing.simulation import Plan, PropertyError, Simulation, simulate


class Till:
    """Good until somebody does something bad, which nobody waits for any more."""

    def __init__(self, sim: Simulation) -> None:
        self._bad: list[int] = []
        sim.always("nothing bad", lambda: not self._bad)

    async def last_step(self, *_: object) -> None:
        await trio.sleep(1)
        self._bad.append(1)


async def _of_the_scenario(sim: Simulation) -> None:
    await Till(sim).last_step()


async def _of_a_task(sim: Simulation) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Till(sim).last_step)


async def _of_a_node(sim: Simulation) -> None:
    async def boot(life: Life) -> None:
        await till.last_step(life)

    till = Till(sim)
    await sim.node("shop", boot).run()


async def _without_any_wait(sim: Simulation) -> None:
    bad: list[int] = []
    sim.always("nothing bad", lambda: not bad)
    bad.append(1)


@pytest.mark.parametrize("scenario", [_of_the_scenario, _of_a_task, _of_a_node, _without_any_wait])
@pytest.mark.parametrize("scheduler", ["fifo", "walk"])
def test_the_last_step_is_looked_at(scenario: Any, scheduler: str) -> None:
    run = simulate(scenario, Plan(seed=1, scheduler=scheduler))
    assert isinstance(run.failure, PropertyError)
    assert str(run.failure) == "not always true: nothing bad"


async def _never(*_: object) -> bool:
    return False


class Never:
    async def __call__(self) -> bool:
        return False


CHECKS: list[tuple[Callable[[], Any], str]] = [
    (_never, "write `def`, not `async def`"),
    (Never(), "write `def`, not `async def`"),
    (lambda: _never(None), "this one answers a coroutine"),
    (True, "and not True"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("check", "why"), CHECKS)
@pytest.mark.parametrize("how", ["always", "eventually"])
def test_a_check_that_would_have_to_be_awaited_is_refused(
    how: str, check: Callable[[], Any], why: str
) -> None:
    """A coroutine is true, whatever it would have answered."""

    async def scenario(sim: Simulation) -> None:
        if how == "always":
            sim.always("dry", check)
            await trio.sleep(1)
        else:
            await sim.eventually("dry", check, within=3)

    failure = simulate(scenario, Plan(seed=1)).failure
    assert isinstance(failure, TypeError)
    assert str(failure).startswith("dry: a check is a plain function")
    assert str(failure).endswith(why)


def test_steps_without_time_are_a_livelock() -> None:
    async def spins(sim: Simulation) -> None:
        sim.note("round and round")
        while True:
            await trio.lowlevel.checkpoint()

    failure = Simulation(Plan(seed=1)).run(spins, passes_max=1_000).failure
    assert isinstance(failure, Livelock)
    assert str(failure).startswith(
        "livelock: 1,000 passes of trio without the virtual clock moving"
    )
    assert "test_properties.py" in str(failure), "who ran last, and where"


def test_as_many_steps_in_time_are_none() -> None:
    async def goes_on(sim: Simulation) -> None:
        sim.note("on and on")
        for number in range(1_000):
            await trio.sleep(0 if number % 50 else 0.001)

    assert Simulation(Plan(seed=1)).run(goes_on, passes_max=100).failure is None
