"""Which checkouts are to be looked at, in PostgreSQL: `payments.looks.Checkouts`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from actors.kernel.charges import Rail
from actors.kernel.ids import PaymentId
from actors.payments import orders
from actors.payments.looks import Checkouts, OpenCheckout
from actors.payments.orders import State
from adapters.postgres.database import Database, Statement

UNSETTLED = [state.value for state in orders.UNSETTLED]


class PostgresCheckouts(Checkouts):
    """On the table of `0008_orders.sql`. A page is read by the index of `look_at`: from what is
    due, and not from what there is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def checkouts(
        self, rails: Collection[Rail], *, now: datetime, limit: int
    ) -> tuple[OpenCheckout, ...]:
        rows = await self._database.read(
            """
            select order_id, rail, checkout_id, state, expires_at, looks, look_at, array(
                select charge ->> 'payment_id' from json_array_elements(charges::json) as charge
            ) as charges
            from (
                select *, row_number() over (
                    partition by rail order by state <> all(%(unsettled)s), look_at, order_id
                ) as place
                from purchase_order where look_at <= %(now)s and rail = any(%(rails)s)
            ) as due
            where place <= %(limit)s order by rail, place
            """,
            {
                "rails": [rail.value for rail in rails],
                "unsettled": UNSETTLED,
                "now": now,
                "limit": limit,
            },
        )
        return tuple(map(_checkout, rows))

    async def next_look(self, *, after: datetime | None = None) -> datetime | None:
        (row,) = await self._database.read(
            """
            select min(look_at) as at from purchase_order
            where look_at > coalesce(%(after)s::timestamptz, '-infinity')
            """,
            {"after": after},
        )
        at: datetime | None = row["at"]
        return at

    async def looked(
        self, *checkouts: OpenCheckout, again_at: datetime | None, answered: bool = True
    ) -> None:
        # Carried out twice, it counts once: the second finds its own time there already.
        await self._database.write(
            Statement(
                """
                update purchase_order as known
                set look_at = %(again_at)s::timestamptz, looks = looks + %(answered)s
                from unnest(%(order_ids)s::text[], %(look_ats)s::timestamptz[])
                    as seen (order_id, look_at)
                where known.order_id = seen.order_id and known.look_at = seen.look_at
                    and known.look_at is distinct from %(again_at)s::timestamptz
                """,
                {
                    "order_ids": [each.order_id for each in checkouts],
                    "look_ats": [each.look_at for each in checkouts],
                    "again_at": again_at,
                    "answered": int(answered),
                },
            )
        )


def _checkout(row: Mapping[str, Any]) -> OpenCheckout:
    read = {
        "rail": Rail(row["rail"]),
        "state": State(row["state"]),
        "charges": tuple(map(PaymentId, row["charges"])),
    }
    return OpenCheckout(**{**row, **read})
