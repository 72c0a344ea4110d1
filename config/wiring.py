"""One shop: the adapters made from the settings, and the system that uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

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
from adapters.postgres.embedded import EmbeddedServer
from adapters.telegram.bot import TrioBot, connected
from adapters.telegram.messenger import TelegramMessenger
from adapters.telegram.updates import TelegramUpdates
from config.settings import Settings
from config.store import PostgresStore
from config.topology import Find, Store, topology, wire_events
from runtime import ActorSystem, ask

IDENTITY = Identity(service_id="factorage", version="0.1.0", release_id="0.1.0")

MakeStore = Callable[[Find], Store]
MakeSystem = Callable[..., ActorSystem]
"""Called with the tree and `stop_seconds`; its other arguments are the maker's own."""


class Shop:
    """Every part of one running shop, by name; `topology` says how they are supervised."""

    system: ActorSystem

    def __init__(
        self,
        settings: Settings,
        *,
        bot: TrioBot,
        noco: NocoClient,
        make_store: MakeStore,
        make_system: MakeSystem,
    ) -> None:
        self.settings = settings
        self.phase = Phase.STARTING
        self._started = trio.current_time()
        self.store = make_store(lambda path: self.system.ref(path))  # noqa: PLW0108 - the system comes later
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
        self.system = make_system(topology(self), stop_seconds=settings.shutdown_seconds)
        wire_events(self.system)

    # What the topology is made of

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

    # What others want to know of it

    @property
    def server(self) -> EmbeddedServer | None:
        """The database server of our own, if there is one."""
        return self.store.server if isinstance(self.store, PostgresStore) else None

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
        return (await self.store.inbox.counts()).unhandled

    def drain(self) -> None:
        """Say that no new work should come; the system drains when its block is left."""
        self.phase = Phase.DRAINING

    async def url(self) -> str:
        """The URL of the HTTP port, as reached from this machine."""
        return await ask(self.system.ref("root/http"), FindUrl())


def bind_of(settings: Settings) -> Bind:
    """Where the HTTP port of these settings listens."""
    return Bind(settings.http_bind.host, settings.http_bind.port)


@asynccontextmanager
async def running_shop(
    settings: Settings,
    *,
    make_store: MakeStore | None = None,
    make_system: MakeSystem = ActorSystem,
) -> AsyncIterator[Shop]:
    """A shop with its whole tree up; leaving drains it.

    Without `make_store` it is kept in PostgreSQL, as the settings say. A simulation hands in
    a `MemoryStore`, and a system with time, luck and scheduling of its own:
    `partial(ActorSystem, world=..., threads="inline")`.

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
        shop = Shop(
            settings,
            bot=bot,
            noco=noco,
            make_store=make_store or partial(PostgresStore, settings),
            make_system=make_system,
        )
        try:
            async with shop.system:
                shop.phase = Phase.SERVING
                try:
                    yield shop
                finally:
                    shop.drain()
        finally:
            await shop.store.close()
