"""Orders in memory: for simulation, and tests in virtual time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain

from actors.kernel.charges import Rail
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, OrderId, UpdateId
from actors.kernel.language import Language
from actors.kernel.ledger import Transfer
from actors.payments.deeds import Deed
from actors.payments.looks import OpenCheckout
from actors.payments.orders import ALIVE, DONE, UNSETTLED, Order, State
from actors.payments.ports import (
    OrderAlarm,
    OrderCounts,
    Orders,
    Recording,
)
from actors.tracker.ports import OrderBook
from actors.tracker.settlement import OrderView
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import OrderRow, Tables, check_texts


class MemoryOrders(Orders, OrderBook):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def find(self, order_id: OrderId) -> OrderView | None:
        def find(tables: Tables) -> OrderView | None:
            row = tables.orders.get(order_id)
            if row is None:
                return None
            return OrderView(order_id=order_id, chat_id=row.order.chat_id)

        return await self.connection.write(find)

    async def load(self, order_id: OrderId) -> Order | None:
        def load(tables: Tables) -> Order | None:
            row = tables.orders.get(order_id)
            return None if row is None else row.order

        return await self.connection.write(load)

    async def named(self, beginning: str, *, limit: int) -> tuple[Order, ...]:
        def named(tables: Tables) -> tuple[Order, ...]:
            found = (order for order in _orders(tables) if order.order_id.startswith(beginning))
            return tuple(sorted(found, key=lambda order: order.order_id))[:limit]

        return await self.connection.read(named)

    async def unfinished(self, chat_id: ChatId) -> tuple[Order, ...]:
        def unfinished(tables: Tables) -> tuple[Order, ...]:
            return tuple(
                order
                for order in reversed(_newest_first(tables, chat_id))
                if order.due_at is not None or order.stray_message_id is not None
            )

        return await self.connection.write(unfinished)

    async def recent(self, chat_id: ChatId, *, limit: int) -> tuple[Order, ...]:
        return await self.connection.read(
            lambda tables: tuple(_newest_first(tables, chat_id)[:limit])
        )

    async def language(self, chat_id: ChatId) -> Language | None:
        def language(tables: Tables) -> Language | None:
            session = tables.sessions.get(chat_id)
            return None if session is None else session.language

        return await self.connection.read(language)

    async def save(
        self,
        order: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> None:
        me = object()

        def save(tables: Tables) -> None:
            row = tables.orders.get(order.order_id)
            if row is not None and row.saved_by is me:
                return  # carried out a second time
            _check(tables, order, handled)
            refused = tables.ledger.refusal(transfers)
            if refused is not None:
                raise ValueError(f"the key {refused.key} stands for another transfer")
            for transfer in transfers:
                tables.ledger.post(transfer)
            tables.put_order(order, saved_by=me)
            if handled is not None:
                tables.mark_handled(handled, tables.now())
            if recorded is not None:
                tables.mark_charge_recorded(*recorded)
            if deed is not None:
                tables.write_down(deed)

        await self.connection.write(save)

    async def finish(self, update_id: UpdateId) -> None:
        await self.connection.write(lambda tables: tables.mark_handled(update_id, tables.now()))

    async def due(
        self, *, now: datetime, limit: int, after: OrderAlarm | None = None
    ) -> tuple[OrderAlarm, ...]:
        def due(tables: Tables) -> tuple[OrderAlarm, ...]:
            alarms = (
                OrderAlarm(order.due_at, order.order_id, order.chat_id)
                for order in _orders(tables)
                if order.due_at is not None and order.due_at <= now
            )
            return tuple(sorted(a for a in alarms if after is None or a > after))[:limit]

        return await self.connection.read(due)

    async def next_due(self, *, after: datetime) -> datetime | None:
        return await self.connection.read(
            lambda tables: _next((order.due_at for order in _orders(tables)), after)
        )

    async def counts(self) -> OrderCounts:
        def counts(tables: Tables) -> OrderCounts:
            paid = [order.paid_at for order in _orders(tables) if order.state is State.PAID]
            person = [row.saved_at for row in tables.orders.values() if row.order.concern]
            return OrderCounts(
                ungranted=len(paid),
                ungranted_since=min(filter(None, paid), default=None),
                for_a_person=len(person),
                for_a_person_since=min(person, default=None),
            )

        return await self.connection.read(counts)

    async def concerning(self, *, limit: int, after: OrderId | None = None) -> tuple[Order, ...]:
        def concerning(tables: Tables) -> tuple[Order, ...]:
            found = sorted((o for o in _orders(tables) if o.concern), key=_age)
            if after is not None:
                known = tables.orders.get(after)
                found = [o for o in found if known is not None and _age(o) > _age(known.order)]
            return tuple(found[:limit])

        return await self.connection.read(concerning)

    async def deeds(self, order_id: OrderId) -> tuple[Deed, ...]:
        def deeds(tables: Tables) -> tuple[Deed, ...]:
            found = (deed for deed in tables.deeds.values() if deed.order_id == order_id)
            return tuple(sorted(found, key=lambda deed: (deed.at, deed.deed_id)))

        return await self.connection.write(deeds)

    async def checkouts(
        self, rails: Collection[Rail], *, now: datetime, limit: int
    ) -> tuple[OpenCheckout, ...]:
        def checkouts(tables: Tables) -> tuple[OpenCheckout, ...]:
            due = [
                _checkout(row, row.look_at)
                for row in tables.orders.values()
                if row.look_at is not None and row.look_at <= now and row.order.rail in rails
            ]
            due.sort(key=lambda each: (each.state not in UNSETTLED, each.look_at, each.order_id))
            of_each = ([each for each in due if each.rail is rail][:limit] for rail in rails)
            return tuple(chain.from_iterable(of_each))

        return await self.connection.read(checkouts)

    async def next_look(self, *, after: datetime | None = None) -> datetime | None:
        return await self.connection.read(
            lambda tables: _next((row.look_at for row in tables.orders.values()), after)
        )

    async def looked(
        self, *checkouts: OpenCheckout, again_at: datetime | None, answered: bool = True
    ) -> None:
        def looked(tables: Tables) -> None:
            for each in checkouts:
                row = tables.orders.get(each.order_id)
                if row is not None and row.look_at == each.look_at != again_at:
                    row.look_at, row.looks = again_at, row.looks + answered

        await self.connection.write(looked)


def _next(times: Iterable[datetime | None], after: datetime | None) -> datetime | None:
    known = (at for at in times if at is not None)
    return min((at for at in known if after is None or at > after), default=None)


def _orders(tables: Tables) -> Iterable[Order]:
    return (row.order for row in tables.orders.values())


def _newest_first(tables: Tables, chat_id: ChatId) -> list[Order]:
    mine = (order for order in _orders(tables) if order.chat_id == chat_id)
    return sorted(mine, key=_age, reverse=True)


def _age(order: Order) -> tuple[datetime, OrderId]:
    return order.created_at, order.order_id


def _check(tables: Tables, order: Order, handled: UpdateId | None) -> None:
    """Raise `Conflict` or `ValueError` for what PostgreSQL would refuse."""
    update = None if handled is None else tables.updates.get(handled)
    if update is not None and update.handled_at is not None:
        raise Conflict("the update was handled before")
    row = tables.orders.get(order.order_id)
    if order.version != (1 if row is None else row.order.version + 1):
        raise Conflict("the order has changed meanwhile")
    twins = (
        other
        for other in _orders(tables)
        if (other.chat_id, other.product_id, other.rail)
        == (order.chat_id, order.product_id, order.rail)
        and other.state in ALIVE
        and other.order_id != order.order_id
    )
    if order.state in ALIVE and any(twins):
        raise Conflict("the chat has another order alive for this product on this rail")
    if order.state in DONE and (order.sold is None or order.paid_at is None):
        raise ValueError(f"an order is {order.state} and was not sold")
    if (order.checkout_id is None) is not (order.url is None):
        raise ValueError("a checkout has an id and a URL")
    check_texts((order.title, order.description, order.goods, order.checkout_id, order.url))


def _checkout(row: OrderRow, look_at: datetime) -> OpenCheckout:
    order = row.order
    return OpenCheckout(
        order_id=order.order_id,
        rail=order.rail,
        checkout_id=order.checkout_id or "",
        state=order.state,
        expires_at=order.expires_at,
        looks=row.looks,
        look_at=look_at,
        charges=tuple(charge.payment_id for charge in order.charges),
    )
