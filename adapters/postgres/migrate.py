"""Migrations: numbered SQL files, each applied once, in order, in a transaction of its own.

`migrations/NNNN_name.sql` from 0001 without gaps. What was applied is kept with its checksum
in `schema_migration`: a file that was applied never changes again, a correction is a new file.

A file whose first line is `-- no-transaction` is for what refuses to run inside one, such as
`create index concurrently`. Each of its statements ends with `;` at the end of a line, and
all of them must be safe to run again: after a failure in the middle they are.

Only the holder of the writer's lock migrates, so nobody waits in a query for another's
migration (a waiting snapshot and `concurrently` would deadlock).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from actors.kernel.failures import Unavailable
from adapters.postgres.batch import is_lost, is_outage
from adapters.postgres.refusals import (
    EditedMigration,
    MigrationFailed,
    MisnumberedMigrations,
    NewerDatabase,
)
from adapters.postgres.session import Connection

FOLDER = Path(__file__).parent / "migrations"
NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
NO_TRANSACTION = "-- no-transaction"
STATEMENT_END = re.compile(r";[ \t]*(?:\n|\Z)")
COMMENT = re.compile(r"--[^\n]*")
LIMITS: Mapping[str, str] = {
    "lock_timeout": "5s",  # a migration that waits for a table holds up everybody behind it
    "statement_timeout": "0",
}


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `sql` is its text, the same on every platform."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text: what must not change once it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether all of it happens or nothing."""
        return not self.sql.startswith(NO_TRANSACTION)

    def statements(self) -> list[str]:
        """What is sent to the server, one after the other."""
        if self.in_transaction:
            return [self.sql]
        parts = STATEMENT_END.split(self.sql)
        return [part for part in parts if COMMENT.sub("", part).strip()]


def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations of a folder in order. Raises `MisnumberedMigrations`."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        named = NAME.fullmatch(path.name)
        if named is None:
            raise MisnumberedMigrations(
                f"{path.name} is no migration: call it NNNN_what_it_does.sql"
            )
        migrations.append(Migration(int(named[1]), path.stem, path.read_text("utf-8")))
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        names = ", ".join(migration.name for migration in migrations)
        raise MisnumberedMigrations(
            f"migrations are numbered 0001, 0002 and so on, each once: there are {names}"
        )
    return tuple(migrations)


def migrate(connection: Connection, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Bring the database of an autocommit connection up to date; answer what was applied.

    The caller holds the writer's lock. Raises `MigrationRefused` for what a person must mend,
    and `psycopg.Error` when the server goes away or a table stays locked; after either the
    connection is of no more use.
    """
    migrations = load() if migrations is None else migrations
    connection.execute(
        """
        create table if not exists schema_migration (
            number     int         primary key,
            name       text        not null,
            checksum   text        not null,
            applied_at timestamptz not null default clock_timestamp()
        )
        """
    )
    applied = _applied(connection)
    _refuse_strangers(applied, migrations)
    with _limited(connection):
        return [_apply(connection, m) for m in migrations if m.number not in applied]


def require_current(connection: Connection, migrations: Sequence[Migration] | None = None) -> None:
    """Raise `Unavailable` until the writer has brought the database up to date."""
    migrations = load() if migrations is None else migrations
    known = connection.execute("select to_regclass('schema_migration') as found").fetchone()
    applied = _applied(connection) if known and known["found"] else {}
    if any(migration.number not in applied for migration in migrations):
        raise Unavailable("the database is not migrated yet")


def _applied(connection: Connection) -> dict[int, tuple[str, str]]:
    """Number to (name, checksum)."""
    rows = connection.execute("select number, name, checksum from schema_migration")
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}


def _refuse_strangers(
    applied: Mapping[int, tuple[str, str]], migrations: Sequence[Migration]
) -> None:
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise NewerDatabase(
            f"the database is at migration {newest:04}, this version knows {len(migrations):04}: "
            "start the newer version, or restore a backup from before it"
        )
    for migration in migrations:
        known = applied.get(migration.number)
        if known is not None and known[1] != migration.checksum:
            raise EditedMigration(
                f"{migration.name}.sql was edited after it was applied as {known[0]}: "
                "restore the file and put the change into a new migration"
            )


@contextmanager
def _limited(connection: Connection) -> Iterator[None]:
    """The limits of a migration instead of the session's."""
    usual = connection.execute(
        "select name, current_setting(name) as value from unnest(%s::text[]) as s(name)",
        (list(LIMITS),),
    ).fetchall()
    _limit(connection, LIMITS)
    yield
    _limit(connection, {row["name"]: row["value"] for row in usual})


def _limit(connection: Connection, limits: Mapping[str, str]) -> None:
    for name, value in limits.items():
        connection.execute("select set_config(%s, %s, false)", (name, value))


def _apply(connection: Connection, migration: Migration) -> str:
    try:
        if migration.in_transaction:
            with connection.transaction():
                _run(connection, migration)
        else:
            _run(connection, migration)
    except psycopg.Error as error:
        if is_lost(connection, error) or is_outage(error):
            raise
        raise MigrationFailed(f"{migration.name}.sql failed: {error}") from error
    return migration.name


def _run(connection: Connection, migration: Migration) -> None:
    for statement in migration.statements():
        connection.execute(_trusted(statement))
    connection.execute(
        "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
        (migration.number, migration.name, migration.checksum),
    )


def _trusted(sql: str) -> LiteralString:
    """The text is ours, from a file of this package: nobody else's data is in it."""
    return sql
