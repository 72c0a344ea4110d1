"""A connection is refused unless what it acknowledges is durable, and one process writes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import trio
from psycopg import errors
from psycopg.sql import SQL, Identifier

from adapters.postgres import session
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.refusals import AnotherProcessRuns, UnsafeDurability, UnsuitableDatabase
from adapters.postgres.session import connect
from tests.adapters.postgres.store import execute
from tests.architecture import ROOT
from tests.fixtures.postgres import Postgres

HOLDER = """
import sys, time
from adapters.postgres.session import connect
connection = connect(sys.argv[1], "writer", owner="the first")
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def role(postgres: Postgres, blank_url: str) -> Iterator[str]:
    """A role that may log in."""
    postgres.admin.execute("create role shop login superuser")
    yield "shop"
    postgres.leave_alone(blank_url)
    postgres.admin.execute("drop role shop")


def setting(connection: session.Connection, name: str) -> str:
    row = connection.execute("select current_setting(%s) as value", (name,)).fetchone()
    assert row is not None
    return str(row["value"])


def test_a_session_is_limited_in_time_and_speaks_utc(blank_url: str) -> None:
    with connect(blank_url, "writer", owner="me") as connection:
        assert setting(connection, "statement_timeout") == "5s"
        assert setting(connection, "lock_timeout") == "1s"
        assert setting(connection, "idle_in_transaction_session_timeout") == "10s"
        assert setting(connection, "timezone") == "UTC"
        assert setting(connection, "application_name") == "factorage writer me"


def test_a_dead_writer_is_noticed_while_it_waits_for_an_answer(blank_url: str) -> None:
    with connect(blank_url, "writer") as connection:
        assert setting(connection, "client_connection_check_interval") == "1s"


def test_a_reader_cannot_write(blank_url: str) -> None:
    with connect(blank_url, "reader") as connection, pytest.raises(errors.ReadOnlySqlTransaction):
        connection.execute("create table x ()")


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_may_lose_commits_is_refused(folder: Path, name: str) -> None:
    server = EmbeddedServer(folder, settings={name: "off"})
    await server.start()
    try:
        with pytest.raises(UnsafeDurability, match=f"{name} = off.*Set `{name} = on`"):
            await trio.to_thread.run_sync(connect, server.conninfo, "writer")
        (await trio.to_thread.run_sync(connect, server.conninfo, "reader")).close()
    finally:
        await server.stop()


@pytest.mark.parametrize("value", ["off", "local"])
def test_a_role_that_may_lose_commits_is_refused(
    postgres: Postgres, blank_url: str, role: str, value: str
) -> None:
    postgres.admin.execute(
        SQL("alter role {} set synchronous_commit = {}").format(Identifier(role), value)
    )
    with pytest.raises(UnsafeDurability, match="synchronous_commit"):
        connect(blank_url.replace("postgres@", f"{role}@"), "writer")


def test_a_reload_cannot_make_a_checked_session_unsafe(postgres: Postgres, blank_url: str) -> None:
    with connect(blank_url, "writer") as connection:
        try:
            postgres.admin.execute("alter system set synchronous_commit = off")
            postgres.admin.execute("select pg_reload_conf()")
            deadline = time.monotonic() + 5
            while execute(blank_url, "show synchronous_commit") != [("off",)]:
                assert time.monotonic() < deadline
            assert setting(connection, "synchronous_commit") == "on"
        finally:
            postgres.admin.execute("alter system reset synchronous_commit")
            postgres.admin.execute("select pg_reload_conf()")


def test_a_database_that_cannot_hold_every_letter_is_refused(postgres: Postgres) -> None:
    latin = postgres.create(more="encoding 'LATIN1' locale 'C' locale_provider libc")
    with pytest.raises(UnsuitableDatabase, match="UTF8"):
        connect(latin, "writer")


@pytest.mark.parametrize(
    "url",
    ["postgresql://host:port/name?pwSECRET=ever", "postgresql://u:pwSECRET%zz@127.0.0.1:1/x"],
)
def test_an_address_that_is_none_is_refused_with_its_name_and_not_shown(url: str) -> None:
    with pytest.raises(UnsuitableDatabase, match="DATABASE_URL") as refused:
        connect(url, "writer")
    assert "SECRET" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_server_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(psycopg.OperationalError):
        connect("postgresql://127.0.0.1:1/x", "writer")


def test_the_second_process_is_refused_and_told_who_the_first_is(blank_url: str) -> None:
    with (
        connect(blank_url, "writer", owner="the first"),
        pytest.raises(AnotherProcessRuns, match="factorage writer the first"),
    ):
        connect(blank_url, "writer", owner="the second", lock_patience_seconds=0.2)
    connect(blank_url, "writer", owner="the second").close()


def test_readers_need_no_lock(blank_url: str) -> None:
    with connect(blank_url, "writer"), connect(blank_url, "reader"), connect(blank_url, "reader"):
        pass


def test_writers_of_different_databases_do_not_meet(postgres: Postgres, blank_url: str) -> None:
    with connect(blank_url, "writer"), connect(postgres.server.conninfo, "writer"):
        pass


def test_a_connection_that_we_lost_and_the_server_did_not_is_taken_from_it(blank_url: str) -> None:
    with connect(blank_url, "writer", owner="me") as lost:
        with connect(blank_url, "writer", owner="me") as found:
            assert found.execute("select 1 as one").fetchone() == {"one": 1}
        with pytest.raises(psycopg.OperationalError):
            lost.execute("select 1")


def test_a_nameless_connection_takes_nothing_from_another(blank_url: str) -> None:
    with connect(blank_url, "writer") as first:
        with pytest.raises(AnotherProcessRuns):
            connect(blank_url, "writer", lock_patience_seconds=0.2)
        first.execute("select 1")


def test_who_was_killed_is_succeeded_at_once(blank_url: str) -> None:
    command = [sys.executable, "-c", HOLDER, blank_url]
    path = os.pathsep.join([str(ROOT), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"locked\n"
        first.kill()
        began = time.monotonic()
        connect(blank_url, "writer", owner="the second").close()
        assert time.monotonic() - began < 2.0
