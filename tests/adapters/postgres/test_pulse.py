"""A connection that nobody uses is asked as well, and asked one question at a time."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from actors.kernel.failures import Unavailable
from adapters.postgres.pulse import BEAT_SECONDS, QUESTION, Pulse
from adapters.postgres.refusals import AnotherProcessRuns
from adapters.postgres.session import connect
from adapters.postgres.writer import DatabaseActor, Execute, Statistics
from runtime import Actor, ActorSystem, ChildSpec, ReplyLater, SupervisionError, SupervisorSpec
from runtime.testing import running
from tests.adapters.postgres.store import execute

SOON_SECONDS = 15.0


class Busy(Actor[Execute]):
    """A writer whose server takes its time."""

    def __init__(self, *, questions: list[ReplyLater]) -> None:
        super().__init__()
        self._questions = questions

    def on_receive(self, message: Execute) -> None:
        assert message == QUESTION
        self._questions.append(self.reply_later())


async def test_it_asks_at_each_beat_and_not_while_a_question_is_open() -> None:
    questions: list[ReplyLater] = []
    async with running() as system:
        writer = system.spawn(lambda: Busy(questions=questions), name="writer")
        system.spawn(lambda: Pulse(writer=lambda: writer), name="pulse")
        await trio.sleep(BEAT_SECONDS + 0.1)
        assert len(questions) == 1
        await trio.sleep(100 * BEAT_SECONDS)
        assert len(questions) == 1

        questions.pop().set([])
        await trio.sleep(BEAT_SECONDS)
        assert len(questions) == 1
        questions.pop().set_exception(Unavailable("it is away"))
        await trio.sleep(BEAT_SECONDS)
        assert len(questions) == 1
        questions.pop().set([])


async def test_an_idle_process_whose_place_was_taken_gives_way(database_url: str) -> None:
    writer = partial(
        DatabaseActor,
        conninfo=database_url,
        role="writer",
        statistics=Statistics(),
        patience_seconds=0.1,
    )
    tree = SupervisorSpec(
        name="root",
        children=(
            ChildSpec(name="writer", factory=writer),
            ChildSpec(
                name="pulse", factory=lambda: Pulse(writer=lambda: system.ref("root/writer"))
            ),
        ),
    )
    system = ActorSystem(tree)

    async def be_usurped() -> None:
        async with system:
            execute(database_url, _END_THE_WRITER)
            with connect(database_url, "writer", owner="usurper"):
                await trio.sleep(SOON_SECONDS)

    with pytest.raises(SupervisionError) as ended:
        await be_usurped()
    assert isinstance(ended.value.__cause__, AnotherProcessRuns)


_END_THE_WRITER = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'factorage writer%' and datname = current_database()
"""
