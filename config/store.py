"""Where everything durable is kept, as parts of the tree: PostgreSQL, or a database in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

from actors.operations.messages import Reported
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.database import MemoryConnection, MemoryWriter
from adapters.memory.debounce import MemoryBatches
from adapters.memory.dispatch import MemoryPostBook
from adapters.memory.gateway import MemoryInbox
from adapters.memory.ingress import MemoryEvents
from adapters.memory.notes import MemoryNotes
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryNotices, MemoryPayments
from adapters.memory.refunds import MemoryRefunds
from adapters.memory.relay import MemoryOutbox
from adapters.memory.sessions import MemorySessions
from adapters.memory.tracker import MemoryWatches
from adapters.postgres.broadcasts import PostgresBroadcasts
from adapters.postgres.database import Database
from adapters.postgres.debounce import PostgresBatches
from adapters.postgres.dispatch import PostgresPostBook
from adapters.postgres.embedded import START_SECONDS, STOP_SECONDS, EmbeddedServer
from adapters.postgres.gateway import PostgresInbox
from adapters.postgres.ingress import PostgresEvents
from adapters.postgres.notes import PostgresNotes
from adapters.postgres.orders import PostgresOrders
from adapters.postgres.payments import PostgresNotices, PostgresPayments
from adapters.postgres.pulse import Pulse
from adapters.postgres.refunds import PostgresRefunds
from adapters.postgres.relay import PostgresOutbox
from adapters.postgres.server import DatabaseReporter, EmbeddedPostgres
from adapters.postgres.session import Role
from adapters.postgres.sessions import PostgresSessions
from adapters.postgres.tracker import PostgresWatches
from adapters.postgres.writer import DatabaseActor, Statistics
from config.parts import Find
from config.settings import Settings
from runtime import ActorRef, Backoff, ChildSpec

READERS = ("reader-1", "reader-2")
MIGRATION_SECONDS = 600.0
"""The writer migrates before it is up; cut short, a migration would only begin again."""
STORE_BACKOFF = Backoff(first_seconds=0.1, last_seconds=2.0)
"""Everybody waits for the store: it is looked for more often than anything else."""
DATABASE_FOLDER = "postgres"
"""Below DATA_DIR."""


class PostgresStore:
    """The server that the settings name, or one of our own in the data folder."""

    def __init__(self, settings: Settings, find: Find) -> None:
        self._find = find
        self._url = settings.database_url
        self.server: EmbeddedServer | None = None
        """Our own."""
        if self._url is None:
            self.server = EmbeddedServer(settings.data_dir / DATABASE_FOLDER)
        self._database = Database(
            writer=partial(self._connected, "writer"),
            readers=[partial(self._connected, name) for name in READERS],
        )
        self.inbox = PostgresInbox(self._database)
        self.sessions = PostgresSessions(self._database)
        self.post_book = PostgresPostBook(self._database)
        self.broadcasts = PostgresBroadcasts(self._database)
        self.watches = PostgresWatches(self._database)
        self.payments = self.books = PostgresPayments(self._database)
        self.orders = self.order_book = PostgresOrders(self._database)
        self.refunds = PostgresRefunds(self._database)
        self.events = PostgresEvents(self._database)
        self.notices = PostgresNotices(self._database)
        self.batches = PostgresBatches(self._database)
        self.relay_outbox = PostgresOutbox(self._database)
        self.notes = PostgresNotes(self._database)

    def children(self) -> tuple[ChildSpec, ...]:
        """The database, from the server up."""
        children = [
            ChildSpec(
                name="writer",
                factory=partial(self._connection, "writer"),
                start_seconds=MIGRATION_SECONDS,
                backoff=STORE_BACKOFF,
            )
        ]
        children += [
            ChildSpec(name=name, factory=partial(self._connection, "reader"), backoff=STORE_BACKOFF)
            for name in READERS
        ]
        server = self.server
        if server is not None:
            postgres = ChildSpec(
                name="postgres",
                factory=lambda: EmbeddedPostgres(server=server),
                start_seconds=START_SECONDS,
                shutdown_seconds=STOP_SECONDS,
                backoff=STORE_BACKOFF,
            )
            children.insert(0, postgres)
        writer = partial(self._connected, "writer")
        pulse = ChildSpec(name="pulse", factory=lambda: Pulse(writer=writer))
        reporter = ChildSpec(name="reporter", factory=lambda: DatabaseReporter(report=self.report))
        return (*children, pulse, reporter)

    def report(self) -> Reported:
        """How the database fares."""
        return self._database.report()

    async def close(self) -> None:
        """A start that was cut short kills its actors: nobody else stops the server then."""
        if self.server is not None:
            await self.server.stop()

    def _connected(self, name: str) -> ActorRef[Any]:
        return self._find(f"root/store/{name}")

    def _connection(self, role: Role) -> DatabaseActor:
        conninfo = self._url.get_secret_value() if self._url else ""
        if self.server is not None:
            conninfo = self.server.conninfo
        # Readers are not what the report is about: a lost one is found again by its next query.
        statistics = self._database.statistics if role == "writer" else Statistics()
        return DatabaseActor(conninfo=conninfo, role=role, statistics=statistics)


class MemoryStore:
    """A database in memory, over the `connection` of one life of the process."""

    def __init__(self, connection: MemoryConnection) -> None:
        self._connection = connection
        self.inbox = MemoryInbox(connection)
        self.sessions = MemorySessions(connection)
        self.post_book = MemoryPostBook(connection)
        self.broadcasts = MemoryBroadcasts(connection)
        self.watches = MemoryWatches(connection)
        self.payments = self.books = MemoryPayments(connection)
        self.orders = self.order_book = MemoryOrders(connection)
        self.refunds = MemoryRefunds(connection)
        self.events = MemoryEvents(connection)
        self.notices = MemoryNotices(connection)
        self.batches = MemoryBatches(connection)
        self.relay_outbox = MemoryOutbox(connection)
        self.notes = MemoryNotes(connection)

    def children(self) -> tuple[ChildSpec, ...]:
        """As with PostgreSQL; readers need no actors."""
        connection = self._connection
        return (
            ChildSpec(
                name="writer",
                factory=lambda: MemoryWriter(connection=connection),
                backoff=STORE_BACKOFF,
            ),
            ChildSpec(name="reporter", factory=lambda: DatabaseReporter(report=connection.report)),
        )

    def report(self) -> Reported:
        """How the database fares."""
        return self._connection.report()

    async def close(self) -> None:
        """The database outlives the process."""
