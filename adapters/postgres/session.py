"""One connection to PostgreSQL as we want it: checked, limited in time, and locked if it writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from adapters.postgres.address import EXPECTED
from adapters.postgres.refusals import AnotherProcessRuns, UnsafeDurability, UnsuitableDatabase

Role = Literal["writer", "reader"]

CONNECT_SECONDS = 5
UNHEARD_MILLISECONDS = 20_000
"""What was sent and is not acknowledged by then is lost, and the connection with it."""
WRITER_LOCK = 0x666163746F72  # "factor": who holds it is the one writer of the database
LOCK_PATIENCE_SECONDS = 5.0
"""A process that was killed a moment ago holds its lock until its server notices."""
LOCK_POLL_SECONDS = 0.1
OLDEST_VERSION = 140_000

LIMITS: Mapping[str, str] = {
    "statement_timeout": "5s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
}
NOTICING: Mapping[str, str] = {
    # How soon the server lets go of a writer that died. Some platforms lack some of them.
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
}
UNSAFE: Mapping[str, frozenset[str]] = {
    "fsync": frozenset({"off"}),
    "full_page_writes": frozenset({"off"}),
    "synchronous_commit": frozenset({"off", "local"}),
}

Connection = psycopg.Connection[dict[str, Any]]

# psycopg warns of each clean-up that a lost connection makes impossible. What was lost is told
# by whoever lost it.
logging.getLogger("psycopg").setLevel(logging.ERROR)


def connect(
    conninfo: str,
    role: Role,
    *,
    owner: str = "",
    lock_patience_seconds: float = LOCK_PATIENCE_SECONDS,
) -> Connection:
    """Open a connection in autocommit. Raises `StoreRefused` and `psycopg.OperationalError`.

    `owner` names the process among all others: a writer's lock that is held under the same
    name is a lost connection of our own, and is taken from it.
    """
    try:
        connection: Connection = psycopg.connect(
            conninfo,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT_SECONDS,
            application_name=f"factorage {role} {owner}".strip(),
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=UNHEARD_MILLISECONDS,
            target_session_attrs="primary" if role == "writer" else "any",
        )
    except psycopg.ProgrammingError:  # its text quotes what it does not understand: secrets
        raise UnsuitableDatabase(f"DATABASE_URL is not understood: expected {EXPECTED}") from None
    try:
        _prepare(connection, role)
        if role == "writer":
            _notice_death(connection)
            check_durability(connection)
            take_writer_lock(connection, owner, lock_patience_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection, role: Role) -> None:
    if connection.info.server_version < OLDEST_VERSION:
        raise UnsuitableDatabase("PostgreSQL 14 or newer is needed")
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise UnsuitableDatabase("the database must have the encoding UTF8: create it anew")
    read_only = "on" if role == "reader" else "off"
    settings = {**LIMITS, "default_transaction_read_only": read_only, "client_encoding": "UTF8"}
    connection.execute(
        """
        select set_config(name, value, false)
        from unnest(%s::text[], %s::text[]) as s(name, value)
        """,
        (list(settings), list(settings.values())),
    )


def _notice_death(connection: Connection) -> None:
    for name, value in NOTICING.items():
        with suppress(errors.DataError):
            connection.execute("select set_config(%s, %s, false)", (name, value))


def check_durability(connection: Connection) -> None:
    """Raise `UnsafeDurability` when an acknowledged commit could be lost (measured: they are)."""
    rows = connection.execute(
        "select name, current_setting(name) as value from unnest(%s::text[]) as s(name)",
        (list(UNSAFE),),
    )
    for row in rows:
        name, value = row["name"], row["value"]
        if value in UNSAFE[name]:
            raise UnsafeDurability(
                f"PostgreSQL runs with {name} = {value}: acknowledged payments could be lost. Set "
                f"`{name} = on` in postgresql.conf (or with ALTER SYSTEM / ALTER ROLE) and reload"
            )
    # From here on the session's own value, which no reload changes.
    connection.execute(
        "select set_config(name, current_setting(name), false) from (values (%s)) as s(name)",
        ("synchronous_commit",),
    )


def take_writer_lock(connection: Connection, owner: str, patience_seconds: float) -> None:
    """Become the one writer of this database. Raises `AnotherProcessRuns`."""
    deadline = time.monotonic() + patience_seconds
    while not _try_lock(connection):
        holder = _lock_holder(connection)
        if holder is not None and holder["name"] == f"factorage writer {owner}":
            # The server has not noticed that we have lost that connection.
            connection.execute("select pg_terminate_backend(%s)", (holder["pid"],))
        elif time.monotonic() >= deadline:
            raise AnotherProcessRuns(
                f"another factorage process writes to this database{_described(holder)}: stop it "
                "first, or give this one a database of its own with DATABASE_URL"
            )
        time.sleep(LOCK_POLL_SECONDS)


def _try_lock(connection: Connection) -> bool:
    row = connection.execute("select pg_try_advisory_lock(%s) as mine", (WRITER_LOCK,)).fetchone()
    return row is not None and bool(row["mine"])


def _lock_holder(connection: Connection) -> dict[str, Any] | None:
    return connection.execute(
        """
        select pid, coalesce(application_name, '') as name,
            coalesce(host(client_addr), 'a local socket') as client
        from pg_locks join pg_stat_activity using (pid)
        where locktype = 'advisory' and granted and objsubid = 1
            and pg_locks.database = (select oid from pg_database where datname = current_database())
            and (classid::bigint << 32) | objid::bigint = %s
        """,
        (WRITER_LOCK,),
    ).fetchone()


def _described(holder: dict[str, Any] | None) -> str:
    if holder is None:
        return ""
    return f" (`{holder['name']}`, connected from {holder['client']})"
