"""Dispatch: a simulation takes one message a step, and chooses whose."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest
import trio
import trio.testing

from runtime import Actor, Dispatch, VirtualWorld
from runtime.cell import Cell
from runtime.testing import TestSystem
from tests.runtime.turmoil import DEEDS, World, shuffled, stir, tree


class Lots(deque[Cell]):
    """A queue from which chance takes."""

    luck: random.Random

    def popleft(self) -> Cell:
        self.rotate(-self.luck.randrange(len(self)))
        return super().popleft()


def stepwise(seed: int) -> Dispatch:
    def ready() -> Lots:
        lots = Lots()
        lots.luck = random.Random(seed)
        return lots

    return Dispatch(turn_messages_max=1, lead_turns_max=1, ready=ready, helps=False)


class Notes(Actor[Any]):
    """Notes at which step of trio it handled what."""

    def __init__(self, steps: Steps, into: list[tuple[str, int, int]]) -> None:
        super().__init__()
        self._steps, self._into = steps, into

    def on_receive(self, message: int) -> int:
        self._into.append((self.actor_urn, message, self._steps.count))
        return message


class Steps(trio.abc.Instrument):
    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += 1


async def _three_actors_with_ten_messages(dispatch: Dispatch) -> list[tuple[str, int, int]]:
    handled: list[tuple[str, int, int]] = []
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    async with TestSystem(None, VirtualWorld(), dispatch=dispatch) as system:
        refs = [system.spawn(lambda: Notes(steps, handled), name=name) for name in "abc"]
        await system.settle()
        for number in range(10):
            for ref in refs:
                ref.tell(number)
        await system.settle()
    trio.lowlevel.remove_instrument(steps)
    return handled


async def test_one_message_is_one_step() -> None:
    handled = await _three_actors_with_ten_messages(stepwise(1))
    assert len({step for _, _, step in handled}) == 30


async def test_with_nothing_left_to_do_the_leader_rests_in_the_same_step() -> None:
    dispatch, steps = stepwise(1), Steps()
    async with TestSystem(None, VirtualWorld(), dispatch=dispatch) as system:
        ref = system.spawn(lambda: Notes(steps, []), name="notes")
        await system.settle()
        trio.lowlevel.add_instrument(steps)
        ref.tell(1)
        await trio.testing.wait_all_tasks_blocked()
        trio.lowlevel.remove_instrument(steps)
    assert steps.count == 2  # his, and ours again


async def test_the_queue_chooses_whose_turn_it_is_and_each_actors_messages_stay_in_order() -> None:
    usual = [who for who, _, _ in await _three_actors_with_ten_messages(Dispatch())]
    orders = set()
    for seed in range(10):
        handled = await _three_actors_with_ten_messages(stepwise(seed))
        orders.add(tuple(who for who, _, _ in handled))
        for name in set(usual):
            assert [number for who, number, _ in handled if who == name] == list(range(10))
    assert usual == sorted(usual), "in production one actor handles all ten in one turn"
    assert len(orders) == 10


@pytest.mark.parametrize("seed", range(5))
async def test_every_message_has_one_fate_in_any_order_of_steps(seed: int) -> None:
    world = World(seed)
    with shuffled(seed):
        system = TestSystem(tree(world), VirtualWorld(seed=seed), dispatch=stepwise(seed))
        async with system:
            world.system = system
            await stir(world, steps=200, deeds=DEEDS, calm_seconds=0.05)
            await trio.sleep(30)
        system.check_fates()
        assert list(world.strangers()) == []
        assert world.overlaps == []
