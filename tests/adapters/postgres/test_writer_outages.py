"""Whatever ends the server or its sessions, callers notice a pause: nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg
import trio

from adapters.postgres.batch import Statement
from adapters.postgres.embedded import EmbeddedServer
from tests.adapters.postgres.store import Store, execute, running_store

WRITERS = 50
LOAD_SECONDS = 0.5
"""Between two deaths, from the moment at which the writer has found the server again."""
RECOVERY_SECONDS_MAX = 30.0
"""On a machine that is busy with other things; alone it is about half a second."""


def post(key: str, account: int) -> tuple[Statement, Statement]:
    """Count `key` once, however often it is told."""
    return (
        Statement(
            """
            with fresh as (
                insert into posting (key) values (%(key)s) on conflict do nothing returning key
            )
            update account set balance = balance + 1
            where id = %(account)s and exists (select from fresh)
            """,
            {"key": key, "account": account},
        ),
        Statement("select key from posting where key = %(key)s", {"key": key}),
    )


class Load:
    """Writers that never pause, and when they were answered."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.acknowledged: Counter[str] = Counter()
        self.longest_pause_seconds = 0.0
        self._last = trio.current_time()

    async def write(self, number: int, enough: trio.Event) -> None:
        turn = 0
        while not enough.is_set():
            turn += 1
            key = f"{number}/{turn}"
            _, rows = await self.store.database.write(*post(key, number % 3))
            assert rows == [{"key": key}]
            self.acknowledged[key] += 1
            now = trio.current_time()
            self.longest_pause_seconds = max(self.longest_pause_seconds, now - self._last)
            self._last = now


async def test_fifty_writers_do_not_notice_that_the_server_dies_again_and_again(
    folder: Path,
) -> None:
    server = EmbeddedServer(folder)
    async with running_store(server.conninfo, server=server) as store:
        await store.database.write(
            Statement("drop table if exists posting, account"),
            Statement("create table posting (key text primary key)"),
            Statement("create table account (id int primary key, balance int)"),
            Statement("insert into account select n, 0 from generate_series(0, 2) n"),
        )
        load = Load(store)
        enough = trio.Event()
        async with trio.open_nursery() as nursery:
            for number in range(WRITERS):
                nursery.start_soon(load.write, number, enough)
            for end in (signal.SIGQUIT, None, signal.SIGKILL, None, signal.SIGINT):
                await trio.sleep(LOAD_SECONDS)
                reconnects = store.database.statistics.reconnects
                await trio.to_thread.run_sync(_end, server, end)
                with trio.fail_after(RECOVERY_SECONDS_MAX):
                    while store.database.statistics.reconnects == reconnects:  # noqa: ASYNC110
                        await trio.sleep(0.02)
            await trio.sleep(LOAD_SECONDS)
            enough.set()
        posted = execute(store.conninfo, "select key from posting")
        ((balance,),) = execute(store.conninfo, "select sum(balance) from account")
        statistics = store.database.statistics
        print(  # noqa: T201 - shown when it fails
            f"{len(posted)} posted in {statistics.batches} batches over {statistics.reconnects}"
            f" reconnects, longest pause {load.longest_pause_seconds:.2f} s"
        )
        assert {key for (key,) in posted} == set(load.acknowledged)
        assert max(load.acknowledged.values()) == 1
        assert balance == len(posted)
        assert statistics.reconnects >= 5


def _end(server: EmbeddedServer, how: signal.Signals | None) -> None:
    """Send the server a signal, or end its sessions."""
    if how is not None:
        if server.pid is not None:
            os.kill(server.pid, how)
        return
    with suppress(psycopg.OperationalError):  # it is down already
        execute(
            server.conninfo,
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
        )


async def test_reads_go_on_after_the_server_was_killed(folder: Path) -> None:
    server = EmbeddedServer(folder)
    async with running_store(server.conninfo, server=server) as store:
        for _ in range(2):
            killed = server.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            with trio.fail_after(10):
                assert await store.database.read("select 1 as one") == [{"one": 1}]
                while server.pid in {None, killed}:  # noqa: ASYNC110 - a number, no event
                    await trio.sleep(0.01)
