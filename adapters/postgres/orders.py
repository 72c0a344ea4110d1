"""Orders in PostgreSQL: `payments.ports.Orders` on the table of `0008_orders.sql`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from actors.kernel.charges import Rail, Standing
from actors.kernel.ids import ChatId, OrderId, PaymentId, ProductId, UpdateId
from actors.kernel.language import Language
from actors.kernel.ledger import Transfer
from actors.kernel.money import Currency, Money
from actors.payments.deeds import Deed, What
from actors.payments.looks import LOOK_FIRST_SECONDS
from actors.payments.orders import Charge, Order, State
from actors.payments.ports import (
    OrderAlarm,
    OrderCounts,
    Orders,
    Recording,
)
from actors.tracker.ports import OrderBook
from actors.tracker.settlement import OrderView
from adapters.postgres.checkouts import UNSETTLED, PostgresCheckouts
from adapters.postgres.database import Statement
from adapters.postgres.ledger import posting
from adapters.postgres.payments import recorded as recorded_by_order


class PostgresOrders(PostgresCheckouts, Orders, OrderBook):
    """A save is one transaction of the batching writer; recoveries go through it as well."""

    async def find(self, order_id: OrderId) -> OrderView | None:
        # By the writer: a charge may be reported while its order is still being saved.
        find = Statement(
            "select order_id, chat_id from purchase_order where order_id = %(order_id)s",
            {"order_id": order_id},
        )
        (rows,) = await self._database.write(find)
        return OrderView(order_id=order_id, chat_id=ChatId(rows[0]["chat_id"])) if rows else None

    async def load(self, order_id: OrderId) -> Order | None:
        load = Statement(
            "select * from purchase_order where order_id = %(order_id)s", {"order_id": order_id}
        )
        (rows,) = await self._database.write(load)
        return _order(rows[0]) if rows else None

    async def named(self, beginning: str, *, limit: int) -> tuple[Order, ...]:
        # A range of the primary key: no hexadecimal digit comes after a `g`.
        rows = await self._database.read(
            """
            select * from purchase_order
            where order_id >= %(beginning)s::text and order_id < %(beginning)s::text || 'g'
            order by order_id limit %(limit)s
            """,
            {"beginning": beginning, "limit": limit},
        )
        return tuple(map(_order, rows))

    async def unfinished(self, chat_id: ChatId) -> tuple[Order, ...]:
        unfinished = Statement(
            """
            select * from purchase_order
            where chat_id = %(chat_id)s and (due_at is not null or stray_message_id is not null)
            order by created_at, order_id
            """,
            {"chat_id": chat_id},
        )
        (rows,) = await self._database.write(unfinished)
        return tuple(map(_order, rows))

    async def recent(self, chat_id: ChatId, *, limit: int) -> tuple[Order, ...]:
        rows = await self._database.read(
            """
            select * from purchase_order where chat_id = %(chat_id)s
            order by created_at desc, order_id desc limit %(limit)s
            """,
            {"chat_id": chat_id, "limit": limit},
        )
        return tuple(map(_order, rows))

    async def language(self, chat_id: ChatId) -> Language | None:
        rows = await self._database.read(
            "select language from user_session where chat_id = %(chat_id)s", {"chat_id": chat_id}
        )
        return Language(rows[0]["language"]) if rows else None

    async def save(
        self,
        order: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> None:
        row = _row(order) | {
            "saved_by": uuid4(),
            "look_first_seconds": LOOK_FIRST_SECONDS,
            "unsettled": UNSETTLED,
        }
        statements = [Statement(_KEEP, row), Statement(_IS_KEPT, row)]
        if handled is not None:
            # Carried out a second time, it finds the update handled, and its own save kept.
            statements.insert(0, Statement(_IS_UNHANDLED, row | {"handled": handled}))
            statements.append(_handled(handled))
        if recorded is not None:
            statements.append(recorded_by_order(*recorded))
        statements += [posting(transfer) for transfer in transfers]
        if deed is not None:
            statements.append(written_down(deed))
        await self._database.write(*statements)

    async def finish(self, update_id: UpdateId) -> None:
        await self._database.write(_handled(update_id))

    async def due(
        self, *, now: datetime, limit: int, after: OrderAlarm | None = None
    ) -> tuple[OrderAlarm, ...]:
        rows = await self._database.read(
            """
            select due_at, order_id, chat_id from purchase_order
            where due_at <= %(now)s and (due_at, order_id) > (
                coalesce(%(after_due_at)s::timestamptz, '-infinity'),
                coalesce(%(after_order_id)s::text, '')
            )
            order by due_at, order_id limit %(limit)s
            """,
            {
                "now": now,
                "after_due_at": after and after.due_at,
                "after_order_id": after and after.order_id,
                "limit": limit,
            },
        )
        return tuple(
            OrderAlarm(row["due_at"], OrderId(row["order_id"]), ChatId(row["chat_id"]))
            for row in rows
        )

    async def next_due(self, *, after: datetime) -> datetime | None:
        (row,) = await self._database.read(
            "select min(due_at) as at from purchase_order where due_at > %(after)s",
            {"after": after},
        )
        at: datetime | None = row["at"]
        return at

    async def counts(self) -> OrderCounts:
        (row,) = await self._database.read(
            """
            select ungranted.*, for_a_person.* from
                (select count(*) as ungranted, min(paid_at) as ungranted_since
                    from purchase_order where state = 'paid') as ungranted,
                (select count(*) as for_a_person, min(saved_at) as for_a_person_since
                    from purchase_order where concern is not null) as for_a_person
            """
        )
        return OrderCounts(**row)

    async def concerning(self, *, limit: int, after: OrderId | None = None) -> tuple[Order, ...]:
        rows = await self._database.read(
            """
            select * from purchase_order
            where concern is not null and (
                %(after)s::text is null or (created_at, order_id) > (
                    select created_at, order_id from purchase_order where order_id = %(after)s::text
                )
            )
            order by created_at, order_id limit %(limit)s
            """,
            {"limit": limit, "after": after},
        )
        return tuple(map(_order, rows))

    async def deeds(self, order_id: OrderId) -> tuple[Deed, ...]:
        # By the writer: whoever asks what was done must not miss what was done just now.
        deeds = Statement(
            "select * from order_deed where order_id = %(order_id)s order by at, deed_id",
            {"order_id": order_id},
        )
        (rows,) = await self._database.write(deeds)
        return tuple(Deed(**{**row, "what": What(row["what"])}) for row in rows)


_IS_UNHANDLED = """
select conflict_unless(
    not exists (
        select from telegram_update
        where update_id = %(handled)s::bigint and handled_at is not null
    ) or exists (
        select from purchase_order
        where order_id = %(order_id)s and saved_by = %(saved_by)s
    ),
    'the update was handled before'
)
"""

_KEEP = """
insert into purchase_order as kept (
    order_id, chat_id, product_id, rail, state, version, saved_by, title, description, goods,
    language, currency, price, sold, live, charges, checkout_id, url, attempts, created_at,
    expires_at, paid_at, deadline, deliver_by, show_by, view_version, shown_version,
    panel_message_id, stray_message_id, renew, former, dismissed, concern, look_at
)
select
    %(order_id)s::text, %(chat_id)s::bigint, %(product_id)s::text, %(rail)s::text,
    %(state)s::text, %(version)s::int, %(saved_by)s::uuid, %(title)s::text,
    %(description)s::text, %(goods)s::text, %(language)s::text, %(currency)s::text,
    %(price)s::numeric, %(sold)s::numeric, %(live)s::boolean, %(charges)s::text,
    %(checkout_id)s::text, %(url)s::text, %(attempts)s::int, %(created_at)s::timestamptz,
    %(expires_at)s::timestamptz, %(paid_at)s::timestamptz, %(deadline)s::timestamptz,
    %(deliver_by)s::timestamptz, %(show_by)s::timestamptz, %(view_version)s::int,
    %(shown_version)s::int, %(panel_message_id)s::bigint, %(stray_message_id)s::bigint,
    %(renew)s::boolean, %(former)s::text, %(dismissed)s::boolean, %(concern)s::text,
    case when %(checkout_id)s::text is not null
        then now() + make_interval(secs => %(look_first_seconds)s) end
where %(version)s = 1 or exists (select from purchase_order where order_id = %(order_id)s)
on conflict (order_id) do update set
    state = excluded.state, version = excluded.version, saved_by = excluded.saved_by,
    language = excluded.language, sold = excluded.sold, charges = excluded.charges,
    checkout_id = excluded.checkout_id, url = excluded.url, attempts = excluded.attempts,
    paid_at = excluded.paid_at, deadline = excluded.deadline,
    deliver_by = excluded.deliver_by, show_by = excluded.show_by,
    view_version = excluded.view_version, shown_version = excluded.shown_version,
    panel_message_id = excluded.panel_message_id,
    stray_message_id = excluded.stray_message_id, renew = excluded.renew,
    former = excluded.former, dismissed = excluded.dismissed, concern = excluded.concern,
    look_at = case
        when kept.checkout_id is null then excluded.look_at
        when kept.state = any(%(unsettled)s) and excluded.state <> all(%(unsettled)s)
            then excluded.look_at
        else kept.look_at
    end,
    saved_at = now()
where kept.version = excluded.version - 1
"""

_IS_KEPT = """
select conflict_unless(
    exists (
        select from purchase_order
        where order_id = %(order_id)s and version = %(version)s and saved_by = %(saved_by)s
    ),
    'the order has changed meanwhile'
)
"""


def written_down(deed: Deed) -> Statement:
    """An operator's deed; for the transaction that does it. Repeating it changes nothing."""
    return Statement(
        """
        insert into order_deed (deed_id, order_id, what, who, why, at)
        values (%(deed_id)s, %(order_id)s, %(what)s, %(who)s, %(why)s, %(at)s)
        on conflict (deed_id) do nothing
        """,
        {
            "deed_id": deed.deed_id,
            "order_id": deed.order_id,
            "what": deed.what.value,
            "who": deed.who,
            "why": deed.why,
            "at": deed.at,
        },
    )


def _handled(update_id: UpdateId) -> Statement:
    return Statement(
        """
        update telegram_update set handled_at = now()
        where update_id = %(handled)s::bigint and handled_at is null and parked_reason is null
        """,
        {"handled": update_id},
    )


def _row(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "chat_id": order.chat_id,
        "product_id": order.product_id,
        "rail": order.rail.value,
        "state": order.state.value,
        "version": order.version,
        "title": order.title,
        "description": order.description,
        "goods": order.goods,
        "language": order.language.value,
        "currency": order.price.currency,
        "price": order.price.amount,
        "sold": order.sold and order.sold.amount,
        "live": order.live,
        "charges": json.dumps([_charge_row(charge) for charge in order.charges]),
        "checkout_id": order.checkout_id,
        "url": order.url,
        "attempts": order.attempts,
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "paid_at": order.paid_at,
        "deadline": order.deadline,
        "deliver_by": order.deliver_by,
        "show_by": order.show_by,
        "view_version": order.view_version,
        "shown_version": order.shown_version,
        "panel_message_id": order.panel_message_id,
        "stray_message_id": order.stray_message_id,
        "renew": order.renew,
        "former": order.former and order.former.value,
        "dismissed": order.dismissed,
        "concern": order.concern and order.concern.value,
    }


def _charge_row(charge: Charge) -> dict[str, object]:
    return {
        "payment_id": charge.payment_id,
        "version": charge.version,
        "standing": charge.standing.value,
        "currency": charge.received.currency,
        "received": charge.received.text,
        "refunded": charge.refunded.text,
        "disputed": charge.disputed.text,
        "reinstated": charge.reinstated and charge.reinstated.text,
        "live": charge.live,
        "parent": charge.parent,
    }


_NOT_OF_THE_ORDER = (
    "saved_by",
    "currency",
    "due_at",
    "look_at",
    "looks",
    "saved_at",
    "concern",
    "relayed",
)


def _order(row: Mapping[str, Any]) -> Order:
    currency = Currency(row["currency"])
    plain = {name: value for name, value in row.items() if name not in _NOT_OF_THE_ORDER}
    read: dict[str, Any] = {
        "product_id": ProductId(row["product_id"]),
        "rail": Rail(row["rail"]),
        "state": State(row["state"]),
        "former": row["former"] and State(row["former"]),
        "language": Language(row["language"]),
        "price": Money(row["price"], currency),
        "sold": None if row["sold"] is None else Money(row["sold"], currency),
        "charges": tuple(map(_charge, json.loads(row["charges"]))),
    }
    return Order(**{**plain, **read})


def _charge(row: Mapping[str, Any]) -> Charge:
    currency, reinstated = row["currency"], row.get("reinstated")
    return Charge(
        payment_id=PaymentId(row["payment_id"]),
        version=row["version"],
        standing=Standing(row["standing"]),
        received=Money.of(row["received"], currency),
        refunded=Money.of(row["refunded"], currency),
        disputed=Money.of(row["disputed"], currency),
        live=row["live"],
        parent=row["parent"],
        reinstated=Money.of(reinstated, currency) if reinstated else None,
    )
