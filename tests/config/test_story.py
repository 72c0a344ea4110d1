"""The story is checked: a step that does not hold ends it, and says why."""

from __future__ import annotations

from pathlib import Path

import trio

from adapters.memory.database import MemoryDatabase
from config.story import STARTS, Story
from config.story_stage import FIRST_BUYER, Step
from config.story_world import World
from tests.adapters.sandbox.calls import virtual_now
from tests.config.staged import shop_in


async def test_it_ends_at_the_first_step_that_does_not_hold(tmp_path: Path) -> None:
    told: list[Step] = []
    world = World(now=virtual_now)
    async with shop_in(world, tmp_path) as shop:
        story = Story(shop, world, told.append, started_seconds=3.0)

        await story.run()

    # There is no server of ours that could be killed.
    assert (story.ok, story.failed) == (False, True)
    assert [step.ok for step in told] == [True] * 5 + [False]
    assert told == story.steps
    assert told[-1].said == "there is no embedded server"
    assert told[0].name == STARTS
    assert told[0].seconds >= 3.0
    assert story.restarts == 1


async def test_broken_off_it_has_neither_held_nor_failed(tmp_path: Path) -> None:
    told: list[Step] = []
    world = World(now=virtual_now)
    world.telegram.hang_next(100, 60.0, method="sendmessage")
    async with shop_in(world, tmp_path) as shop:
        story = Story(shop, world, told.append, started_seconds=0.1)

        with trio.move_on_after(0.5):
            await story.run()

    assert (story.ok, story.failed) == (False, False)
    assert [step.name for step in told] == [STARTS]
    assert [step.ok for step in story.steps] == [True, False]


async def test_restarts_are_counted_as_supervisors_announce_them(tmp_path: Path) -> None:
    world = World(now=virtual_now)
    async with shop_in(world, tmp_path) as shop:
        story = Story(shop, world, lambda _: None, started_seconds=0.1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(story.run)
            await trio.sleep(0.01)
            shop.system.ref("root/reconciler").kill(RuntimeError("on purpose"))

    assert story.restarts == 2  # and the session, whose restart is a step of the story


async def test_a_kept_database_gives_the_story_a_buyer_of_its_own(tmp_path: Path) -> None:
    database = MemoryDatabase(now=virtual_now)
    for _ in range(2):
        world = World(now=virtual_now)
        async with shop_in(world, tmp_path, database=database) as shop:
            story = Story(shop, world, lambda _: None, started_seconds=0.1)

            await story.run()

    waiting = [row for row in world.nocodb.rows if row["ChatId"] in {FIRST_BUYER, FIRST_BUYER + 1}]
    assert [row["Id"] for row in waiting] == [1, 2]  # the first one waits in this world, too
    assert not world.telegram.user(FIRST_BUYER).screen().find("Which language")
    assert world.telegram.user(FIRST_BUYER + 1).screen().shown
