"""Every message has exactly one fate, in the order in which it was told, whatever happens.

`make test` runs the simulations with many more seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from runtime import ActorSystem, RealWorld
from runtime.dispatch import Dispatch
from runtime.testing import TestSystem
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation
from tests.runtime.turmoil import (
    DEEDS,
    THREAD_DEEDS,
    ThreadedVictim,
    Victim,
    World,
    either,
    shuffled,
    stir,
    tree,
)

STEPS = 300


@simulation(seeds=1)
async def test_every_message_has_one_fate_in_turmoil(sim: Simulation) -> None:
    """As in production: turns of many messages, and who asks helps."""
    world = await _survive(sim, either, Dispatch(ready=sim.scheduler.ready_queue(sim.trace.write)))
    assert world.helped > 0


@simulation(seeds=1)
async def test_it_does_where_nobody_can_be_helped(sim: Simulation) -> None:
    """Coroutine functions only."""
    world = await _survive(sim, Victim, Dispatch(ready=sim.scheduler.ready_queue(sim.trace.write)))
    assert world.helped == 0


@simulation(seeds=1)
async def test_it_does_wherever_a_turn_ends(sim: Simulation) -> None:
    """A message a turn: whoever is ready may come between any two."""
    world = await _survive(sim, either, sim.dispatch)
    assert world.helped == 0


async def _survive(sim: Simulation, kind: Callable[[World], Victim], dispatch: Dispatch) -> World:
    world = World(sim.seed)
    system = TestSystem(tree(world, kind), sim.world("system"), dispatch=dispatch)
    async with system:
        world.system = system
        await stir(world, steps=STEPS, deeds=DEEDS, calm_seconds=0.05)
        assert system.fates().lost == 0, system.fates()
        await trio.sleep(30)
        await system.settle()
        assert system.fates().lost == 0, system.fates()
        _judge(world, system)
    system.check_fates()
    return world


def _judge(world: World, system: TestSystem) -> None:
    assert list(world.strangers()) == []
    assert world.overlaps == [], "two handlers of one actor at once"
    assert world.handled
    bugs = [dead for dead in system.dead_letters if isinstance(dead.error, AssertionError)]
    assert bugs == []


@pytest.mark.real_clock
@pytest.mark.parametrize("seed", range(2))
async def test_threads_keep_the_same_promises(seed: int) -> None:
    world = World(seed)
    async with ActorSystem(tree(world, ThreadedVictim), world=RealWorld()) as system:
        world.system = system
        await stir(world, steps=STEPS, deeds=THREAD_DEEDS, calm_seconds=0.01)
        await trio.sleep(0.5)
    fates = system.fates()
    assert fates.queued == 0, fates
    assert fates.lost == 0, fates
    assert list(world.strangers()) == []


@pytest.mark.parametrize("kind", [Victim, either])
async def test_a_system_cancelled_from_outside_leaves_nothing_without_a_fate(
    kind: Callable[[World], Victim],
) -> None:
    for seed in range(20):
        world = World(seed)
        system = ActorSystem(tree(world, kind), threads="inline")
        with shuffled(seed), trio.move_on_after(0.2):
            async with system:
                world.system = system
                await stir(world, steps=STEPS, deeds=DEEDS, calm_seconds=0.05)
        fates = system.fates()
        assert (fates.queued, fates.lost) == (0, 0), fates
