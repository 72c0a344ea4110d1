"""Refunds in memory: for simulation, and tests in virtual time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money
from actors.payments.deeds import OPEN, Deed, Refund, RefundState, is_unshown
from actors.payments.ports import Refunds
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import Tables, check_texts


class MemoryRefunds(Refunds):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def want(self, refund: Refund, deed: Deed) -> bool:
        def want(tables: Tables) -> bool:
            for key, other in tables.refunds.items():
                same_charge = key[:2] == _key(refund)[:2]
                if same_charge and key != _key(refund) and other.state in OPEN:
                    return False
            tables.write_down(deed)
            known = tables.refunds.get(_key(refund))
            if known is None or known.round < refund.round or known.state is RefundState.UNKNOWN:
                tables.refunds[_key(refund)] = refund
            return True

        return await self.connection.write(want)

    async def of_order(self, order_id: OrderId) -> tuple[Refund, ...]:
        def of_order(tables: Tables) -> tuple[Refund, ...]:
            found = (each for each in tables.refunds.values() if each.order_id == order_id)
            return tuple(sorted(found, key=lambda each: (each.wanted_at, *map(str, _key(each)))))

        return await self.connection.write(of_order)

    async def pending(self, *, limit: int) -> tuple[Refund, ...]:
        def pending(tables: Tables) -> tuple[Refund, ...]:
            found = (e for e in tables.refunds.values() if e.state is RefundState.PENDING)
            due = sorted(found, key=lambda each: (each.due_at, *map(str, _key(each))))
            return tuple(due[:limit])

        return await self.connection.write(pending)

    async def asking(self, refund: Refund, *, again_at: datetime) -> None:
        def asking(tables: Tables) -> None:
            known = tables.refunds.get(_key(refund))
            if known is not None and known.state is RefundState.PENDING and known == refund:
                asked = replace(known, asked=refund.asked + 1, due_at=again_at)
                tables.refunds[_key(refund)] = asked

        await self.connection.write(asking)

    async def under_way(self, refund: Refund, refund_id: str) -> None:
        def under_way(tables: Tables) -> None:
            check_texts((refund_id,))
            known = tables.refunds.get(_key(refund))
            if known is not None and known.state in OPEN and known.round == refund.round:
                tables.refunds[_key(refund)] = replace(known, refund_id=refund_id)

        await self.connection.write(under_way)

    async def end(self, refund: Refund, state: RefundState, *, detail: str) -> None:
        def end(tables: Tables) -> None:
            check_texts((detail,))
            known = tables.refunds.get(_key(refund))
            if known is not None and known.state in OPEN and known.round == refund.round:
                tables.refunds[_key(refund)] = replace(known, state=state, detail=detail)

        await self.connection.write(end)

    async def unknown(self) -> int:
        return await self.connection.read(
            lambda tables: sum(
                each.state is RefundState.UNKNOWN for each in tables.refunds.values()
            )
        )

    async def unshown(self, *, now: datetime) -> int:
        def unshown(tables: Tables) -> int:
            return sum(
                is_unshown(each, _refunded(tables, each), now=now)
                for each in tables.refunds.values()
            )

        return await self.connection.read(unshown)


def _refunded(tables: Tables, refund: Refund) -> Money:
    payment = tables.charges.get((refund.rail, refund.payment_id))
    return Money.zero(refund.total.currency) if payment is None else payment.refunded


def _key(refund: Refund) -> tuple[Rail, PaymentId, Money]:
    return refund.rail, refund.payment_id, refund.total
