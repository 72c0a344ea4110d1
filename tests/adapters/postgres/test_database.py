"""Operations are asked of the right actor, bounded, refused when they cannot be stored."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import trio

from actors.kernel.failures import Conflict, Unavailable
from adapters.postgres.database import (
    ANSWER_SECONDS,
    IN_FLIGHT_MAX,
    PARAMETER_LENGTH_MAX,
    SLOW_SECONDS,
    Database,
    Statement,
)
from adapters.postgres.writer import DATABASE_PATIENCE_SECONDS, Execute
from runtime import Actor, ActorRef, ReplyLater, message
from runtime.testing import TestSystem, running

SAVE = Statement("insert into t values (%(a)s)", {"a": 1})


def note(number: int) -> Statement:
    return Statement("insert into t values (%(a)s)", {"a": number})


def numbers(asked: Sequence[Execute]) -> list[object]:
    return [each.statements[0].params["a"] for each in asked]


@message
class Answer:
    """Answer everything that was asked so far with this, and what comes from now on at once."""

    rows: list[Any] | Exception


@message
class AnswerAll:
    """Answer everything that was asked so far, and nothing else."""


class Desk(Actor[Execute | Answer | AnswerAll]):
    """In the place of a connection: keeps what it was asked until it is told the answer."""

    def __init__(self, asked: list[Execute]) -> None:
        super().__init__()
        self._asked = asked
        self._held: list[ReplyLater] = []
        self._answer: Answer | None = None

    def on_receive(self, message: Execute | Answer | AnswerAll) -> None:
        if isinstance(message, Execute):
            self._asked.append(message)
            self._held.append(self.reply_later())
        elif isinstance(message, Answer):
            self._answer = message
        else:
            self._give([[]])
        if self._answer is not None:
            self._give(self._answer.rows)

    def _give(self, rows: list[Any] | Exception) -> None:
        held, self._held = self._held, []
        for reply in held:
            if isinstance(rows, Exception):
                reply.set_exception(rows)
            else:
                reply.set(rows)


@dataclass
class Parts:
    """A database whose actors do nothing unless they are told."""

    system: TestSystem
    database: Database
    refs: dict[str, ActorRef[Any]]
    asked: dict[str, list[Execute]]


@asynccontextmanager
async def parts() -> AsyncIterator[Parts]:
    names = ("writer", "first", "second")
    asked: dict[str, list[Execute]] = {name: [] for name in names}
    async with running() as system:
        refs = {name: system.spawn(partial(Desk, asked[name]), name=name) for name in names}
        database = Database(
            writer=lambda: refs["writer"],
            readers=[lambda: refs["first"], lambda: refs["second"]],
        )
        yield Parts(system, database, refs, asked)


async def test_a_write_is_one_operation_of_the_writer() -> None:
    async with parts() as the:
        the.refs["writer"].tell(Answer(rows=[[], [{"n": 1}]]))
        assert await the.database.write(SAVE, SAVE) == [[], [{"n": 1}]]
        assert the.asked["writer"] == [Execute(statements=(SAVE, SAVE))]


async def test_nothing_to_write_is_written_at_once() -> None:
    async with parts() as the:
        assert await the.database.write() == []
        assert the.asked["writer"] == []


async def test_readers_take_turns() -> None:
    async with parts() as the:
        for name in ("first", "second"):
            the.refs[name].tell(Answer(rows=[[{"name": name}]]))
        told = [await the.database.read("select 1") for _ in range(4)]
        assert told == [[{"name": "first"}], [{"name": "second"}]] * 2


@pytest.mark.parametrize(
    "bad",
    [
        "\0",
        "a\0b",
        "\ud800",
        ["fine", "\0"],
        ("\udfff",),
        "x" * (PARAMETER_LENGTH_MAX + 1),
        b"x" * (PARAMETER_LENGTH_MAX + 1),
    ],
    ids=["nul", "nul inside", "surrogate", "in a list", "in a tuple", "huge text", "huge bytes"],
)
async def test_what_postgresql_cannot_hold_is_refused_before_it_is_sent(bad: object) -> None:
    async with parts() as the:
        with pytest.raises(ValueError, match="the parameter name"):
            await the.database.write(SAVE, Statement("select %(name)s", {"name": bad}))
        with pytest.raises(ValueError, match="the parameter name"):
            await the.database.read("select %(name)s", {"name": bad})
        assert not any(the.asked.values())


@pytest.mark.parametrize("good", ["Ї 🦔", "", "\x01\x7f", b"\0", None, 1, ["a", None], []])
async def test_what_postgresql_can_hold_goes_through(good: object) -> None:
    async with parts() as the:
        the.refs["writer"].tell(Answer(rows=[[]]))
        await the.database.write(Statement("select %(name)s", {"name": good}))


async def test_who_comes_when_too_many_are_under_way_waits() -> None:
    async with parts() as the, trio.open_nursery() as nursery:
        for _ in range(IN_FLIGHT_MAX + 3):
            nursery.start_soon(the.database.write, SAVE)
        await the.system.settle()
        assert len(the.asked["writer"]) == IN_FLIGHT_MAX
        the.refs["first"].tell(Answer(rows=[[]]))
        await the.database.read("select 1")  # reads have places of their own
        the.refs["writer"].tell(Answer(rows=[[]]))
        await the.system.settle()
        assert len(the.asked["writer"]) == IN_FLIGHT_MAX + 3


@pytest.mark.parametrize("writes", [100, 2 * IN_FLIGHT_MAX], ids=["a few", "too many"])
async def test_writes_reach_the_writer_in_the_order_in_which_they_were_asked_for(
    writes: int,
) -> None:
    called: list[int] = []

    async def write(database: Database, number: int) -> None:
        called.append(number)
        await database.write(note(number))

    async with parts() as the, trio.open_nursery() as nursery:
        for number in range(writes):
            nursery.start_soon(write, the.database, number)
            if number % 10 == 0:
                await trio.lowlevel.checkpoint()  # some come together, in any order, others later
        await the.system.settle()
        while len(the.asked["writer"]) < writes:
            the.refs["writer"].tell(AnswerAll())  # their places become free together
            # Who comes just then goes to the end of the line.
            nursery.start_soon(write, the.database, len(called))
            writes += 1
            await the.system.settle()
        the.refs["writer"].tell(Answer(rows=[[]]))
    assert numbers(the.asked["writer"]) == called


async def test_who_gives_up_in_the_line_lets_the_others_pass() -> None:
    async with parts() as the, trio.open_nursery() as nursery:
        for _ in range(IN_FLIGHT_MAX):
            nursery.start_soon(the.database.write, SAVE)
        await the.system.settle()
        with trio.move_on_after(1):
            await the.database.write(note(1))
        nursery.start_soon(the.database.write, note(2))
        await the.system.settle()
        the.refs["writer"].tell(Answer(rows=[[]]))
    assert numbers(the.asked["writer"][IN_FLIGHT_MAX:]) == [2]
    assert _measured(the.database)["in_flight"] == 0


async def test_who_gives_up_gives_back_his_place() -> None:
    async with parts() as the:
        with trio.move_on_after(1):
            await the.database.write(SAVE)
        assert _measured(the.database)["in_flight"] == 0


async def test_the_answer_may_be_a_refusal() -> None:
    async with parts() as the:
        the.refs["writer"].tell(Answer(rows=Conflict("somebody was faster")))
        with pytest.raises(Conflict, match="faster"):
            await the.database.write(SAVE)


async def test_no_answer_is_an_outage() -> None:
    async with parts() as the:
        began = trio.current_time()
        with pytest.raises(Unavailable):
            await the.database.write(SAVE)
        assert trio.current_time() - began == pytest.approx(ANSWER_SECONDS)


async def test_a_stopped_writer_is_an_outage() -> None:
    async with parts() as the:
        await the.refs["writer"].stop()
        with pytest.raises(Unavailable):
            await the.database.write(SAVE)


async def test_the_report_says_how_long_it_has_been_away() -> None:
    database = Database(writer=_nobody, readers=[_nobody])
    seen = database.statistics
    assert database.report().status == "warn"

    seen.connected = True
    assert database.report().status == "pass"
    assert database.report().output == ""

    seen.connected, seen.trouble = False, "connection refused"
    seen.away_since = time.monotonic()
    assert database.report().status == "warn"
    assert "connection refused" in database.report().output

    seen.away_since = time.monotonic() - DATABASE_PATIENCE_SECONDS - 1
    assert database.report().status == "fail"
    assert _measured(database)["away_seconds"] == pytest.approx(
        DATABASE_PATIENCE_SECONDS + 1, abs=5
    )


async def test_a_server_that_keeps_its_connection_and_says_nothing_is_reported() -> None:
    database = Database(writer=_nobody, readers=[_nobody])
    seen = database.statistics
    seen.connected, seen.asked_since = True, time.monotonic()
    assert database.report().status == "pass"

    seen.asked_since = time.monotonic() - SLOW_SECONDS - 1
    assert database.report().status == "warn"
    assert "has not answered" in database.report().output

    seen.asked_since = time.monotonic() - DATABASE_PATIENCE_SECONDS - 1
    assert database.report().status == "fail"

    seen.asked_since = None
    assert database.report().status == "pass"


async def test_the_report_counts() -> None:
    database = Database(writer=_nobody, readers=[_nobody])
    seen = database.statistics
    seen.batches, seen.operations, seen.failed, seen.reconnects = 2, 7, 1, 3

    measured = _measured(database)
    assert measured["batches_total"] == 2
    assert measured["operations_total"] == 7
    assert measured["failed_total"] == 1
    assert measured["reconnects_total"] == 3


def _nobody() -> ActorRef[Any]:
    raise AssertionError("nobody should be asked")


def _measured(database: Database) -> dict[str, float]:
    return {each.name: each.value for each in database.report().measurements}
