"""The story is checked: a step that does not hold ends it, and says why."""

from __future__ import annotations

import trio

from config.settings import load_settings
from config.story import FIRST_BUYER, STARTS, Step, Story
from config.wiring import running_shop
from tests.config.program import outside


async def test_it_ends_at_the_first_step_that_does_not_hold(database_url: str) -> None:
    told: list[Step] = []
    async with outside() as world:
        settings = load_settings(world.environment(DATABASE_URL=database_url))
        async with running_shop(settings) as shop:
            story = Story(shop, world.telegram, world.nocodb, told.append, started_seconds=3.0)

            await story.run()

    # There is no server of ours that could be killed.
    assert (story.ok, story.failed) == (False, True)
    assert [step.ok for step in told] == [True] * 5 + [False]
    assert told == story.steps
    assert told[-1].said == "there is no embedded server"
    assert told[0].name == STARTS
    assert told[0].seconds >= 3.0
    assert story.restarts == 1


async def test_broken_off_it_has_neither_held_nor_failed(database_url: str) -> None:
    told: list[Step] = []
    async with outside() as world:
        world.telegram.hang_next(100, 60.0, method="sendmessage")
        settings = load_settings(world.environment(DATABASE_URL=database_url))
        async with running_shop(settings) as shop:
            story = Story(shop, world.telegram, world.nocodb, told.append, started_seconds=0.1)

            with trio.move_on_after(0.5):
                await story.run()

    assert (story.ok, story.failed) == (False, False)
    assert [step.name for step in told] == [STARTS]
    assert [step.ok for step in story.steps] == [True, False]


async def test_a_kept_database_gives_the_story_a_buyer_of_its_own(database_url: str) -> None:
    settings = {"DATABASE_URL": database_url}
    async with (
        outside() as world,
        running_shop(load_settings(world.environment(**settings))) as shop,
    ):
        world.telegram.user(FIRST_BUYER).commands("/start")
        await world.telegram.user(FIRST_BUYER).sees("Which language")
    async with (
        outside() as world,
        running_shop(load_settings(world.environment(**settings))) as shop,
    ):
        story = Story(shop, world.telegram, world.nocodb, lambda _: None, started_seconds=0.1)

        with trio.move_on_after(0.5):
            await story.run()

        assert world.telegram.user(FIRST_BUYER + 1).screen().shown
