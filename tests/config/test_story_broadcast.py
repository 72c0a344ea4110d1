"""The fourth chapter on a shop in memory: it holds, and whatever may go wrong is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import Session, State
from adapters.memory.database import MemoryDatabase
from adapters.memory.sessions import MemorySessions
from config.story_broadcast import Announcement
from config.story_stage import FIRST_BUYER, Stage, Step, StepFailed
from config.story_world import NUMBERS_A_SECOND
from tests.adapters.sandbox.calls import virtual_now
from tests.config.staged import staged

NAMES = [
    "an operator writes to many people",
    "meanwhile one of them asks /status",
    "everybody has one outcome",
]


async def told_by(
    folder: Path, *, before: Callable[[Stage], None] = lambda _: None, **more: str
) -> list[Step]:
    """The chapter as a buyer lives it who has registered."""
    database = MemoryDatabase(now=virtual_now)
    buyer = ChatId(FIRST_BUYER)
    session = Session(chat_id=buyer, state=State.SUCCESS, record_id=RecordId(1), first_name="Ada")
    await MemorySessions(database.connect()).save(session)
    async with staged(folder, database=database, alter=lambda _: None, **more) as (stage, told):
        before(stage)
        user = stage.world.telegram.user(buyer, "Ada", language_code="en")
        user.chat.started = True
        try:
            await Announcement(stage, user).tell()
        except StepFailed:
            assert not told[-1].ok
            raise
    return told


async def test_it_holds(tmp_path: Path) -> None:
    told = await told_by(tmp_path)

    assert [step.name for step in told] == NAMES
    assert all(step.ok and step.said for step in told)
    begun, answered, ended = (dict(step.figures) for step in told)
    assert begun == {"recipients": 100}
    assert answered["answer_seconds"] < 0.2  # in virtual time: what the dispatcher lets him wait
    assert 50 < answered["pending"] < 100
    assert ended.pop("seconds") == pytest.approx(100 / 28, rel=0.2)
    assert ended == {"sent": 99, "blocked": 1, "failed": 0, "unknown": 0, "limit_violations": 0}


async def test_it_notices_that_an_answer_waits_for_the_broadcast(tmp_path: Path) -> None:
    def shut_the_ears(stage: Stage) -> None:
        stage.world.telegram.hang_next(1, 6.0, method="getupdates")  # longer than the broadcast

    with pytest.raises(StepFailed, match="when he was answered the broadcast was finished"):
        await told_by(tmp_path, before=shut_the_ears)


async def test_it_notices_that_the_operator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="set ADMIN_CHAT_ID"):
        await told_by(tmp_path, ADMIN_CHAT_ID="")


async def test_it_notices_who_breaks_telegrams_limits(tmp_path: Path) -> None:
    def break_them(stage: Stage) -> None:
        stage.world.telegram.limits.violations += 1

    with pytest.raises(StepFailed, match="limits were broken 1 times"):
        await told_by(tmp_path, before=break_them)


async def test_it_notices_who_is_not_reached(tmp_path: Path) -> None:
    def take_one_away(stage: Stage) -> None:
        first = int(virtual_now().timestamp()) * NUMBERS_A_SECOND
        stage.world.telegram.user(first, "Gone").deactivates()

    with pytest.raises(StepFailed, match="'sent': 98, 'blocked': 2"):
        await told_by(tmp_path, before=take_one_away)
