"""Refunds in PostgreSQL: `payments.ports.Refunds` on `0009_what_operators_decide.sql`
and `0013_refunds_under_way.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from actors.kernel.charges import Rail
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.money import Currency, Money
from actors.payments.deeds import UNSHOWN, Deed, Refund, RefundState
from actors.payments.ports import Refunds
from adapters.postgres.database import Database, Statement
from adapters.postgres.orders import written_down


class PostgresRefunds(Refunds):
    """Everything by the writer: there are few, and nothing about them may be missed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def want(self, refund: Refund, deed: Deed) -> bool:
        row = _row(refund)
        try:
            await self._database.write(Statement(_WANT, row), written_down(deed))
        except Conflict:  # the index `refund_open`
            return False
        return True

    async def of_order(self, order_id: OrderId) -> tuple[Refund, ...]:
        found = Statement(
            """
            select * from refund where order_id = %(order_id)s
            order by wanted_at, rail, payment_id, total
            """,
            {"order_id": order_id},
        )
        (rows,) = await self._database.write(found)
        return tuple(map(_refund, rows))

    async def pending(self, *, limit: int) -> tuple[Refund, ...]:
        found = Statement(
            """
            select * from refund where state = 'pending'
            order by due_at, rail, payment_id, total limit %(limit)s
            """,
            {"limit": limit},
        )
        (rows,) = await self._database.write(found)
        return tuple(map(_refund, rows))

    async def asking(self, refund: Refund, *, again_at: datetime) -> None:
        # Carried out twice, it counts once.
        await self._database.write(
            Statement(
                """
                update refund set asked = %(asked)s + 1, due_at = %(again_at)s
                where rail = %(rail)s and payment_id = %(payment_id)s and total = %(total)s
                    and round = %(round)s and state = 'pending' and asked = %(asked)s
                """,
                _row(refund) | {"again_at": again_at},
            )
        )

    async def under_way(self, refund: Refund, refund_id: str) -> None:
        await self._database.write(
            Statement(
                """
                update refund set refund_id = %(known_as)s
                where rail = %(rail)s and payment_id = %(payment_id)s and total = %(total)s
                    and round = %(round)s and state in ('pending', 'unknown')
                """,
                _row(refund) | {"known_as": refund_id},
            )
        )

    async def end(self, refund: Refund, state: RefundState, *, detail: str) -> None:
        await self._database.write(
            Statement(
                """
                update refund set state = %(ends)s, detail = %(said)s
                where rail = %(rail)s and payment_id = %(payment_id)s and total = %(total)s
                    and round = %(round)s and state in ('pending', 'unknown')
                """,
                _row(refund) | {"ends": state.value, "said": detail},
            )
        )

    async def unknown(self) -> int:
        (row,) = await self._database.read(
            "select count(*) as unknown from refund where state = 'unknown'", {}
        )
        return int(row["unknown"])

    async def unshown(self, *, now: datetime) -> int:
        (row,) = await self._database.read(
            """
            select count(*) as unshown from refund left join payment using (rail, payment_id)
            where refund.state = 'done' and refund.due_at < %(before)s
                and refund.total > coalesce(payment.refunded, 0)
            """,
            {"before": now - UNSHOWN},
        )
        return int(row["unshown"])


_WANT = """
insert into refund as kept (
    rail, payment_id, total, amount, currency, received, order_id, chat_id, state, detail, round,
    asked, wanted_at, due_at, refund_id
)
values (
    %(rail)s, %(payment_id)s, %(total)s, %(amount)s, %(currency)s, %(received)s, %(order_id)s,
    %(chat_id)s, %(state)s, %(detail)s, %(round)s, %(asked)s, %(wanted_at)s, %(due_at)s,
    %(refund_id)s
)
on conflict (rail, payment_id, total) do update set
    amount = excluded.amount, state = excluded.state, detail = excluded.detail,
    round = excluded.round, asked = excluded.asked, wanted_at = excluded.wanted_at,
    due_at = excluded.due_at, refund_id = excluded.refund_id
where kept.round < excluded.round or kept.state = 'unknown'
"""


def _row(refund: Refund) -> dict[str, object]:
    return {
        "rail": refund.rail.value,
        "payment_id": refund.payment_id,
        "total": refund.total.amount,
        "amount": refund.amount.amount,
        "currency": refund.total.currency,
        "received": refund.received.amount,
        "order_id": refund.order_id,
        "chat_id": refund.chat_id,
        "state": refund.state.value,
        "detail": refund.detail,
        "round": refund.round,
        "asked": refund.asked,
        "wanted_at": refund.wanted_at,
        "due_at": refund.due_at,
        "refund_id": refund.refund_id,
    }


def _refund(row: Mapping[str, Any]) -> Refund:
    currency = Currency(row["currency"])
    return Refund(
        rail=Rail(row["rail"]),
        payment_id=PaymentId(row["payment_id"]),
        order_id=OrderId(row["order_id"]),
        chat_id=ChatId(row["chat_id"]),
        received=Money(row["received"], currency),
        total=Money(row["total"], currency),
        amount=Money(row["amount"], currency),
        wanted_at=row["wanted_at"],
        due_at=row["due_at"],
        state=RefundState(row["state"]),
        detail=row["detail"],
        round=row["round"],
        asked=row["asked"],
        refund_id=row["refund_id"],
    )
