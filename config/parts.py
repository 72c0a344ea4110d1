"""What a shop is made of, as the tree asks for it; `config.wiring.Shop` is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any, Protocol

from actors.broadcast.ports import Messenger, Outbox, PostBook
from actors.broadcast.tokens import Limits
from actors.broadcasts.ports import Broadcasts
from actors.debounce.ports import Batches
from actors.gateway.ports import Inbox, Menu, Updates, Webhook
from actors.ingress.model import SourceName
from actors.ingress.ports import Events, Source
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.operations.messages import Reported
from actors.payments.catalogue import Catalogue
from actors.payments.orders import Order
from actors.payments.ports import Books, Notices, Orders, PreCheckoutAnswers, Refunds, Till
from actors.relay import ports as relay
from actors.sessions.ports import Records, Sessions
from actors.tracker.ports import OrderBook, PaidRecords, Payments, Watches
from config.relay import RelayParts
from runtime import Actor, ActorRef, ActorSystem, ChildSpec

Find = Callable[[str], ActorRef[Any]]
"""Looks an actor up by its path; works only once the tree starts."""


class BroadcastsAndOutbox(Broadcasts, Outbox, Protocol):
    """One store, two ports: whoever begins a broadcast, and whoever lets its letters go."""


class Store(Protocol):
    """Where everything durable is kept (`config.store`)."""

    @property
    def inbox(self) -> Inbox: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def post_book(self) -> PostBook: ...
    @property
    def broadcasts(self) -> BroadcastsAndOutbox: ...
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
    def refunds(self) -> Refunds: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def relay_outbox(self) -> relay.Outbox: ...
    @property
    def notes(self) -> relay.Notes: ...

    def children(self) -> tuple[ChildSpec, ...]:
        """The database, from the server up."""

    def report(self) -> Reported:
        """How the database fares, now."""

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
    def admin_language(self) -> Language:
        """What he is told in."""

    @property
    def time_zone(self) -> tzinfo:
        """By which clocks people are told times."""

    @property
    def updates(self) -> Updates: ...
    @property
    def webhook(self) -> Webhook | None:
        """Where Telegram sends updates, if it is not polled."""

    @property
    def menu(self) -> Menu: ...
    @property
    def messenger(self) -> Messenger: ...
    @property
    def limits(self) -> Limits:
        """How much Telegram is asked to bear, and what that may cost."""

    @property
    def relay(self) -> RelayParts | None:
        """Where messages and payments are relayed to, if anywhere."""

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
