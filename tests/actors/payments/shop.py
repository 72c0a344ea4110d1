"""A running shop around one customer: his purchases, the tracker's books, and a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import trio

from actors.broadcast import messages as broadcast
from actors.gateway.model import Entry
from actors.kernel import ledger
from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, OrderId, PaymentId, ProductId, UpdateId
from actors.kernel.language import Phrase
from actors.kernel.ledger import Account, Transfer
from actors.kernel.money import STARS, Currency, Money
from actors.payments import messages as payments
from actors.payments.actor import Purchases
from actors.payments.alarms import OrderAlarms
from actors.payments.catalogue import Catalogue, DigitalRails, Product
from actors.payments.deeds import Deed
from actors.payments.orders import Order, State
from actors.payments.ports import Recording, Till
from actors.payments.refunding import RefundClerk
from actors.payments.views import view_of
from actors.sessions import messages as sessions
from actors.tracker import messages as tracker
from actors.tracker.settlement import Observation, observe
from adapters.memory.database import MemoryDatabase
from adapters.memory.gateway import MemoryInbox
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryPayments
from adapters.memory.refunds import MemoryRefunds
from runtime import ActorRef, KeyedSpec, SupervisorSpec, VirtualWorld, ask
from runtime.testing import Probe, TestSystem, running
from tests.actors.payments.provider import Provider
from tests.actors.sessions.chat import Chat

ANNA, BERTA, ADMIN = ChatId(1), ChatId(2), ChatId(99)
ENGLISH = sessions.Profile(first_name="Anna <3", language_code="en")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
USD = Currency("USD")
STARS_PRICE, USD_PRICE = Money.of_minor(250, STARS), Money.of("4.99", "USD")

TICKET = Product(
    product_id=ProductId("ticket"),
    title=Phrase(ru="Билет <1>", uk="Квиток <1>", en="Ticket <1>"),
    description=Phrase(ru="На концерт & ужин", uk="На концерт & вечерю", en="To a gig & dinner"),
    goods=Phrase(ru="Код <R>", uk="Код <U>", en="Code <E>"),
    prices=(STARS_PRICE, USD_PRICE),
    digital=False,
)
BOOK = Product(
    product_id=ProductId("book"),
    title=Phrase(ru="Книга", uk="Книжка", en="Book"),
    description=Phrase(ru="Файл", uk="Файл ", en="A file"),
    goods=Phrase(ru="Ссылка", uk="Посилання", en="A link"),
    prices=(STARS_PRICE, USD_PRICE),
)
CATALOGUE = Catalogue(
    products=(TICKET, BOOK),
    rails={Rail.STARS: (STARS,), Rail.STRIPE: (USD,)},
    digital_rails=DigitalRails.STARS_ONLY,
)


class Store(MemoryOrders):
    """A store that can be away, and after which a conversation can crash."""

    away = False
    crashes_in: int | None = None
    """The actor crashes right after so many more saves."""
    lost_answer: Exception | None = None
    """The next save happens, and this is heard of it."""

    async def load(self, order_id: OrderId) -> Order | None:
        if self.away:
            raise Unavailable("the store is away")
        return await super().load(order_id)

    async def save(
        self,
        order: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> None:
        if self.away:
            raise Unavailable("the store is away")
        await super().save(
            order, handled=handled, recorded=recorded, transfers=transfers, deed=deed
        )
        lost, self.lost_answer = self.lost_answer, None
        if lost is not None:
            raise lost
        if self.crashes_in is not None:
            self.crashes_in -= 1
            if self.crashes_in < 0:
                self.crashes_in = None
                raise RuntimeError("crashed after saving")


@dataclass
class Books:
    """What the tracker does with a report: keeps it, books it, tells the order."""

    shop: Shop
    payments: MemoryPayments
    observed: list[PaymentReport] = field(default_factory=list)
    deaf = False

    def tell(self, message: tracker.Command, /) -> None:
        assert isinstance(message, tracker.Observed)
        self.observed.append(message.report)
        if not self.deaf:
            self.shop.system.spawn_task(self.shop.report, message.report)


class Shop:
    """What outlives the process (database, chat, provider), and one process at a time."""

    def __init__(self, catalogue: Catalogue = CATALOGUE) -> None:
        self.catalogue = catalogue
        self.connection = MemoryDatabase(now=self._now).connect()
        self.store, self.inbox = Store(self.connection), MemoryInbox(self.connection)
        self.refunds = MemoryRefunds(self.connection)
        self.books = Books(self, MemoryPayments(self.connection))
        self.chat, self.admin, self.provider = Chat(), Chat(), Provider()
        self.moved: Probe = Probe()
        self.clock = NOON
        self.heard: list[payments.Heard] = []
        self._system: TestSystem | None = None
        self._updates, self._charges = count(1), count(1)

    def _now(self) -> datetime:
        return self.system.world.now()

    @property
    def system(self) -> TestSystem:
        assert self._system is not None
        return self._system

    def tell(self, message: broadcast.Command, /) -> None:
        """The dispatcher: the customer's chat, or the administrators'."""
        (self.admin if message.chat_id == ADMIN else self.chat).tell(message)

    @asynccontextmanager
    async def open(self, *, alarms: bool = True) -> AsyncIterator[TestSystem]:
        """A process, from its start to its end."""
        tree = SupervisorSpec(
            name="root",
            children=(KeyedSpec(name="purchases", factory=self._purchases_of, idle_seconds=300),),
        )
        async with running(tree, world=VirtualWorld(epoch=self.clock)) as self._system:
            self.system.events.subscribe(payments.OrderMoved, self.moved)
            if alarms:
                region = self.system.region("root/purchases")
                self.system.spawn(lambda: OrderAlarms(store=self.store, purchases=region))
            await self.system.settle()
            unhandled = {update.update_id for update in await self.inbox.unhandled()}
            for heard in self.heard:
                if heard.update_id in unhandled:
                    await self.tell_purchases(heard)
            for payment in await self.books.payments.unrecorded(limit=100):
                assert payment.order_id is not None
                await self.tell_purchases(
                    tracker.OrderPaymentChanged(
                        order_id=payment.order_id, chat_id=ANNA, payment=payment
                    )
                )
            yield self.system
            self.clock = self.system.world.now()
        self.chat.restart()

    @property
    def tills(self) -> dict[Rail, Till]:
        """Whatever is on sale can be paid for, and all but Stars can be given back."""
        return {
            rail: Till(
                rail=rail,
                checkout=self.provider,
                currencies=currencies,
                refunding=None if rail is Rail.STARS else self.provider,
            )
            for rail, currencies in self.catalogue.rails.items()
        }

    def clerk(self) -> ActorRef[RefundClerk]:
        """Whoever gives money back."""
        return self.system.spawn(
            lambda: RefundClerk(
                orders=self.store, refunds=self.refunds, tills=self.tills, tracker=self.books
            )
        )

    async def decide(
        self, question: payments.Accept | payments.Dismiss
    ) -> payments.Done | payments.Refused:
        """An operator's word on an order."""
        told = await ask(self.system.region("root/purchases").ref(ANNA), question)
        await self.system.settle()
        return told

    def _purchases_of(self, chat_id: ChatId) -> Purchases:
        return Purchases(
            chat_id=chat_id,
            store=self.store,
            refunds=self.refunds,
            catalogue=self.catalogue,
            tills=self.tills,
            dispatcher=self,
            tracker=self.books,
            success_url=lambda order: f"https://shop.example/{order.order_id}",
            live=True,
            admin_chat_id=ADMIN,
        )

    @property
    def orders(self) -> list[Order]:
        return [row.order for row in self.connection.tables.orders.values()]

    @property
    def order(self) -> Order:
        """The newest."""
        return self.orders[-1]

    def state(self) -> State:
        """Of the newest order."""
        return self.order.state

    def balance(self, account: Account) -> list[str]:
        balances = self.connection.tables.ledger.balances
        return [str(amount) for (of, _), amount in balances.items() if of == account and amount]

    async def unhandled(self) -> list[int]:
        return [update.update_id for update in await self.inbox.unhandled()]

    async def hear(self, heard: payments.Heard) -> None:
        """An update of Telegram."""
        self.heard.append(heard)
        entry = Entry(heard.update_id, "{}", chat_id=ANNA)
        await self.inbox.add([entry], batch_id=UUID(int=heard.update_id), at=self.clock)
        await self.tell_purchases(heard)

    async def tell_purchases(self, message: payments.Command, chat_id: ChatId = ANNA) -> None:
        self.system.region("root/purchases").tell(chat_id, message)
        await self.system.settle()

    async def command(self, name: str, profile: sessions.Profile = ENGLISH) -> None:
        self.chat.user_wrote()
        await self.hear(
            sessions.CommandReceived(update_id=self.update_id(), profile=profile, name=name)
        )

    async def press(self, label: str, *, profile: sessions.Profile = ENGLISH) -> None:
        await self.hear(self.pressed(label, profile=profile))

    def pressed(self, label: str, *, profile: sessions.Profile = ENGLISH) -> sessions.ButtonPressed:
        """A press on the lowest button that begins so."""
        for message_id in sorted(self.chat.shown, reverse=True):
            for row in self.chat.shown[message_id].keyboard:
                for button in row:
                    if button.text.startswith(label) and button.data:
                        return sessions.ButtonPressed(
                            update_id=self.update_id(),
                            profile=profile,
                            callback_id="callback",
                            message_id=message_id,
                            data=button.data,
                        )
        raise AssertionError(f"no button {label!r} on {self.chat.shown}")

    def update_id(self) -> UpdateId:
        return UpdateId(next(self._updates))

    async def buy(self, product: str = "Ticket", rail: str = "$") -> None:
        """From /buy to a checkout."""
        await self.command("buy")
        await self.press(product)
        await self.press("4.99" if rail == "$" else "250")

    def charge(
        self,
        standing: Standing = Standing.PAID,
        amount: Money | None = None,
        *,
        name: str = "charge",
        refunded: Money | None = None,
        live: bool = True,
        parent: str | None = None,
    ) -> PaymentReport:
        """What the provider says of a charge for the newest order."""
        money = {Standing.WAITING, Standing.PROCESSING, Standing.FAILED, Standing.EXPIRED}
        price = self.order.price
        default = Money.zero(price.currency) if standing in money else price
        return PaymentReport(
            rail=self.order.rail,
            payment_id=PaymentId(name),
            standing=standing,
            amount=default if amount is None else amount,
            live=live,
            order_id=self.order.order_id,
            refunded=refunded,
            parent=None if parent is None else PaymentId(parent),
        )

    async def pay(self, report: PaymentReport | None = None) -> None:
        """The tracker hears of a charge."""
        await self.report(report or self.charge())
        await self.system.settle()

    async def report(self, report: PaymentReport) -> None:
        store = self.books.payments
        before = await store.load(report.rail, report.payment_id)
        order = None if report.order_id is None else await self.store.find(report.order_id)
        seen = observe(before, report, order, live=True)
        assert isinstance(seen, Observation)
        await store.record(seen, event_id=None, at=self.clock)
        if seen.news and seen.after.order_id is not None and seen.after.chat_id is not None:
            changed = tracker.OrderPaymentChanged(
                order_id=seen.after.order_id, chat_id=seen.after.chat_id, payment=seen.after
            )
            self.system.region("root/purchases").tell(seen.after.chat_id, changed)

    async def stars(self, *, charge_id: str = "stars", payload: str | None = None) -> None:
        """Telegram says that the newest order was paid with Stars."""
        await self.hear(
            payments.PaymentReceived(
                update_id=self.update_id(),
                profile=ENGLISH,
                charge_id=charge_id,
                currency="XTR",
                total_amount=250,
                payload=self.order.order_id if payload is None else payload,
            )
        )

    async def rest(self, seconds: float) -> None:
        """Nothing happens for a while."""
        await trio.sleep(seconds)
        await self.system.settle()

    def texts(self) -> list[str]:
        """Everything on the screen, top to bottom."""
        return [self.chat.shown[message_id].text for message_id in sorted(self.chat.shown)]

    def check(self) -> None:
        """Each order has its newest view on the screen, once, and nothing is left to do for it."""
        for order in self.orders:
            view = view_of(order)
            shown = [shown for shown in self.chat.shown.values() if shown.text == view.text]
            assert [each.keyboard for each in shown] == [view.keyboard], self.texts()
            assert not order.unshown
            assert order.stray_message_id is None
        booked = list(self.connection.tables.ledger.entries())
        assert ledger.imbalance(booked) == ()
