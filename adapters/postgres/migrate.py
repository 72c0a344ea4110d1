"""Migrations: numbered SQL files, each applied once, in order, in a transaction of its own.

`migrations/NNNN_name.sql` from 0001 without gaps; what was applied is kept with its checksum in
`schema_migration`. A file whose first line is `-- no-transaction` runs statement by statement,
for `create index concurrently`. Only the holder of the writer's lock migrates, so nobody waits
in a query for another's migration (a waiting snapshot and `concurrently` would deadlock).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

import psycopg

from adapters.postgres.refusals import MigrationRefused
from adapters.postgres.session import Connection

FOLDER = Path(__file__).parent / "migrations"
NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
NO_TRANSACTION = "-- no-transaction"
LOCK_TIMEOUT = "5s"
"""A migration that cannot get its table lock must not hold up everybody behind it."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `sql` is its text and `checksum` the SHA-256 of it."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What must not change once it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations of a folder in order. Raises `MigrationRefused` for gaps and odd names."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        named = NAME.fullmatch(path.name)
        if named is None:
            raise MigrationRefused(f"{path.name} is no migration: call it NNNN_what_it_does.sql")
        migrations.append(Migration(int(named[1]), path.stem, path.read_text("utf-8")))
    if [m.number for m in migrations] != list(range(1, len(migrations) + 1)):
        numbers = ", ".join(f"{m.number:04}" for m in migrations)
        raise MigrationRefused(f"migrations must be numbered 0001, 0002 ...: there are {numbers}")
    return tuple(migrations)


def migrate(
    connection: Connection, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Bring the database of an autocommit connection up to date; answer what was applied.

    The caller holds the writer's lock. Raises `MigrationRefused` when a file was edited after
    it was applied, when newer code has been here, or when a file fails.
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
    rows = connection.execute("select number, name, checksum from schema_migration").fetchall()
    applied = {row["number"]: (row["name"], row["checksum"]) for row in rows}
    _refuse_strangers(applied, migrations)
    return [_apply(connection, m) for m in migrations if m.number not in applied]


def _refuse_strangers(
    applied: dict[int, tuple[str, str]], migrations: Sequence[Migration]
) -> None:
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise MigrationRefused(
            f"the database is at migration {newest:04}, this version knows {len(migrations):04}: "
            "start the newer version, or restore a backup from before it"
        )
    for migration in migrations:
        known = applied.get(migration.number)
        if known is not None and known[1] != migration.checksum:
            raise MigrationRefused(
                f"{migration.name}.sql was edited after it was applied as {known[0]}: "
                "restore the file and put the change into a new migration"
            )


def _apply(connection: Connection, migration: Migration) -> str:
    keep: LiteralString = (
        "insert into schema_migration (number, name, checksum) values (%s, %s, %s)"
    )
    kept = (migration.number, migration.name, migration.checksum)
    # The text is ours, from a file of this package: nobody else's data is in it.
    sql = cast("LiteralString", migration.sql)
    try:
        if migration.sql.startswith(NO_TRANSACTION):
            for statement in filter(str.strip, re.split(r";[ \t]*\n", migration.sql)):
                connection.execute(cast("LiteralString", statement))
            connection.execute(keep, kept)
        else:
            with connection.transaction():
                connection.execute("select set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
                connection.execute("select set_config('statement_timeout', '0', true)")
                connection.execute(sql)
                connection.execute(keep, kept)
    except psycopg.OperationalError:
        raise  # the server's trouble, not the file's
    except psycopg.Error as error:
        raise MigrationRefused(f"{migration.name}.sql failed: {error}") from error
    return migration.name
