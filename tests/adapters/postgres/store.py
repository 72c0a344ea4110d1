"""A database with its real actors, and what tests do to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import psycopg

from adapters.postgres.database import Database
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.server import EmbeddedPostgres
from adapters.postgres.session import Role
from adapters.postgres.writer import DatabaseActor, Statistics
from runtime import ActorRef, ActorSystem, Backoff, ChildSpec, SupervisorSpec

SOON = Backoff(first_seconds=0.05, last_seconds=0.5)


@dataclass(frozen=True, slots=True)
class Store:
    """The database, the system that it lives in, and how to reach the server beside it."""

    database: Database
    system: ActorSystem
    conninfo: str

    @property
    def writer(self) -> ActorRef[DatabaseActor]:
        """The one that writes."""
        return self.system.ref("root/writer")

    @property
    def reader(self) -> ActorRef[DatabaseActor]:
        """The one that reads."""
        return self.system.ref("root/reader")


@asynccontextmanager
async def running_store(
    conninfo: str, *, server: EmbeddedServer | None = None, patience_seconds: float = 30.0
) -> AsyncIterator[Store]:
    """A writer and a reader, after the server if there is one; every message had its fate."""

    def connection(role: Role, statistics: Statistics) -> DatabaseActor:
        return DatabaseActor(
            conninfo=conninfo, role=role, statistics=statistics, patience_seconds=patience_seconds
        )

    database = Database(
        writer=lambda: system.ref("root/writer"), readers=[lambda: system.ref("root/reader")]
    )
    writer = partial(connection, "writer", database.statistics)
    reader = partial(connection, "reader", Statistics())
    children = [
        ChildSpec(name="writer", factory=writer, backoff=SOON),
        ChildSpec(name="reader", factory=reader, backoff=SOON),
    ]
    if server is not None:
        embedded = partial(EmbeddedPostgres, server=server)
        children.insert(0, ChildSpec(name="postgres", factory=embedded, backoff=SOON))
    system = ActorSystem(SupervisorSpec(name="root", children=tuple(children)))
    async with system:
        yield Store(database, system, conninfo)
    fates = system.fates()
    assert fates.lost == 0, fates
    assert fates.queued == 0, fates


def execute(conninfo: str, sql: str) -> list[tuple[object, ...]]:
    """Run one statement on a connection of its own; its rows."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(sql)  # type: ignore[arg-type, unused-ignore]
        return cursor.fetchall() if cursor.description else []
