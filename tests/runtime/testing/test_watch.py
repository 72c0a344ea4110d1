"""An actor can be killed at each of its steps, alone, and what it was told has its fate."""

from __future__ import annotations

import pytest
import trio

from runtime import Actor, Backoff, ChildSpec, SupervisorSpec
from runtime.testing.crashes import crash_everywhere
from runtime.testing.node import Crash, Life
from runtime.testing.report import check
from runtime.testing.simulation import Plan, Simulation, simulate

TREE = SupervisorSpec(
    name="root",
    children=(
        ChildSpec(
            name="clerk",
            factory=lambda: Clerk(),  # noqa: PLW0108 - defined below
            backoff=Backoff(first_seconds=0.1, last_seconds=0.1),
        ),
    ),
)


class Clerk(Actor[str]):
    """Takes two naps over each message, and writes it down in between."""

    written: list[str]

    async def on_receive(self, message: str) -> None:
        await trio.sleep(1)
        self.written.append(message)
        await trio.sleep(1)


async def two_letters(sim: Simulation) -> None:
    Clerk.written = []
    async with sim.running(TREE) as system:
        for letter in ("first", "second"):
            system.ref("root/clerk").tell(letter)
        await trio.sleep(10)
        dead = [letter.message for letter in system.dead_letters]
    sim.note(f"written {Clerk.written}, dead {dead}")
    killed = len(sim.plan.crashes)
    assert len(dead) <= killed
    assert {*Clerk.written, *dead} == {"first", "second"}
    assert Clerk.written == sorted(Clerk.written)


def test_it_can_be_killed_at_each_of_its_steps_and_at_every_two() -> None:
    runs = list(crash_everywhere(two_letters, Plan(seed=1), node="root/clerk", pairs=True))
    assert [run.failure for run in runs] == [None] * len(runs)
    steps = runs[0].node_steps["root/clerk"]
    assert steps == 8, "its start, two messages of three steps each, its stop"
    stories = {event for run in runs for event in run.events if "written" in event}
    assert len({story.partition("written")[2] for story in stories}) > 3


def test_a_kill_is_noted_and_counted() -> None:
    plan = Plan(seed=1, crashes=(Crash("root/clerk", 3),))
    run = simulate(two_letters, plan, keep=None)
    assert run.sometimes == {"crash of root/clerk": 1}
    assert sum("crash: root/clerk@3" in event for event in run.events) == 1


@pytest.mark.parametrize("step", [0, 99])
def test_a_step_that_never_comes_changes_nothing(step: int) -> None:
    undisturbed = simulate(two_letters, Plan(seed=1))
    plan = Plan(seed=1, crashes=(Crash("root/clerk", step),))
    assert simulate(two_letters, plan).digest == undisturbed.digest


def test_a_system_task_belongs_to_whoever_started_it() -> None:
    async def scenario(sim: Simulation) -> None:
        hosts: list[str] = []

        async def whose() -> None:
            hosts.append(sim.host_of())

        async def boot(_: Life) -> None:
            trio.lowlevel.spawn_system_task(whose)
            await trio.sleep(1)

        await sim.node("machine", boot).run()
        trio.lowlevel.spawn_system_task(whose)
        await trio.sleep(1)
        assert hosts == ["machine", "outside"]

    check(simulate(scenario, Plan(seed=1)))
