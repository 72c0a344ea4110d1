"""The supervision tree, whole, on one page.

```
root                      one_for_one    what falls here falls alone
├── http                                 first up and last down: health can be asked throughout
├── observer                             the newest report of every component
├── store                 one_for_one    connections outlive a server: they find it again
│   ├── postgres                         only without DATABASE_URL
│   ├── writer                           the one connection that commits; migrates first
│   ├── reader-1
│   ├── reader-2
│   └── reporter                         how the database fares
├── tracker                              the one that asks NocoDB about payments
├── inspector                            looks once whether the record table has our columns
├── sessions/<chat>       keyed          one conversation per chat, asleep when idle
├── purchases/<chat>      keyed          one chat's orders, asleep when idle
├── delivery              rest_for_one   what the dispatcher held is told again by the alarms
│   ├── dispatcher                       the only door to Telegram
│   ├── alarms                           wakes the sessions that are due
│   ├── order-alarms                     wakes the purchases that are due
│   └── notices                          tells the administrators of payments; with ADMIN_CHAT_ID
├── pre-checkout                         answers whoever is about to pay, ahead of every queue
├── reconciler                           asks providers about checkouts that are still open
├── auditor                              looks whether the books balance
├── webhooks              one_for_one
│   ├── processor                        works on the events that providers delivered
│   ├── desk                             answers what operators ask about them
│   └── ingress                          what providers deliver: verified, stored, acknowledged
└── gateway                              last up and first down: updates in
```

Children start top to bottom and stop bottom to top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import trio

from actors.broadcast.actor import BroadcastDispatcher
from actors.broadcast.ports import Messenger
from actors.gateway.actor import TelegramGateway
from actors.gateway.ports import Inbox, Updates, Webhook
from actors.ingress.actor import WebhookIngress
from actors.ingress.desk import EventDesk
from actors.ingress.model import SourceName
from actors.ingress.ports import Events, Source
from actors.ingress.processor import EventProcessor
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId
from actors.operations.actor import Observer
from actors.payments.actor import Purchases
from actors.payments.alarms import OrderAlarms
from actors.payments.auditor import LedgerAuditor
from actors.payments.catalogue import Catalogue
from actors.payments.notices import AdminNotices
from actors.payments.orders import Order
from actors.payments.ports import Books, Notices, Orders, PreCheckoutAnswers, Till
from actors.payments.precheckout import PreCheckout
from actors.payments.reconciler import Reconciler
from actors.sessions.actor import UserSession
from actors.sessions.alarms import SessionAlarms
from actors.sessions.ports import Records, Sessions
from actors.tracker.actor import PaymentTracker
from actors.tracker.messages import OrderPaymentChanged, PaymentStatusChanged
from actors.tracker.ports import OrderBook, PaidRecords, Payments, Watches
from runtime import Actor, ActorRef, ActorSystem, ChildSpec, KeyedSpec, SupervisorSpec

DISPATCHER_SHUTDOWN_SECONDS = 5.0
"""It drains what it holds for four of them."""


Find = Callable[[str], ActorRef[Any]]
"""Looks an actor up by its path; works only once the tree starts."""


class Store(Protocol):
    """Where everything durable is kept (`config.store`)."""

    @property
    def inbox(self) -> Inbox: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def watches(self) -> Watches: ...
    @property
    def events(self) -> Events: ...
    @property
    def payments(self) -> Payments: ...
    @property
    def books(self) -> Books: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def order_book(self) -> OrderBook: ...
    @property
    def notices(self) -> Notices: ...

    def children(self) -> tuple[ChildSpec, ...]:
        """The database, from the server up."""

    async def close(self) -> None:
        """Leave nothing behind, however the tree has ended."""


class Parts(Protocol):
    """What the tree is made of: `config.wiring.Shop`, or a shop in memory (`tests/stories`)."""

    @property
    def system(self) -> ActorSystem:
        """Where partners are looked up; asked only once the tree starts."""

    @property
    def interval_seconds(self) -> float:
        """Between two looks at the record table."""

    @property
    def live(self) -> bool:
        """Real money moves."""

    @property
    def admin_chat_id(self) -> ChatId | None:
        """Who is told of payments."""

    @property
    def updates(self) -> Updates: ...
    @property
    def webhook(self) -> Webhook | None:
        """Where Telegram sends updates, if it is not polled."""

    @property
    def messenger(self) -> Messenger: ...
    @property
    def store(self) -> Store: ...
    @property
    def records(self) -> Records: ...
    @property
    def paid_records(self) -> PaidRecords: ...
    @property
    def sources(self) -> Mapping[SourceName, Source]: ...
    @property
    def tills(self) -> Mapping[Rail, Till]: ...
    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def pre_checkout_answers(self) -> PreCheckoutAnswers: ...

    def success_url(self, order: Order) -> str:
        """Where a browser goes after paying."""

    def http_server(self) -> Actor[Any]:
        """The one port."""

    def inspector(self) -> Actor[Any]:
        """Looks once whether the record table has our columns."""


def topology(shop: Parts) -> SupervisorSpec:
    """The tree of one shop; the factories look their partners up when they are called."""
    return SupervisorSpec(
        name="root",
        children=(
            ChildSpec(name="http", factory=shop.http_server),
            ChildSpec(name="observer", factory=Observer),
            SupervisorSpec(name="store", children=shop.store.children()),
            ChildSpec(
                name="tracker",
                factory=lambda: PaymentTracker(
                    store=shop.store.watches,
                    records=shop.paid_records,
                    payments=shop.store.payments,
                    orders=shop.store.order_book,
                    live=shop.live,
                    interval_seconds=shop.interval_seconds,
                ),
            ),
            ChildSpec(name="inspector", factory=shop.inspector),
            *_people(shop),
            _delivery(shop),
            *_money(shop),
            _webhooks(shop),
            ChildSpec(
                name="gateway",
                factory=lambda: TelegramGateway(
                    updates=shop.updates,
                    inbox=shop.store.inbox,
                    sessions=shop.system.region("root/sessions"),
                    purchases=shop.system.region("root/purchases"),
                    pre_checkout=shop.system.ref("root/pre-checkout"),
                    webhook=shop.webhook,
                ),
            ),
        ),
    )


def _people(shop: Parts) -> tuple[KeyedSpec, ...]:
    """One actor per chat, twice: its conversation, and what it buys."""
    return (
        KeyedSpec(
            name="sessions",
            factory=lambda chat_id: UserSession(
                chat_id=chat_id,
                store=shop.store.sessions,
                records=shop.records,
                dispatcher=shop.system.ref("root/delivery/dispatcher"),
                tracker=shop.system.ref("root/tracker"),
            ),
        ),
        KeyedSpec(
            name="purchases",
            factory=lambda chat_id: Purchases(
                chat_id=chat_id,
                store=shop.store.orders,
                catalogue=shop.catalogue,
                tills=shop.tills,
                dispatcher=shop.system.ref("root/delivery/dispatcher"),
                tracker=shop.system.ref("root/tracker"),
                success_url=shop.success_url,
                live=shop.live,
                admin_chat_id=shop.admin_chat_id,
            ),
        ),
    )


def _money(shop: Parts) -> tuple[ChildSpec, ...]:
    """Whoever looks after payments without owning one."""
    return (
        ChildSpec(
            name="pre-checkout",
            factory=lambda: PreCheckout(store=shop.store.orders, answers=shop.pre_checkout_answers),
        ),
        ChildSpec(
            name="reconciler",
            factory=lambda: Reconciler(
                store=shop.store.orders,
                tills=shop.tills,
                tracker=shop.system.ref("root/tracker"),
            ),
        ),
        ChildSpec(name="auditor", factory=lambda: LedgerAuditor(books=shop.store.books)),
    )


def _delivery(shop: Parts) -> SupervisorSpec:
    """What goes out to Telegram, and what asks for it without being asked."""
    children = [
        ChildSpec(
            name="dispatcher",
            factory=lambda: BroadcastDispatcher(messenger=shop.messenger, pause=trio.sleep),
            shutdown_seconds=DISPATCHER_SHUTDOWN_SECONDS,
        ),
        ChildSpec(
            name="alarms",
            factory=lambda: SessionAlarms(
                store=shop.store.sessions, sessions=shop.system.region("root/sessions")
            ),
        ),
        ChildSpec(
            name="order-alarms",
            factory=lambda: OrderAlarms(
                store=shop.store.orders, purchases=shop.system.region("root/purchases")
            ),
        ),
    ]
    admin_chat_id = shop.admin_chat_id
    if admin_chat_id is not None:
        notices = ChildSpec(
            name="notices",
            factory=lambda: AdminNotices(
                store=shop.store.notices,
                dispatcher=shop.system.ref("root/delivery/dispatcher"),
                admin_chat_id=admin_chat_id,
            ),
        )
        children.append(notices)
    return SupervisorSpec(name="delivery", strategy="rest_for_one", children=tuple(children))


def _webhooks(shop: Parts) -> SupervisorSpec:
    """What providers tell us."""
    return SupervisorSpec(
        name="webhooks",
        children=(
            ChildSpec(
                name="processor",
                factory=lambda: EventProcessor(
                    sources=shop.sources,
                    events=shop.store.events,
                    tracker=shop.system.ref("root/tracker"),
                ),
            ),
            ChildSpec(
                name="desk",
                factory=lambda: EventDesk(
                    sources=shop.sources,
                    events=shop.store.events,
                    processor=shop.system.ref("root/webhooks/processor"),
                ),
            ),
            ChildSpec(
                name="ingress",
                factory=lambda: WebhookIngress(
                    sources=shop.sources,
                    events=shop.store.events,
                    processor=shop.system.ref("root/webhooks/processor"),
                    updates=shop.system.ref("root/gateway"),
                ),
            ),
        ),
    )


def wire_events(system: ActorSystem) -> None:
    """Who hears what on the event stream, besides those who subscribe by themselves."""
    system.events.subscribe(
        PaymentStatusChanged,
        system.region("root/sessions").by(lambda changed: changed.chat_id),
    )
    system.events.subscribe(
        OrderPaymentChanged,
        system.region("root/purchases").by(lambda changed: changed.chat_id),
    )
