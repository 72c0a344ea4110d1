"""A step is told once it is over, with the reason if it did not hold; a newcomer is new."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from adapters.sandbox.telegram_user import CannotDo
from config.story_stage import FIRST_BUYER, STEP_SECONDS, StepFailed
from runtime import Unavailable
from tests.config.staged import staged


async def test_a_step_that_holds_is_told_with_its_length(tmp_path: Path) -> None:
    async with (
        staged(tmp_path) as (stage, told),
        stage.step("he waits", began_before_seconds=2.0) as step,
    ):
        await trio.sleep(3)
        step.said = "he has waited"
        assert told == []

    assert told == stage.steps == [step]
    assert (step.ok, step.said) == (True, "he has waited")
    assert step.seconds == pytest.approx(5.0)


@pytest.mark.parametrize(
    "failure",
    [
        StepFailed("why"),
        CannotDo("why"),
        AssertionError("why"),
        Unavailable("why"),
    ],
)
async def test_a_step_that_does_not_hold_says_why(tmp_path: Path, failure: Exception) -> None:
    async with staged(tmp_path) as (stage, told):
        with pytest.raises(StepFailed, match="why"):
            async with stage.step("he waits"):
                raise failure

    assert [(step.ok, step.said) for step in told] == [(False, "why")]


async def test_what_does_not_come_is_not_awaited_for_ever(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with staged(tmp_path) as (stage, told):
        with pytest.raises(StepFailed):
            async with stage.step("he waits"):
                await stage.until(never)

    assert told[0].said == "TooSlowError"
    assert told[0].seconds == pytest.approx(STEP_SECONDS)


async def test_a_step_that_was_broken_off_is_not_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as (stage, told):
        with trio.move_on_after(1):
            async with stage.step("he waits"):
                await trio.sleep_forever()

    assert told == []
    assert [step.ok for step in stage.steps] == [False]


async def test_a_newcomer_has_neither_written_nor_bought_before(tmp_path: Path) -> None:
    async with staged(tmp_path) as (stage, _):
        talker, buyer = (stage.world.telegram.user(FIRST_BUYER + n) for n in range(2))
        talker.commands("/start")
        await talker.sees("Which language")
        buyer.commands("/buy")
        await buyer.sees("What would you like to buy?")
        buyer.presses("Notes on the Engine")
        await buyer.sees("How would you like to pay?")
        buyer.presses("100 XTR, Telegram Stars")
        await buyer.sees("Please pay by")

        newcomers = [await stage.newcomer("Grace"), await stage.newcomer("Charles")]

    assert [person.id for person in newcomers] == [FIRST_BUYER + 2, FIRST_BUYER + 3]
    assert newcomers[0].account.first_name == "Grace"
