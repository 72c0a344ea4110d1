"""What can go wrong on the way to a database in memory, and what its clients see of it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import trio

from actors.gateway.model import Entry
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.sessions.model import Session
from actors.tracker.model import Watch
from adapters.memory.database import (
    ANSWER_SECONDS,
    PATIENCE_SECONDS,
    ConnectionLost,
    Line,
    MemoryConnection,
    MemoryDatabase,
    MemoryWriter,
)
from adapters.memory.gateway import MemoryInbox
from adapters.memory.sessions import MemorySessions
from adapters.memory.tables import Tables
from adapters.memory.tracker import MemoryWatches
from runtime import ChildSpec, State, SupervisorSpec
from runtime.testing import TestSystem, running

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANNA = ChatId(7)

Operation = Callable[[Tables], Any]


Ask = Callable[[MemoryConnection], Awaitable[object]]


def save(connection: MemoryConnection) -> Awaitable[object]:
    """As a session does."""
    return MemorySessions(connection).save(Session(chat_id=ANNA), handled=UpdateId(1))


def add_update(connection: MemoryConnection) -> Awaitable[object]:
    """As the gateway does."""
    entry = Entry(UpdateId(1), "{}", chat_id=ANNA)
    return MemoryInbox(connection).add([entry], batch_id=UUID(int=1), at=NOON)


def finish(connection: MemoryConnection) -> Awaitable[object]:
    """As the gateway does."""
    return MemoryInbox(connection).finish(UpdateId(1), at=NOON)


def mark_paid(connection: MemoryConnection) -> Awaitable[object]:
    """As the tracker does."""
    watch = Watch(record_id=RecordId(1), chat_id=ANNA, cancelled=False, paid=False)
    return MemoryWatches(connection).mark_paid([watch])


def save_cursor(connection: MemoryConnection) -> Awaitable[object]:
    """As the tracker does."""
    return MemoryWatches(connection).save_cursor(NOON)


WRITES = (save, add_update, finish, mark_paid, save_cursor)


class Killed(BaseException):
    """The client is dead."""


class Wire(Line):
    """A line that does as it is told, once for each entry; None lets a request pass."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.outward: deque[Exception | None] = deque()
        self.back: deque[Exception | None] = deque()
        self.dead = False
        self.requests = 0

    def check(self) -> None:
        if self.dead:
            raise Killed

    async def sent(self) -> None:
        self.requests += 1
        await trio.sleep(self.seconds)
        self._stumble(self.outward)

    async def acknowledged(self) -> None:
        await trio.sleep(self.seconds)
        self._stumble(self.back)

    def _stumble(self, script: deque[Exception | None]) -> None:
        error = script.popleft() if script else None
        if error is not None:
            raise error


def add(value: int) -> Operation:
    """An operation that may be repeated and shows how often it was."""

    def add_(tables: Tables) -> int:
        tables.put_session(Session(chat_id=ChatId(len(tables.sessions)), step=value))
        return value

    return add_


def steps(connection: MemoryConnection) -> list[int]:
    return [session.step for session in connection.tables.sessions.values()]


@asynccontextmanager
async def served(wire: Line) -> AsyncIterator[MemoryConnection]:
    """A connection, and a writer's task that outlives no test."""
    connection = MemoryDatabase().connect(wire)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.serve)
        yield connection
        nursery.cancel_scope.cancel()


async def test_without_a_line_nothing_waits() -> None:
    connection = MemoryDatabase().connect()
    with trio.CancelScope() as scope:
        scope.cancel()
        assert await connection.write(add(1)) == 1
        assert await connection.read(lambda tables: len(tables.sessions)) == 1
    assert not scope.cancelled_caught


async def test_what_is_committed_outlives_the_connection() -> None:
    database = MemoryDatabase()
    await MemorySessions(database.connect()).save(Session(chat_id=ANNA))
    assert await MemorySessions(database.connect()).load(ANNA) == Session(chat_id=ANNA)


async def test_a_write_takes_the_way_there_and_back() -> None:
    async with served(Wire(seconds=1.5)) as connection:
        await connection.write(add(1))
        assert trio.current_time() == pytest.approx(3.0)
        await connection.read(lambda _: None)
        assert trio.current_time() == pytest.approx(6.0)


async def test_what_queued_up_meanwhile_shares_a_commit_in_the_order_of_asking() -> None:
    wire = Wire(seconds=1.0)
    async with served(wire) as connection:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(connection.write, add(number))
                await trio.sleep(0.01)
        assert steps(connection) == list(range(20))
        assert wire.requests == 2


async def test_a_write_that_is_refused_costs_its_neighbours_nothing() -> None:
    def refused(_: Tables) -> None:
        raise Conflict("somebody was faster")

    results: dict[int, object] = {}
    async with served(Wire(seconds=1.0)) as connection, trio.open_nursery() as nursery:

        async def ask(number: int, operation: Operation) -> None:
            try:
                results[number] = await connection.write(operation)
            except Conflict as conflict:
                results[number] = str(conflict)

        for number, operation in enumerate((add(1), add(2), refused, add(3))):
            nursery.start_soon(ask, number, operation)
            await trio.sleep(0.01)
    assert results == {0: 1, 1: 2, 2: "somebody was faster", 3: 3}


async def test_a_request_that_got_lost_is_made_again() -> None:
    wire = Wire()
    async with served(wire) as connection:
        wire.outward.extend([ConnectionLost("refused")] * 3)
        await connection.write(add(1))
        assert steps(connection) == [1]
        assert 0 < trio.current_time() < 1


async def test_a_commit_whose_acknowledgement_got_lost_is_done_again() -> None:
    wire = Wire()
    async with served(wire) as connection:
        wire.back.append(ConnectionLost("cut"))
        assert await connection.write(add(1)) == 1
        assert steps(connection) == [1, 1]


async def test_a_save_whose_acknowledgement_got_lost_is_a_conflict_as_in_postgresql() -> None:
    wire = Wire()
    async with served(wire) as connection:
        inbox, sessions = MemoryInbox(connection), MemorySessions(connection)
        await inbox.add([Entry(UpdateId(1), "{}", chat_id=ANNA)], batch_id=UUID(int=1), at=NOON)
        wire.back.append(ConnectionLost("cut"))
        with pytest.raises(Conflict):
            await sessions.save(Session(chat_id=ANNA), handled=UpdateId(1))
        assert await sessions.load(ANNA) == Session(chat_id=ANNA)


async def test_what_the_server_cannot_do_now_is_told_at_once_and_not_done() -> None:
    wire = Wire()
    async with served(wire) as connection:
        wire.outward.append(Unavailable("could not serialize access"))
        with pytest.raises(Unavailable, match="serialize"):
            await connection.write(add(1))
        assert steps(connection) == []
        assert trio.current_time() == 0
        await connection.write(add(2))
        assert steps(connection) == [2]


@pytest.mark.parametrize("ask", WRITES, ids=lambda ask: ask.__name__)
async def test_whoever_writes_hears_that_nothing_was_written(ask: Ask) -> None:
    wire = Wire()
    async with served(wire) as connection:
        wire.outward.append(Unavailable("could not serialize access"))
        with pytest.raises(Unavailable, match="serialize"):
            await ask(connection)


async def test_a_database_that_stays_away_is_waited_for_and_then_unavailable() -> None:
    wire = Wire()
    async with served(wire) as connection:
        for ask in (connection.write(add(1)), connection.read(len_sessions)):
            began = trio.current_time()
            wire.outward.extend([ConnectionLost("refused")] * 200)
            with pytest.raises(Unavailable, match="refused"):
                await ask
            assert trio.current_time() - began == pytest.approx(PATIENCE_SECONDS, abs=0.3)
            wire.outward.clear()
        assert steps(connection) == []


def len_sessions(tables: Tables) -> int:
    return len(tables.sessions)


async def test_a_write_whose_caller_has_gone_may_still_happen() -> None:
    async with served(Wire(seconds=1.0)) as connection:
        with trio.move_on_after(0.5):
            await connection.write(add(1))
        assert steps(connection) == []
        await trio.sleep(1)
        assert steps(connection) == [1]


async def test_a_write_that_nobody_took_in_time_never_happens() -> None:
    connection = MemoryDatabase().connect(Wire())
    with pytest.raises(Unavailable, match="nobody writes"):
        await connection.write(add(1))
    assert trio.current_time() == pytest.approx(ANSWER_SECONDS)
    with trio.move_on_after(1):
        await connection.serve()
    assert steps(connection) == []


@pytest.mark.parametrize(("after_seconds", "committed"), [(0.5, []), (1.5, [1])])
async def test_who_dies_has_committed_or_not_and_cannot_do_anything_more(
    after_seconds: float, committed: list[int]
) -> None:
    wire, told = Wire(seconds=1.0), []
    connection = MemoryDatabase().connect(wire)
    with trio.move_on_after(after_seconds):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.serve)
            told.append(await connection.write(add(1)))
    wire.dead = True
    for ask in (connection.write(add(2)), connection.read(len_sessions), connection.open()):
        with pytest.raises(Killed):
            await ask
    assert told == []
    assert steps(connection) == committed


@pytest.mark.parametrize(("after_seconds", "committed"), [(0.5, []), (1.5, [1])])
async def test_who_dies_while_he_waits_hears_nothing_any_more(
    after_seconds: float, committed: list[int]
) -> None:
    wire = Wire(seconds=1.0)
    connection = MemoryDatabase().connect(wire)
    ends: list[type[BaseException]] = []

    async def lives(work: Callable[..., Awaitable[object]], *args: object) -> None:
        try:
            await work(*args)
        except Killed:
            ends.append(Killed)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lives, connection.serve)
        nursery.start_soon(lives, connection.write, add(1))
        nursery.start_soon(lives, connection.read, len_sessions)
        await trio.sleep(after_seconds)
        wire.dead = True
    assert ends == [Killed] * 3
    assert steps(connection) == committed


# The writer as an actor


def writing(connection: MemoryConnection) -> SupervisorSpec:
    writer = ChildSpec(name="writer", factory=lambda: MemoryWriter(connection=connection))
    return SupervisorSpec(name="root", children=(writer,))


async def until(system: TestSystem, state: State) -> None:
    while system.ref("root/writer").state is not state:  # noqa: ASYNC110 - it is no event
        await trio.sleep(0.1)


async def test_a_writer_is_up_when_it_has_found_the_database() -> None:
    wire = Wire()
    wire.outward.extend([ConnectionLost("refused")] * 3)
    connection = MemoryDatabase().connect(wire)
    async with running(writing(connection)) as system:
        assert system.ref("root/writer").state is State.WAITING
        assert connection.report().status == "warn"
        await until(system, State.RUNNING)
        await connection.write(add(1))
        assert connection.report().status == "pass"
        assert steps(connection) == [1]


async def test_a_writer_that_falls_fails_its_commit_and_the_next_one_goes_on() -> None:
    wire = Wire(seconds=1.0)
    connection = MemoryDatabase().connect(wire)
    async with running(writing(connection)) as system, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def under_way() -> None:
            with pytest.raises(Unavailable, match="the writer failed"):
                await connection.write(add(1))

        await trio.sleep(0.5)
        nursery.start_soon(connection.write, add(2))
        await trio.sleep(0.1)
        system.ref("root/writer").kill(RuntimeError("struck"))
    assert steps(connection) == [2]


async def test_an_outage_is_reported_with_its_reason_until_it_is_over() -> None:
    wire = Wire()
    async with served(wire) as connection:
        wire.outward.extend([ConnectionLost("refused")] * 10_000)
        with pytest.raises(Unavailable):
            await connection.write(add(1))
        await trio.sleep(1)
        report = connection.report()
        assert report.status == "fail"
        assert "refused" in report.output
        wire.outward.clear()
        await connection.write(add(1))
        assert (connection.report().status, connection.report().output) == ("pass", "")
