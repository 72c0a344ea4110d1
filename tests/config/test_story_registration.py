"""The first chapter on a shop in memory: as far as there is no server to be killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.story_registration import Registration
from config.story_stage import StepFailed
from tests.config.staged import staged


async def test_it_tells_what_it_has_seen(tmp_path: Path) -> None:
    async with staged(tmp_path) as (stage, told):
        with pytest.raises(StepFailed):
            await Registration(stage, await stage.newcomer("Ada")).tell()

        assert [(row["Name"], row["Paid"]) for row in stage.world.nocodb.rows] == [
            ("Ada <Lovelace>", False)
        ]

    assert [step.ok for step in told] == [True] * 4 + [False]
    assert told[3].said == "record 1 stands in NocoDB, not paid yet"
    assert told[4].said == "there is no embedded server"
    assert stage.restarts == 1


async def test_a_record_that_was_not_made_is_noticed(tmp_path: Path) -> None:
    async with staged(tmp_path) as (stage, told):
        stage.world.nocodb.fail_next(1_000, 500)

        with pytest.raises(StepFailed):
            await Registration(stage, await stage.newcomer("Ada")).tell()

    assert told[-1].name == "he presses Save"
    assert "Ada does not see 'Waiting for your payment'" in told[-1].said
