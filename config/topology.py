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
├── delivery              rest_for_one   what the dispatcher held is told again by the alarms
│   ├── dispatcher                       the only door to Telegram
│   └── alarms                           wakes the sessions that are due
└── gateway                              last up and first down: updates in
```

Children start top to bottom and stop bottom to top.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import trio

from actors.broadcast.actor import BroadcastDispatcher
from actors.broadcast.ports import Messenger
from actors.gateway.actor import TelegramGateway
from actors.gateway.ports import Inbox, Updates
from actors.operations.actor import Observer
from actors.sessions.actor import UserSession
from actors.sessions.alarms import SessionAlarms
from actors.sessions.ports import Records, Sessions
from actors.tracker.actor import PaymentTracker
from actors.tracker.messages import PaymentStatusChanged
from actors.tracker.ports import PaidRecords, Watches
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
    def updates(self) -> Updates: ...
    @property
    def messenger(self) -> Messenger: ...
    @property
    def store(self) -> Store: ...
    @property
    def records(self) -> Records: ...
    @property
    def paid_records(self) -> PaidRecords: ...

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
                    interval_seconds=shop.interval_seconds,
                ),
            ),
            ChildSpec(name="inspector", factory=shop.inspector),
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
            SupervisorSpec(
                name="delivery",
                strategy="rest_for_one",
                children=(
                    ChildSpec(
                        name="dispatcher",
                        factory=lambda: BroadcastDispatcher(
                            messenger=shop.messenger, pause=trio.sleep
                        ),
                        shutdown_seconds=DISPATCHER_SHUTDOWN_SECONDS,
                    ),
                    ChildSpec(
                        name="alarms",
                        factory=lambda: SessionAlarms(
                            store=shop.store.sessions, sessions=shop.system.region("root/sessions")
                        ),
                    ),
                ),
            ),
            ChildSpec(
                name="gateway",
                factory=lambda: TelegramGateway(
                    updates=shop.updates,
                    inbox=shop.store.inbox,
                    sessions=shop.system.region("root/sessions"),
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
