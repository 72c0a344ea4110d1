"""One connection to PostgreSQL as we want it: checked, limited in time, and locked if it writes."""

from __future__ import annotations

import time
from typing import Any, Literal, LiteralString, cast

import psycopg
from psycopg.rows import dict_row

from adapters.postgres.refusals import AnotherProcessRuns, UnsafeDurability, UnsuitableDatabase

Role = Literal["writer", "reader"]

CONNECT_SECONDS = 5
STATEMENT_TIMEOUT = "5s"
LOCK_TIMEOUT = "1s"
IDLE_IN_TRANSACTION_TIMEOUT = "10s"
WRITER_LOCK = 0x666163746F72  # "factor": who holds it is the one writer of the database
LOCK_PATIENCE_SECONDS = 5.0
"""A process that was killed a moment ago holds its lock until its server notices."""
LOCK_POLL_SECONDS = 0.1
OLDEST_VERSION = 140_000

DURABLE = ("fsync", "full_page_writes", "synchronous_commit")

Connection = psycopg.Connection[dict[str, Any]]


def connect(conninfo: str, role: Role) -> Connection:
    """Open a connection in autocommit. Raises `StoreRefused` and `psycopg.OperationalError`."""
    connection: Connection = psycopg.connect(
        conninfo,
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=CONNECT_SECONDS,
        application_name=f"factorage {role}",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    try:
        _prepare(connection, role)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection, role: Role) -> None:
    if connection.info.server_version < OLDEST_VERSION:
        raise UnsuitableDatabase("PostgreSQL 14 or newer is needed")
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise UnsuitableDatabase("the database must have the encoding UTF8: create it anew")
    for name, value in (
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("lock_timeout", LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
        ("timezone", "UTC"),
        ("default_transaction_read_only", "on" if role == "reader" else "off"),
    ):
        connection.execute("select set_config(%s, %s, false)", (name, value))
    if role == "writer":
        check_durability(connection)
        take_writer_lock(connection)


def check_durability(connection: Connection) -> None:
    """Raise `UnsafeDurability` when an acknowledged commit could be lost (measured: they are)."""
    for name in DURABLE:
        row = connection.execute("select current_setting(%s) as value", (name,)).fetchone()
        if row is None or row["value"] in ("off", "local") and name == "synchronous_commit":
            _refuse(name, row)
        elif row["value"] == "off":
            _refuse(name, row)


def _refuse(name: str, row: dict[str, Any] | None) -> None:
    value = row["value"] if row else "unknown"
    raise UnsafeDurability(
        f"PostgreSQL runs with {name} = {value}: acknowledged payments could be lost. "
        f"Set `{name} = on` in postgresql.conf (or with ALTER SYSTEM / ALTER ROLE) and reload"
    )


def take_writer_lock(connection: Connection) -> None:
    """Become the one writer of this database. Raises `AnotherProcessRuns`."""
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        row = connection.execute("select pg_try_advisory_lock(%s) as mine", (WRITER_LOCK,)).fetchone()
        if row is not None and row["mine"]:
            return
        if time.monotonic() >= deadline:
            raise AnotherProcessRuns(
                "another factorage process writes to this database: stop it first, or give this "
                "one a database of its own with DATABASE_URL"
            )
        time.sleep(LOCK_POLL_SECONDS)


def literal(sql: str) -> LiteralString:
    """For SQL that went through a message, whose fields forget that it was a literal."""
    return cast("LiteralString", sql)
