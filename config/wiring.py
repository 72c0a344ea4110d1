"""One shop: the adapters made from the settings, and the system that uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from actors.operations import tree
from actors.operations.model import Identity, Phase, Readiness
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.listening import Bind
from adapters.http.messages import FindUrl
from adapters.http.operator import Views, operator_routes
from adapters.http.server import HttpServer
from adapters.nocodb.client import NocoClient
from adapters.nocodb.inspector import TableInspector
from adapters.nocodb.paid_records import NocoPaidRecords
from adapters.nocodb.records import Columns, NocoRecords
from adapters.postgres.database import Database
from adapters.postgres.embedded import START_SECONDS, STOP_SECONDS, EmbeddedServer
from adapters.postgres.gateway import PostgresInbox
from adapters.postgres.server import DatabaseReporter, EmbeddedPostgres
from adapters.postgres.session import Role
from adapters.postgres.sessions import PostgresSessions
from adapters.postgres.tracker import PostgresWatches
from adapters.postgres.writer import DatabaseActor, Statistics
from adapters.telegram.bot import TrioBot, connected
from adapters.telegram.messenger import TelegramMessenger
from adapters.telegram.updates import TelegramUpdates
from config.settings import Settings
from config.topology import topology, wire_events
from runtime import ActorRef, ActorSystem, Backoff, ChildSpec, ask

IDENTITY = Identity(service_id="factorage", version="0.1.0", release_id="0.1.0")
READERS = 2
MIGRATION_SECONDS = 600.0
"""The writer migrates before it is up; cut short, a migration would only begin again."""
STORE_BACKOFF = Backoff(first_seconds=0.1, last_seconds=2.0)
"""Everybody waits for the store: it is looked for more often than anything else."""
DATABASE_FOLDER = "postgres"
"""Below DATA_DIR."""


class Shop:
    """Every part of one running shop, by name; `topology` says how they are supervised."""

    system: ActorSystem

    def __init__(self, settings: Settings, *, bot: TrioBot, noco: NocoClient) -> None:
        self.settings = settings
        self.phase = Phase.STARTING
        self._started = trio.current_time()
        self.server = self._embedded_server()
        self.updates = TelegramUpdates(bot)
        self.messenger = TelegramMessenger(bot)
        columns = Columns(
            name=settings.nocodb_name_column,
            contact=settings.nocodb_contact_column,
            chat_id=settings.nocodb_chat_id_column,
            language=settings.nocodb_language_column,
            paid=settings.nocodb_paid_column,
        )
        self.records = NocoRecords(client=noco, columns=columns)
        self.paid_records = NocoPaidRecords(
            client=noco, paid_column=columns.paid, chat_id_column=columns.chat_id
        )
        self.database = Database(
            writer=partial(self._ref, "root/store/writer"),
            readers=[partial(self._ref, f"root/store/{name}") for name in _reader_names()],
        )
        self.inbox = PostgresInbox(self.database)
        self.sessions_store = PostgresSessions(self.database)
        self.watches = PostgresWatches(self.database)
        self.system = ActorSystem(topology(self), stop_seconds=settings.shutdown_seconds)
        wire_events(self.system)

    # What the topology is made of

    def store_children(self) -> tuple[ChildSpec, ...]:
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
            for name in _reader_names()
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
        report = self.database.report
        reporter = ChildSpec(name="reporter", factory=lambda: DatabaseReporter(report=report))
        return (*children, reporter)

    def http_server(self) -> HttpServer:
        """The one port, with the routes of those who watch."""
        token = self.settings.operator_token
        operators = Operators(
            token=token.get_secret_value() if token else None, loopback=self.bind.is_loopback
        )
        views = Views(
            identity=IDENTITY,
            alive=lambda: not self.system.failed,
            readiness=self.readiness,
            snapshot=self.system.snapshot,
            fates=self.system.fates,
            observer=self.system.ref("root/observer"),
            now=self.system.world.now,
            uptime_seconds=lambda: trio.current_time() - self._started,
        )
        return HttpServer(app=application(operator_routes(views, operators)), bind=self.bind)

    def inspector(self) -> TableInspector:
        """The one that looks whether the record table has our columns."""
        return TableInspector(records=self.records)

    def _ref(self, path: str) -> ActorRef[Any]:
        return self.system.ref(path)

    def _connection(self, role: Role) -> DatabaseActor:
        url = self.settings.database_url
        conninfo = url.get_secret_value() if url else ""
        if self.server is not None:
            conninfo = self.server.conninfo
        # Readers are not what the report is about: a lost one is found again by its next query.
        statistics = self.database.statistics if role == "writer" else Statistics()
        return DatabaseActor(conninfo=conninfo, role=role, statistics=statistics)

    def _embedded_server(self) -> EmbeddedServer | None:
        if self.settings.database_url is not None:
            return None
        return EmbeddedServer(self.settings.data_dir / DATABASE_FOLDER)

    # What others want to know of it

    @property
    def bind(self) -> Bind:
        """Where the HTTP port listens."""
        return bind_of(self.settings)

    @property
    def interval_seconds(self) -> float:
        """Between two looks at the record table."""
        return self.settings.tracker_interval_seconds

    def readiness(self) -> Readiness:
        """Whether new work may come."""
        store = self.system.snapshot("root/store")  # not the whole tree: probes come often
        return tree.readiness(store, phase=self.phase, required={"store": "root/store"})

    async def unhandled(self) -> int:
        """Updates that are stored and not handled yet."""
        return (await self.inbox.counts()).unhandled

    def drain(self) -> None:
        """Say that no new work should come; the system drains when its block is left."""
        self.phase = Phase.DRAINING

    async def url(self) -> str:
        """The URL of the HTTP port, as reached from this machine."""
        return await ask(self.system.ref("root/http"), FindUrl())


def bind_of(settings: Settings) -> Bind:
    """Where the HTTP port of these settings listens."""
    return Bind(settings.http_bind.host, settings.http_bind.port)


def _reader_names() -> list[str]:
    return [f"reader-{number + 1}" for number in range(READERS)]


@asynccontextmanager
async def running_shop(settings: Settings) -> AsyncIterator[Shop]:
    """A shop with its whole tree up; leaving drains it.

    Raises `SupervisionError` when the tree cannot go on, with the reason as its cause.
    """
    async with (
        connected(
            token=settings.bot_token.get_secret_value(), api_url=settings.telegram_api_url
        ) as bot,
        NocoClient(
            url=settings.nocodb_url,
            token=settings.nocodb_token.get_secret_value(),
            table_id=settings.nocodb_table_id,
        ) as noco,
    ):
        shop = Shop(settings, bot=bot, noco=noco)
        try:
            async with shop.system:
                shop.phase = Phase.SERVING
                try:
                    yield shop
                finally:
                    shop.drain()
        finally:
            # A start that was cut short kills its actors: nobody else stops the server then.
            if shop.server is not None:
                await shop.server.stop()
