"""The actors that own a connection batch, wait for the server and hide its restarts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import trio
from psycopg import conninfo as libpq

from actors.kernel.failures import Conflict, Unavailable
from adapters.postgres.batch import Statement
from adapters.postgres.refusals import AnotherProcessRuns
from adapters.postgres.session import connect
from adapters.postgres.writer import DatabaseActor, Execute, Statistics
from runtime import ActorSystem, Backoff, SupervisionError, Timeout
from runtime.state import State
from tests.adapters.postgres.store import Store, execute, running_store

PATIENCE_SECONDS = 30.0


def note(number: int) -> Statement:
    sql = "insert into tally values (%(n)s) on conflict do nothing"
    return Statement(sql, {"n": number})


@pytest.fixture
def notes_url(database_url: str, blank_url: str) -> str:
    """A migrated database with a table `note`."""
    execute(blank_url, "create table tally (n int primary key)")
    return blank_url


def kept(conninfo: str) -> list[object]:
    return [n for (n,) in execute(conninfo, "select n from tally order by n")]


def allow(conninfo: str, *, connections: bool = True) -> None:
    """Let the server take new connections to a database, or not."""
    name = libpq.conninfo_to_dict(conninfo)["dbname"]
    elsewhere = libpq.make_conninfo(conninfo, dbname="postgres")
    execute(elsewhere, f"alter database {name} allow_connections {connections}")


@contextmanager
def forbidden(conninfo: str) -> Iterator[None]:
    """As good as away: nobody may connect."""
    allow(conninfo, connections=False)
    try:
        yield
    finally:
        allow(conninfo)


def cut(conninfo: str) -> None:
    """End every connection to a database, as an impatient operator does."""
    name = libpq.conninfo_to_dict(conninfo)["dbname"]
    ended = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname"
    execute(libpq.make_conninfo(conninfo, dbname="postgres"), f"{ended} = '{name}'")


async def test_what_was_written_can_be_read(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        assert await store.database.write(note(1), note(2)) == [[], []]
        rows = await store.database.read("select n from tally where n > %(n)s", {"n": 1})
    assert rows == [{"n": 2}]


async def test_the_writer_migrates_before_anybody_reads(blank_url: str) -> None:
    async with running_store(blank_url) as store:
        assert await store.database.read("select count(*) as n from telegram_update") == [{"n": 0}]


async def test_a_reader_waits_for_the_writers_migrations(blank_url: str) -> None:
    statistics = Statistics()
    async with ActorSystem() as system:
        reader = system.spawn(
            lambda: DatabaseActor(conninfo=blank_url, role="reader", statistics=statistics),
            name="reader",
            backoff=Backoff(first_seconds=0.05, last_seconds=0.1),
        )
        answer = reader.ask(Execute(statements=(Statement("select count(*) from seen_payment"),)))
        with trio.fail_after(PATIENCE_SECONDS):
            while reader.state is not State.WAITING:  # noqa: ASYNC110 - nobody tells of it
                await trio.sleep(0.01)
        async with running_store(blank_url):
            assert await answer == [[{"count": 0}]]


async def test_what_queues_up_is_one_batch(notes_url: str) -> None:
    async with running_store(notes_url) as store, trio.open_nursery() as nursery:
        for number in range(1_000):
            nursery.start_soon(store.database.write, note(number))
    statistics = store.database.statistics
    assert statistics.operations == 1_000
    assert statistics.batches <= 1_000 / 100
    assert kept(notes_url) == list(range(1_000))


async def test_nothing_is_held_back_for_company(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        for number in range(3):
            await store.database.write(note(number))
        assert store.database.statistics.batches == 3


async def test_a_failure_is_its_own_askers(notes_url: str) -> None:
    taken = Statement("insert into tally values (1)")
    failures: list[Exception] = []

    async def write(store: Store, statement: Statement) -> None:
        try:
            await store.database.write(statement)
        except (Conflict, psycopg.Error) as error:
            failures.append(error)

    async with running_store(notes_url) as store:
        await store.database.write(note(1))
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(write, store, note(number))
            nursery.start_soon(write, store, taken)
            nursery.start_soon(write, store, Statement("insert into nothing values (1)"))
        assert store.database.statistics.failed == 2
    assert {type(error) for error in failures} == {Conflict, psycopg.errors.UndefinedTable}
    assert kept(notes_url) == list(range(10))


async def test_a_connection_that_was_cut_is_found_again(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        cut(notes_url)
        await store.database.write(note(1))
        assert await store.database.read("select n from tally") == [{"n": 1}]
        assert store.database.statistics.reconnects == 1
        assert store.system.snapshot().failed == 0


async def test_a_server_that_comes_late_is_waited_for(notes_url: str) -> None:
    with forbidden(notes_url):
        async with running_store(notes_url) as store:
            with trio.fail_after(5):  # it looks for the server again and again in between
                await store.writer._cell.until(State.WAITING)
            assert store.writer.state is State.WAITING
            assert store.database.report().status == "warn"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store.database.write, note(1))
                await trio.sleep(0.2)
                allow(notes_url)
            assert store.database.report().status == "pass"
    assert kept(notes_url) == [1]


async def test_patience_ends_in_unavailable(notes_url: str) -> None:
    async with running_store(notes_url, patience_seconds=0.5) as store:
        with forbidden(notes_url):
            cut(notes_url)
            began = trio.current_time()
            with pytest.raises(Unavailable, match=r"does not answer.*not currently accepting"):
                await store.database.write(note(1))
            assert 0.2 < trio.current_time() - began < 2
            assert store.database.report().status == "warn"
        await store.database.write(note(2))
        assert store.database.report().status == "pass"
    assert kept(notes_url) == [2]


async def test_what_was_collected_is_carried_out_though_its_company_expired(notes_url: str) -> None:
    gate = threading.Event()

    class Held(DatabaseActor):
        def on_receive(self, message: Any) -> None:
            gate.wait()
            super().on_receive(message)

    async with ActorSystem() as system:
        ref = system.spawn(
            lambda: Held(conninfo=notes_url, role="writer", statistics=Statistics()), name="writer"
        )
        first = ref.ask(Execute(statements=(note(1),)))
        await trio.sleep(0.3)  # the thread has it in its hands
        late = ref.ask(Execute(statements=(note(2),)), timeout=0)
        gate.set()
        with trio.fail_after(2):
            assert await first == [[]]
            with pytest.raises(Timeout):
                await late


async def test_who_kills_every_session_is_refused_alone(notes_url: str) -> None:
    deadly = Statement("select pg_terminate_backend(pg_backend_pid())")
    refused: list[str] = []

    async def write(store: Store, statement: Statement) -> None:
        try:
            await store.database.write(statement)
        except Unavailable:
            refused.append(statement.sql)

    async with running_store(notes_url) as store:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for statement in (note(1), note(2), deadly, note(3)):
                    nursery.start_soon(write, store, statement)
    assert refused == [deadly.sql]
    assert kept(notes_url) == [1, 2, 3]


async def test_a_stop_carries_out_what_is_queued(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        futures = [store.writer.ask(Execute(statements=(note(number),))) for number in range(300)]
    for future in futures:
        assert await future == [[]]
    assert store.system.fates().dead == 0
    assert kept(notes_url) == list(range(300))


async def test_a_stop_gives_the_connection_back(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        await store.database.write(note(1))
    sql = "select count(*) from pg_stat_activity where application_name like 'factorage%'"
    with trio.fail_after(5):
        while execute(notes_url, sql) != [(0,)]:  # noqa: ASYNC110 - no goodbyes are announced
            await trio.sleep(0.01)


async def test_a_second_system_on_the_same_database_does_not_start(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        with pytest.raises(SupervisionError) as refused:
            async with running_store(notes_url, patience_seconds=0.3):
                await trio.sleep_forever()
        await store.database.write(note(1))
    assert isinstance(refused.value.__cause__, AnotherProcessRuns)


async def test_who_comes_back_to_find_another_writer_ends(notes_url: str) -> None:
    async def be_usurped() -> None:
        async with running_store(notes_url, patience_seconds=0.3) as store:
            cut(notes_url)
            with connect(notes_url, "writer", owner="usurper"):
                with pytest.raises(Unavailable, match="another factorage process"):
                    await store.database.write(note(1))
                await trio.sleep_forever()

    with pytest.raises(SupervisionError) as ended:
        await be_usurped()
    assert isinstance(ended.value.__cause__, AnotherProcessRuns)
    assert kept(notes_url) == []


async def test_a_restarted_writer_takes_over_from_the_one_that_was_killed(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        slow = Statement("select pg_sleep(1.5)")
        store.writer.ask(Execute(statements=(slow,)))
        await trio.sleep(0.1)
        store.writer.kill(RuntimeError("stuck"))
        with trio.fail_after(5):
            await store.database.write(note(1))
        await trio.sleep(0.3)
        await store.database.write(note(2))
        assert store.database.statistics.incarnation == 2
        assert store.database.statistics.reconnects == 0  # the killed one gave up
    assert kept(notes_url) == [1, 2]


async def test_a_batch_that_is_not_answered_is_seen_from_outside(notes_url: str) -> None:
    async with running_store(notes_url) as store:
        seen = store.database.statistics
        with psycopg.connect(notes_url) as other, trio.fail_after(PATIENCE_SECONDS):
            other.execute("lock table tally")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store.database.write, note(1))
                while seen.asked_since is None:  # noqa: ASYNC110 - the writer's thread tells nobody
                    await trio.sleep(0.01)
                other.rollback()
        assert seen.asked_since is None
