"""The second chapter on a shop in memory: it holds, and whatever may go wrong is noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from actors.ingress.model import Added, Arrival, Chosen
from actors.kernel.ids import ChatId, EventId, PaymentId, UpdateId
from actors.kernel.ledger import SALES, Transfer
from actors.kernel.money import Currency, Money
from actors.payments.deeds import Deed
from actors.payments.orders import Order
from actors.payments.ports import Notice, Recording
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.ingress import MemoryEvents
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryNotices
from adapters.sandbox.telegram_state import Message
from config.store import MemoryStore
from config.story_purchases import Purchases
from config.story_stage import FIRST_BUYER, Stage, StepFailed
from tests.adapters.sandbox.calls import virtual_now
from tests.config.staged import staged

NAMES = [
    "he buys something, and pays with Stars",
    "another buyer pays at Stripe",
    "Stripe delivers that webhook again",
    "the worker is killed, and webhooks arrive",
    "administrators are told of each payment once",
    "the ledger balances",
]
WEBHOOKS = 4
"""That Stripe sends of one payment."""


async def ends_at(
    name: str,
    folder: Path,
    *,
    before: Callable[[Stage], None] = lambda _: None,
    database: MemoryDatabase | None = None,
    alter: Callable[[MemoryStore], None] = lambda _: None,
    **more: str,
) -> str:
    """What the step `name` says, which has to be the first that does not hold."""
    async with staged(folder, database=database, alter=alter, **more) as (stage, told):
        before(stage)
        with pytest.raises(StepFailed):
            await Purchases(stage, await stage.newcomer("Ada")).tell()
    assert [step.name for step in told] == NAMES[: NAMES.index(name) + 1]
    assert [step.ok for step in told] == [True] * (len(told) - 1) + [False]
    return told[-1].said


async def test_it_holds(tmp_path: Path) -> None:
    async with staged(tmp_path) as (stage, told):
        await Purchases(stage, await stage.newcomer("Ada")).tell()

        assert len(stage.world.telegram.payments.charges) == 1
        assert len(stage.world.stripe.checkouts.charges) == 2
        assert len(stage.world.office().shown) == 3

    assert [step.name for step in told] == NAMES
    assert all(step.ok for step in told)
    assert told[1].said.startswith("4.99 USD, told by 4 signed webhooks")
    assert told[3].said.startswith("4 are stored and acknowledged while nobody works on them; 1.")
    assert told[5].said.startswith("sold 9.98 USD and 100 XTR, by 6 transfers that are off by 0")


async def test_what_is_not_sold_is_noticed(tmp_path: Path) -> None:
    said = await ends_at(NAMES[1], tmp_path, DIGITAL_RAILS="stars_only")

    assert said == "notes is not sold on stripe"


async def test_a_webhook_that_is_not_acknowledged_is_noticed(tmp_path: Path) -> None:
    said = await ends_at(NAMES[1], tmp_path, STRIPE_WEBHOOK_SECRET="whsec_another")

    assert said == "Stripe was answered [400, 400, 400, 400]"


async def test_a_second_receipt_is_noticed(tmp_path: Path) -> None:
    def receipt(stage: Stage) -> None:
        world, buyer = stage.world.telegram.world, stage.world.telegram.user(FIRST_BUYER)
        number = world.next_message_id(buyer.chat)
        world.show(
            Message(
                message_id=number,
                chat=buyer.chat,
                sender=world.bot,
                date=virtual_now(),
                text="Receipt",
            )
        )

    assert await ends_at(NAMES[0], tmp_path, before=receipt) == "2 receipts"


async def test_an_order_without_its_sale_is_noticed(tmp_path: Path) -> None:
    def forget(store: MemoryStore) -> None:
        store.orders = _Unsold(store.orders.connection)

    said = await ends_at(NAMES[0], tmp_path, alter=forget)

    assert said == "the order is granted, sold for None"


async def test_an_event_that_is_kept_twice_is_noticed(tmp_path: Path) -> None:
    def forget(store: MemoryStore) -> None:
        store.events = _Forgetful(store.events.connection)

    said = await ends_at(NAMES[2], tmp_path, alter=forget)

    assert said == "the second delivery has changed something"


async def test_an_event_that_is_acknowledged_and_not_kept_is_noticed(tmp_path: Path) -> None:
    def lose(store: MemoryStore) -> None:
        store.events = _Careless(store.events.connection)

    said = await ends_at(NAMES[3], tmp_path, alter=lose)

    assert said == "0 events wait, of 4 that were acknowledged"


async def test_a_worker_that_was_up_all_the_while_is_noticed(tmp_path: Path) -> None:
    def delay(stage: Stage) -> None:
        deliveries = stage.world.stripe.deliveries
        deliveries.delay_next(WEBHOOKS + 1, seconds=0.0)
        deliveries.delay_next(WEBHOOKS, seconds=5.0)

    said = await ends_at(NAMES[3], tmp_path, before=delay)

    assert said == "the worker was back before the webhooks were answered"


async def test_administrators_who_hear_nothing_are_noticed(tmp_path: Path) -> None:
    await ends_at(NAMES[4], tmp_path, ADMIN_CHAT_ID="")


async def test_administrators_who_hear_it_again_are_noticed(tmp_path: Path) -> None:
    def forget(store: MemoryStore) -> None:
        store.notices = _Repeated(store.notices.connection)

    said = await ends_at(NAMES[4], tmp_path, alter=forget)

    assert said.count("Payment received: 100 XTR") > 1


async def test_a_sale_that_is_not_booked_is_noticed(tmp_path: Path) -> None:
    def forget(store: MemoryStore) -> None:
        store.orders = _Unbooked(store.orders.connection)

    said = await ends_at(NAMES[5], tmp_path, alter=forget)

    assert said.startswith("paid, and not booked as sold")


async def test_books_that_are_off_are_noticed(tmp_path: Path) -> None:
    database, usd = MemoryDatabase(now=virtual_now), Currency("USD")
    database.tables.ledger.balances[SALES, usd] = Money.of("1.00", usd)

    said = await ends_at(NAMES[5], tmp_path, database=database)

    assert "imbalance=(Money(amount=Decimal('1.00'), currency='USD'),)" in said


class _Forgetful(MemoryEvents):
    """Does not know an event again."""

    def __init__(self, connection: MemoryConnection) -> None:
        super().__init__(connection)
        self.keys: set[str] = set()

    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        return await super().add([self._forgotten(arrival) for arrival in arrivals])

    def _forgotten(self, arrival: Arrival) -> Arrival:
        event = arrival.event
        if event.key in self.keys:
            event = replace(event, key=f"{event.key} again")
        self.keys.add(event.key)
        return replace(arrival, event=event)


class _Careless(MemoryEvents):
    """Says that it has what it has not, once the first purchase is over."""

    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        if len(await self.listing(Chosen(), limit=WEBHOOKS)) < WEBHOOKS:
            return await super().add(arrivals)
        return tuple(Added(event_id=EventId(0), duplicate=False) for _ in arrivals)


class _Repeated(MemoryNotices):
    """Has each notice twice."""

    async def pending(self, *, limit: int) -> tuple[Notice, ...]:
        notices = await super().pending(limit=limit)
        again = (replace(each, payment_id=PaymentId(f"{each.payment_id}-2")) for each in notices)
        return (*notices, *again)


class _Unsold(MemoryOrders):
    """Does not say for how much an order was sold."""

    async def recent(self, chat_id: ChatId, *, limit: int) -> tuple[Order, ...]:
        return tuple(
            replace(order, sold=None) for order in await super().recent(chat_id, limit=limit)
        )


class _Unbooked(MemoryOrders):
    """Keeps an order without its sale."""

    async def save(
        self,
        order: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> None:
        del transfers
        await super().save(order, handled=handled, recorded=recorded, deed=deed)
