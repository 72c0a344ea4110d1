"""The third chapter on a shop in memory: it holds, and whatever may go wrong is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import Session, State
from adapters.memory.database import MemoryDatabase
from adapters.memory.sessions import MemorySessions
from config.story_relay import Conversation
from config.story_stage import FIRST_BUYER, Stage, Step, StepFailed
from tests.adapters.sandbox.calls import virtual_now
from tests.config.staged import staged

NAMES = [
    "he asks a question, in two messages",
    "the scenario at Make is switched off",
    "it is switched on again, and an operator says so",
]


async def told_by(
    folder: Path, *, before: Callable[[Stage], None] = lambda _: None, **more: str
) -> list[Step]:
    """The chapter as a buyer lives it who has registered."""
    database = MemoryDatabase(now=virtual_now)
    buyer = ChatId(FIRST_BUYER)
    session = Session(chat_id=buyer, state=State.SUCCESS, record_id=RecordId(1), view_version=0)
    await MemorySessions(database.connect()).save(session)
    async with staged(folder, database=database, alter=lambda _: None, **more) as (stage, told):
        before(stage)
        user = stage.world.telegram.user(buyer, "Ada", language_code="en")
        await Conversation(stage, user).tell()
    return told


async def test_it_holds(tmp_path: Path) -> None:
    told = await told_by(tmp_path)
    assert [step.name for step in told] == NAMES
    assert all(step.ok and step.said for step in told)
    assert sum(step.seconds for step in told) < 30


async def test_it_notices_that_nothing_is_relayed(tmp_path: Path) -> None:
    with pytest.raises(StepFailed):
        await told_by(tmp_path, MAKE_WEBHOOK_URL="")


async def test_it_notices_that_an_event_is_refused(tmp_path: Path) -> None:
    def refuse(stage: Stage) -> None:
        stage.world.make.fail_next(5, 403)

    with pytest.raises(StepFailed):
        await told_by(tmp_path, before=refuse)
