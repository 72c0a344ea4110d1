"""The orders of one chat that its actor has at hand, in step with the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, OrderId, UpdateId
from actors.kernel.ledger import Transfer
from actors.payments.deeds import Deed
from actors.payments.hearing import RailChosen
from actors.payments.orders import ALIVE, Order
from actors.payments.ports import Orders, Recording


class Drawer:
    """Those of which anything may be due, and those that were asked for since."""

    def __init__(self, store: Orders, chat_id: ChatId) -> None:
        self._store, self._chat_id = store, chat_id
        self._orders: dict[OrderId, Order] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(tuple(self._orders.values()))

    async def load(self) -> tuple[Order, ...]:
        """Take over what was saved; all of which anything may be due."""
        unfinished = await self._store.unfinished(self._chat_id)
        self._orders = {order.order_id: order for order in unfinished}
        return unfinished

    async def find(self, order_id: OrderId) -> Order | None:
        """The order, if it is this chat's."""
        if order_id not in self._orders:
            order = await self._store.load(order_id)
            if order is None or order.chat_id != self._chat_id:
                return None
            self._orders[order_id] = order
        return self._orders[order_id]

    def now(self, order: Order) -> Order:
        """The order as it is now."""
        return self._orders.get(order.order_id, order)

    def twin(self, chosen: RailChosen) -> Order | None:
        """The order of the same that is alive."""
        wanted = (chosen.product_id, chosen.rail)
        alive = (order for order in self._orders.values() if order.state in ALIVE)
        return next((each for each in alive if (each.product_id, each.rail) == wanted), None)

    async def save(
        self,
        before: Order,
        after: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> bool:
        """Keep what became of `before`; False when it, or the update, is not what it was."""
        saved = replace(after, version=before.version + 1)
        try:
            await self._store.save(
                saved, handled=handled, recorded=recorded, transfers=transfers, deed=deed
            )
        except Conflict:
            return False
        self._orders[saved.order_id] = saved
        return True
