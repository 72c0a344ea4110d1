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
├── courier                              brings answers and what operators write to users
├── delivery              rest_for_one   what the dispatcher held is told again by the alarms
│   ├── dispatcher                       the only door to Telegram
│   ├── broadcaster                      one text for many, each recipient told once
│   ├── alarms                           wakes the sessions that are due
│   ├── order-alarms                     wakes the purchases that are due
│   └── notices                          tells the administrators of payments; with ADMIN_CHAT_ID
├── relay                 one_for_one    only with MAKE_WEBHOOK_URL
│   ├── destination                      sends events to the webhook, each user's in order
│   └── batcher                          collects what a user writes until he has finished
├── pre-checkout                         answers whoever is about to pay, ahead of every queue
├── refunds                              gives money back when an operator says so
├── reconciler                           asks providers about checkouts that are still open
├── auditor                              looks whether the books balance
├── rails                                whether what is on sale can be bought and paid for
├── webhooks              one_for_one
│   ├── processor                        works on the events that providers delivered
│   ├── desk                             answers what operators ask about them
│   └── ingress                          what providers deliver: verified, stored, acknowledged
├── menu                                 tells Telegram once which commands there are
└── gateway                              last up and first down: updates in
```

Children start top to bottom and stop bottom to top.
"""

from __future__ import annotations

import trio

from actors.broadcast.actor import BroadcastDispatcher
from actors.broadcasts.actor import Broadcaster
from actors.broadcasts.panel_reader import Reader
from actors.debounce.actor import DebounceBatcher
from actors.gateway.actor import TelegramGateway
from actors.gateway.admins import Admins
from actors.gateway.menu import CommandMenu
from actors.ingress.actor import WebhookIngress
from actors.ingress.desk import EventDesk
from actors.ingress.processor import EventProcessor
from actors.operations.actor import Observer
from actors.payments.actor import Purchases
from actors.payments.alarms import OrderAlarms
from actors.payments.auditor import LedgerAuditor
from actors.payments.notices import AdminNotices
from actors.payments.precheckout import PreCheckout
from actors.payments.reconciler import Reconciler
from actors.payments.refunding import RefundClerk
from actors.payments.watch import RailWatch
from actors.relay.actor import Relay
from actors.relay.courier import Courier
from actors.sessions.actor import UserSession
from actors.sessions.alarms import SessionAlarms
from actors.sessions.texts import commands_of
from actors.tracker.actor import PaymentTracker
from actors.tracker.messages import OrderPaymentChanged, PaymentStatusChanged
from config.parts import Parts
from runtime import ActorSystem, ChildSpec, KeyedSpec, SupervisorSpec

DISPATCHER_SHUTDOWN_SECONDS = 5.0
"""It drains what it holds for four of them."""


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
            ChildSpec(
                name="courier",
                factory=lambda: Courier(
                    notes=shop.store.notes,
                    dispatcher=shop.system.ref("root/delivery/dispatcher"),
                ),
            ),
            _delivery(shop),
            *_relay(shop),
            *_money(shop),
            _webhooks(shop),
            ChildSpec(
                name="menu",
                factory=lambda: CommandMenu(
                    menu=shop.menu, commands=commands_of(sells=bool(shop.catalogue.on_sale()))
                ),
            ),
            ChildSpec(
                name="gateway",
                factory=lambda: TelegramGateway(
                    updates=shop.updates,
                    inbox=shop.store.inbox,
                    sessions=shop.system.region("root/sessions"),
                    purchases=shop.system.region("root/purchases"),
                    pre_checkout=shop.system.ref("root/pre-checkout"),
                    admins=_admins(shop),
                    webhook=shop.webhook,
                ),
            ),
        ),
    )


def _admins(shop: Parts) -> Admins | None:
    """Whose `/broadcast` is heard, and by whom."""
    if shop.admin_chat_id is None:
        return None
    return Admins(shop.admin_chat_id, shop.system.ref("root/delivery/broadcaster"))


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
                batcher=shop.system.ref("root/relay/batcher") if shop.relay else None,
                sells=bool(shop.catalogue.on_sale()),
            ),
        ),
        KeyedSpec(
            name="purchases",
            factory=lambda chat_id: Purchases(
                chat_id=chat_id,
                store=shop.store.orders,
                refunds=shop.store.refunds,
                catalogue=shop.catalogue,
                tills=shop.tills,
                dispatcher=shop.system.ref("root/delivery/dispatcher"),
                tracker=shop.system.ref("root/tracker"),
                success_url=shop.success_url,
                live=shop.live,
                admin_chat_id=shop.admin_chat_id,
                admin_language=shop.admin_language,
                time_zone=shop.time_zone,
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
            name="refunds",
            factory=lambda: RefundClerk(
                orders=shop.store.orders,
                refunds=shop.store.refunds,
                tills=shop.tills,
                tracker=shop.system.ref("root/tracker"),
            ),
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
        ChildSpec(
            name="rails", factory=lambda: RailWatch(catalogue=shop.catalogue, rails=shop.tills)
        ),
    )


def _delivery(shop: Parts) -> SupervisorSpec:
    """What goes out to Telegram, and what asks for it without being asked."""
    children = [
        ChildSpec(
            name="dispatcher",
            factory=lambda: BroadcastDispatcher(
                messenger=shop.messenger,
                book=shop.store.post_book,
                pause=trio.sleep,
                outbox=shop.store.broadcasts,
                limits=shop.limits,
            ),
            shutdown_seconds=DISPATCHER_SHUTDOWN_SECONDS,
        ),
        ChildSpec(
            name="broadcaster",
            factory=lambda: Broadcaster(
                store=shop.store.broadcasts,
                dispatcher=shop.system.ref("root/delivery/dispatcher"),
                pause=trio.sleep,
                admin_chat_id=shop.admin_chat_id,
                reader=_administrators(shop),
                paid=bool(shop.limits.paid_per_second and shop.limits.stars_budget),
            ),
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
                pause=trio.sleep,
                admin_chat_id=admin_chat_id,
                language=shop.admin_language,
            ),
        )
        children.append(notices)
    return SupervisorSpec(name="delivery", strategy="rest_for_one", children=tuple(children))


def _administrators(shop: Parts) -> Reader:
    """Who reads the panels of broadcasts."""
    language = shop.admin_language
    titles = {p.product_id: p.title.in_language(language) for p in shop.catalogue.products}
    return Reader(language=language, zone=shop.time_zone, products=titles)


def _relay(shop: Parts) -> tuple[SupervisorSpec, ...]:
    """What users write and pay goes out to a webhook, if there is one."""
    parts = shop.relay
    if parts is None:
        return ()
    batcher = ChildSpec(
        name="batcher",
        factory=lambda: DebounceBatcher(
            store=shop.store.batches,
            relay=shop.system.ref("root/relay/destination"),
            dispatcher=shop.system.ref("root/delivery/dispatcher"),
            patience=parts.patience,
        ),
    )
    destination = ChildSpec(
        name="destination",
        factory=lambda: Relay(
            outbox=shop.store.relay_outbox,
            destination=parts.destination,
            courier=shop.system.ref("root/courier"),
            dispatcher=shop.system.ref("root/delivery/dispatcher"),
            admin_chat_id=shop.admin_chat_id,
        ),
    )
    return (SupervisorSpec(name="relay", children=(destination, batcher)),)


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
