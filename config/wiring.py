"""One shop: the adapters made from the settings, and the system that uses them."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta, tzinfo
from functools import partial
from urllib.parse import urlsplit

import trio

from actors.broadcast.tokens import Limits
from actors.broadcast.ways import in_flight_max
from actors.gateway.ports import Webhook
from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.operations import tree
from actors.operations.model import Phase, Readiness
from actors.payments.catalogue import Catalogue, DigitalRails
from actors.payments.orders import Order
from actors.payments.tokens import SuccessTokens
from adapters.http.access import Operators, Writers
from adapters.http.app import application
from adapters.http.broadcasts import broadcast_routes
from adapters.http.events import event_routes
from adapters.http.listening import Bind
from adapters.http.messages import FindUrl
from adapters.http.notes import note_routes
from adapters.http.openapi import openapi_routes
from adapters.http.operator import Views, operator_routes
from adapters.http.orders import order_routes
from adapters.http.relay import relay_routes
from adapters.http.server import HttpServer
from adapters.http.success import PATH as SUCCESS_PATH
from adapters.http.success import success_routes
from adapters.http.webhooks import webhook_routes
from adapters.nocodb.client import NocoClient
from adapters.nocodb.inspector import TableInspector
from adapters.nocodb.paid_records import NocoPaidRecords
from adapters.nocodb.records import Columns, NocoRecords
from adapters.postgres.embedded import EmbeddedServer
from adapters.telegram.bot import TrioBot, connected
from adapters.telegram.menu import TelegramMenu
from adapters.telegram.messenger import TelegramMessenger
from adapters.telegram.payments import TelegramPreCheckoutAnswers
from adapters.telegram.updates import TelegramUpdates
from config.identity import IDENTITY
from config.parts import Find, Store
from config.products import products_on_sale
from config.rails import Rails, opened_rails
from config.relay import RelayParts, opened_relay
from config.settings import Settings
from config.store import PostgresStore
from config.topology import topology, wire_events
from runtime import ActorSystem, ask

TELEGRAM = "https://t.me"
"""Where a browser goes that has paid, while PUBLIC_URL does not say where we are."""
PAGE_KEPT = timedelta(days=1)
"""How long beyond an order's own time its page can be seen."""

MakeStore = Callable[[Find], Store]
MakeSystem = Callable[..., ActorSystem]
"""Called with the tree and `stop_seconds`; its other arguments are the maker's own."""


class Shop:
    """Every part of one running shop, by name; `topology` says how they are supervised.

    `cashier` has connections of its own: who is about to pay waits for no letter.
    """

    system: ActorSystem

    def __init__(
        self,
        settings: Settings,
        *,
        bot: TrioBot,
        cashier: TrioBot,
        noco: NocoClient,
        rails: Rails,
        relay: RelayParts | None,
        make_store: MakeStore,
        make_system: MakeSystem,
    ) -> None:
        self.settings = settings
        self.live, self.sources, self.tills = rails.live, rails.sources, rails.tills
        self.catalogue = _catalogue(settings, rails)
        self.pre_checkout_answers = TelegramPreCheckoutAnswers(cashier)
        keys = [key.get_secret_value().encode() for key in settings.success_url_signing_key]
        self._tokens = SuccessTokens(keys or [_success_key(settings)])
        self.phase = Phase.STARTING
        self._started = trio.current_time()
        self.store = make_store(lambda path: self.system.ref(path))  # noqa: PLW0108 - the system comes later
        self.updates = TelegramUpdates(bot)
        self.messenger, self.menu = TelegramMessenger(bot), TelegramMenu(bot)
        columns = Columns(
            name=settings.nocodb_name_column,
            contact=settings.nocodb_contact_column,
            chat_id=settings.nocodb_chat_id_column,
            language=settings.nocodb_language_column,
            paid=settings.nocodb_paid_column,
        )
        self.records = NocoRecords(client=noco, columns=columns)
        self.relay = relay
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
            token=token.get_secret_value() if token else None,
            # Behind an address of the outside world stands a proxy, which may add no header.
            loopback=self.bind.is_loopback and not self._is_public,
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
        routes = [
            *operator_routes(views, operators),
            *webhook_routes(
                self.system.ref("root/webhooks/ingress"),
                trusted_proxies=self.settings.trusted_proxies,
            ),
            *event_routes(self.store.events, self.system.ref("root/webhooks/desk"), operators),
            *order_routes(
                self.store.orders,
                self.store.refunds,
                operators,
                purchases=self.system.region("root/purchases").ref,
                clerk=self.system.ref("root/refunds"),
            ),
            *note_routes(
                self.system.ref("root/courier"),
                Writers(
                    operators=operators,
                    tokens=tuple(t.get_secret_value() for t in self.settings.messages_token),
                ),
            ),
            *relay_routes(
                self.store.relay_outbox,
                (lambda: self.system.ref("root/relay/destination")) if self.relay else None,
                operators,
            ),
            *broadcast_routes(
                self.store.broadcasts, self.system.ref("root/delivery/broadcaster"), operators
            ),
            *success_routes(
                orders=self.store.orders, tokens=self._tokens, now=self.system.world.now
            ),
            *openapi_routes(IDENTITY),
        ]
        return HttpServer(app=application(routes, operators), bind=self.bind)

    def inspector(self) -> TableInspector:
        """The one that looks whether the record table has our columns."""
        return TableInspector(records=self.records)

    def success_url(self, order: Order) -> str:
        """Where a browser goes after paying: a page of ours, or back to Telegram."""
        if self.settings.public_url is None:
            return TELEGRAM
        token = self._tokens.issue(order.order_id, expires_at=order.expires_at + PAGE_KEPT)
        return f"{self.settings.public_url}{SUCCESS_PATH}?token={token}"

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

    @property
    def limits(self) -> Limits:
        """How much Telegram is asked to bear, and what that may cost."""
        return limits_of(self.settings)

    @property
    def admin_chat_id(self) -> ChatId | None:
        """Who is told of payments."""
        chat_id = self.settings.admin_chat_id
        return None if chat_id is None else ChatId(chat_id)

    @property
    def admin_language(self) -> Language:
        """What he is told in."""
        return Language(self.settings.admin_language)

    @property
    def time_zone(self) -> tzinfo:
        """By which clocks people are told times."""
        return self.settings.time_zone

    @property
    def webhook(self) -> Webhook | None:
        """Where Telegram sends updates, if it is not polled."""
        url, secrets = self.settings.telegram_webhook_url, self.settings.telegram_webhook_secret
        if url is None or not secrets:
            return None
        return Webhook(url=url, secret=secrets[0].get_secret_value())

    @property
    def _is_public(self) -> bool:
        """The outside world reaches this server, through whatever stands in front of it."""
        url = self.settings.public_url
        return url is not None and not Bind(urlsplit(url).hostname or "", 0).is_loopback

    def readiness(self) -> Readiness:
        """Whether new work may come."""
        store = self.system.snapshot("root/store")  # not the whole tree: probes come often
        return tree.readiness(
            store,
            phase=self.phase,
            required={"store": "root/store"},
            reports={"store": self.store.report()},
        )

    async def unhandled(self) -> int:
        """Updates that are stored and not handled yet."""
        return (await self.store.inbox.counts()).unhandled

    def drain(self) -> None:
        """Say that no new work should come; the system drains when its block is left."""
        self.phase = Phase.DRAINING

    async def url(self) -> str:
        """The URL of the HTTP port, as reached from this machine."""
        return await ask(self.system.ref("root/http"), FindUrl())


def _success_key(settings: Settings) -> bytes:
    """The key without one of the operator's. It outlives a restart: Stripe refuses a checkout
    that is asked for once more, under its order's id, with another page to come back to.
    """
    token = settings.bot_token.get_secret_value().encode()
    return hmac.digest(token, b"factorage key of success urls", "sha256")


def _catalogue(settings: Settings, rails: Rails) -> Catalogue:
    return Catalogue(
        products=products_on_sale(settings),
        rails={rail: till.currencies for rail, till in rails.tills.items()},
        digital_rails=DigitalRails(settings.digital_rails),
    )


def limits_of(settings: Settings) -> Limits:
    """How much Telegram is asked to bear under these settings."""
    return Limits(
        bulk_per_second=settings.broadcast_per_second,
        paid_per_second=settings.broadcast_paid_per_second,
        stars_budget=settings.broadcast_stars_budget,
    )


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
            token=settings.bot_token.get_secret_value(),
            api_url=settings.telegram_api_url,
            connections=in_flight_max(limits_of(settings)),
        ) as bot,
        connected(
            token=settings.bot_token.get_secret_value(), api_url=settings.telegram_api_url
        ) as cashier,
        NocoClient(
            url=settings.nocodb_url,
            token=settings.nocodb_token.get_secret_value(),
            table_id=settings.nocodb_table_id,
        ) as noco,
        opened_rails(settings, bot=bot) as rails,
        opened_relay(
            settings,
            now=lambda: shop.system.world.now(),  # noqa: PLW0108 - the shop comes later
        ) as relay,
    ):
        shop = Shop(
            settings,
            bot=bot,
            cashier=cashier,
            noco=noco,
            rails=rails,
            relay=relay,
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
