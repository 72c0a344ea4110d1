"""Writes are carried out one after the other, as they were asked for; a late one never."""

from __future__ import annotations

import threading

import psycopg
import pytest
import trio

from adapters.postgres.batch import Statement
from adapters.postgres.session import connect
from adapters.postgres.writer import BATCH_OPERATIONS_MAX, Execute
from tests.adapters.postgres.store import execute, running_store

WRITES = 3 * BATCH_OPERATIONS_MAX


@pytest.fixture
def diary_url(blank_url: str) -> str:
    """A database with a table that knows in which order its rows came."""
    columns = "place bigint generated always as identity, n int not null check (n >= 0)"
    execute(blank_url, f"create table diary ({columns})")
    return blank_url


def entry(number: int) -> Statement:
    return Statement("insert into diary (n) values (%(n)s)", {"n": number})


def told(conninfo: str) -> list[object]:
    return [n for (n,) in execute(conninfo, "select n from diary order by place")]


@pytest.mark.parametrize("shape", ["run", "mixed", "with a guilty one"])
async def test_writes_are_carried_out_in_the_order_in_which_they_were_asked_for(
    diary_url: str, shape: str
) -> None:
    asked: list[int] = []

    async with running_store(diary_url) as store, trio.open_nursery() as nursery:

        async def write(number: int) -> None:
            if shape == "with a guilty one" and number % 200 == 0:
                with pytest.raises(psycopg.errors.CheckViolation):
                    await store.database.write(entry(-1))
                return
            asked.append(number)
            beside = (Statement("select"),) if shape == "mixed" and number % 3 == 0 else ()
            await store.database.write(entry(number), *beside)

        for number in range(WRITES):
            nursery.start_soon(write, number)
            if number % 10 == 0:
                await trio.lowlevel.checkpoint()  # some come together, in any order, others later
    assert told(diary_url) == asked


async def test_who_was_killed_while_he_looked_for_the_server_writes_no_more(
    diary_url: str,
) -> None:
    async with running_store(diary_url) as store:
        statistics = store.database.statistics
        execute(
            diary_url,
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name like 'factorage%'",
        )
        with connect(diary_url, "writer", owner="somebody else"):
            store.writer.ask(Execute(statements=(entry(1),)))
            while statistics.away_since is None:  # noqa: ASYNC110 - a number, no event
                await trio.sleep(0.01)
            store.writer.kill(RuntimeError("stuck"))  # but its thread goes on looking
            while statistics.incarnation == 1:  # noqa: ASYNC110 - as above
                await trio.sleep(0.01)
            assert threads() == 2
        await store.database.write(entry(2))
        while threads() > 1:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)
        await store.database.write(entry(3))
    assert told(diary_url) == [2, 3]


def threads() -> int:
    """How many incarnations of the writer still do something."""
    return sum(thread.name == "root/writer" for thread in threading.enumerate())
