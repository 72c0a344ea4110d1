"""The relay's outbox in PostgreSQL (`0012_relay.sql`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid5

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId, ProductId
from actors.kernel.money import Currency, Money
from actors.relay.messages import EventState, EventType
from actors.relay.model import Counts, Event, Paid, Pause, Pending, Summary
from actors.relay.ports import PAYMENTS_MAX, Outbox
from adapters.postgres.database import Database, Rows, Statement

NOTE_PAYMENTS = """
with found as materialized (
    select order_id, chat_id, paid_at from purchase_order
    where sold is not null and not relayed
        and paid_at >= (select opened_at from relay_destination)
    order by paid_at limit %(limit)s
), noted as (
    update purchase_order o set relayed = true from found where o.order_id = found.order_id
)
insert into relay_event (event_id, event_type, chat_id, order_id, created_at)
select md5('payment:' || order_id)::uuid, 'payment', chat_id, order_id, paid_at
from found order by paid_at
on conflict do nothing
"""
"""With its limit it goes by the index of orders that are new, however many were sold."""

_MORE_PAYMENTS = """
select exists (
    select from purchase_order
    where sold is not null and not relayed
        and paid_at >= (select opened_at from relay_destination)
) as more
"""


class PostgresOutbox(Outbox):
    """Whatever changes something, or has to see what was changed, goes by the batching writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, *, at: datetime) -> Pause | None:
        opened = Statement(
            "insert into relay_destination (opened_at) values (%(at)s) on conflict do nothing",
            {"at": at},
        )
        standing = Statement("select paused_since, pause_detail from relay_destination")
        _, (row,) = await self._database.write(opened, standing)
        if row["paused_since"] is None:
            return None
        return Pause(since=row["paused_since"], detail=row["pause_detail"])

    async def pending(self, *, after: int, limit: int) -> tuple[Pending, ...]:
        rows = await self._ordered(
            """
            select place, event_id, chat_id, created_at from relay_event
            where state = 'pending' and place > %(after)s order by place limit %(limit)s
            """,
            {"after": after, "limit": limit},
        )
        return tuple(
            Pending(row["place"], row["event_id"], ChatId(row["chat_id"]), row["created_at"])
            for row in rows
        )

    async def read(self, event_id: UUID) -> Event | None:
        # By a reader: an event was there before anybody could ask for it by its id.
        rows = await self._database.read(
            """
            select event_id, event_type, chat_id, created_at, order_id,
                (select coalesce(json_agg(body::json order by update_id), '[]')::text
                    from relay_message m where m.event_id = e.event_id and not flooded) as messages,
                (select count(*) from relay_message m where m.event_id = e.event_id and flooded)
                    as dropped
            from relay_event e where event_id = %(event_id)s and state = 'pending'
            """,
            {"event_id": event_id},
        )
        if not rows:
            return None
        row = rows[0]
        return Event(
            event_id=event_id,
            event_type=EventType(row["event_type"]),
            chat_id=ChatId(row["chat_id"]),
            created_at=row["created_at"],
            messages=tuple(json.loads(row["messages"])),
            dropped=row["dropped"],
            paid=None if row["order_id"] is None else await self._paid(OrderId(row["order_id"])),
        )

    async def _paid(self, order_id: OrderId) -> Paid:
        (row,) = await self._database.read(
            """
            select product_id, title, price, currency, rail, live, paid_at,
                s.name as name, s.contact as phone
            from purchase_order o left join user_session s using (chat_id)
            where order_id = %(order_id)s
            """,
            {"order_id": order_id},
        )
        return Paid(
            order_id=order_id,
            product_id=ProductId(row["product_id"]),
            title=row["title"],
            price=Money(row["price"], Currency(row["currency"])),
            rail=Rail(row["rail"]),
            live=row["live"],
            paid_at=row["paid_at"],
            name=row["name"],
            phone=row["phone"],
        )

    async def deliver(
        self, event_id: UUID, *, texts: tuple[str, ...], detail: str = "", at: datetime
    ) -> None:
        # The notes first: they are for whoever finds the event as it was before.
        keep = Statement(
            """
            insert into note (note_id, key, chat_id, text, created_at)
            select told.note_id, told.key, e.chat_id, told.text, %(at)s::timestamptz
            from relay_event e, unnest(%(note_ids)s::uuid[], %(keys)s::text[], %(texts)s::text[])
                with ordinality as told (note_id, key, text, turn)
            where e.event_id = %(event_id)s and e.state <> 'delivered'
            order by turn
            on conflict do nothing
            """,
            {
                "at": at,
                "event_id": event_id,
                "note_ids": [uuid5(event_id, str(part)) for part in range(len(texts))],
                "keys": [f"event:{event_id}:{part}" for part in range(len(texts))],
                "texts": list(texts),
            },
        )
        delivered = Statement(
            """
            update relay_event set state = 'delivered', detail = %(detail)s, settled_at = %(at)s
            where event_id = %(event_id)s and state <> 'delivered'
            """,
            {"event_id": event_id, "detail": detail, "at": at},
        )
        await self._database.write(keep, delivered)

    async def park(self, event_id: UUID, *, detail: str, at: datetime) -> None:
        await self._database.write(
            Statement(
                """
                update relay_event set state = 'parked', detail = %(detail)s, settled_at = %(at)s
                where event_id = %(event_id)s and state = 'pending'
                """,
                {"event_id": event_id, "detail": detail, "at": at},
            )
        )

    async def replay(self, event_id: UUID | None) -> int:
        # The number is asked first: a repetition finds nothing to replay any more.
        which = Statement(
            """
            select event_id from relay_event
            where state = 'parked' and event_id = coalesce(%(event_id)s::uuid, event_id)
            """,
            {"event_id": event_id},
        )
        replay = Statement(
            """
            with parked as materialized (
                select event_id from relay_event
                where state = 'parked' and event_id = coalesce(%(event_id)s::uuid, event_id)
                order by place
            ), moved as materialized (
                select event_id, nextval(pg_get_serial_sequence('relay_event', 'place')) as place
                from parked
            )
            update relay_event e set state = 'pending', settled_at = null, place = moved.place
            from moved where e.event_id = moved.event_id
            """,
            {"event_id": event_id},
        )
        found, _ = await self._database.write(which, replay)
        return len(found)

    async def note_payments(self, *, limit: int = PAYMENTS_MAX) -> bool:
        # Whether there are more is asked last: a repetition has the same answer.
        _, (row,) = await self._database.write(
            Statement(NOTE_PAYMENTS, {"limit": limit}),
            Statement(_MORE_PAYMENTS),
        )
        more: bool = row["more"]
        return more

    async def pause(self, pause: Pause | None) -> None:
        await self._database.write(
            Statement(
                "update relay_destination set paused_since = %(since)s, pause_detail = %(detail)s",
                {"since": pause and pause.since, "detail": pause.detail if pause else ""},
            )
        )

    async def counts(self) -> Counts:
        (row,) = await self._database.read(
            """
            select
                (select count(*) from relay_event where state = 'pending') as pending,
                (select count(*) from relay_event where state = 'parked') as parked,
                (select min(created_at) from relay_event where state = 'pending') as since
            """
        )
        return Counts(pending=row["pending"], parked=row["parked"], pending_since=row["since"])

    async def listing(
        self, state: EventState | None, *, before: int | None, limit: int
    ) -> tuple[Summary, ...]:
        rows = await self._database.read(
            """
            select place, event_id, event_type, chat_id, state, detail, created_at, settled_at
            from relay_event
            where state = coalesce(%(state)s::text, state)
                and place < coalesce(%(before)s::bigint, 9223372036854775807)
            order by place desc limit %(limit)s
            """,
            {"state": state and state.value, "before": before, "limit": limit},
        )
        return tuple(_summary(row) for row in rows)

    async def prune(self, *, before: datetime, limit: int) -> int:
        which: dict[str, object] = {"before": before, "limit": limit}
        events = Statement(
            """
            with gone as (
                delete from relay_event where event_id in (
                    select event_id from relay_event
                    where state = 'delivered' and settled_at < %(before)s
                        and created_at < %(before)s
                    limit %(limit)s
                )
                returning event_id
            ), messages as (
                delete from relay_message m using gone where m.event_id = gone.event_id
            )
            select count(*) as forgotten from gone
            """,
            which,
        )
        notes = Statement(
            """
            delete from note where note_id in (
                select note_id from note where state <> 'pending' and settled_at < %(before)s
                limit %(limit)s
            )
            """,
            which,
        )
        (row,), _ = await self._database.write(events, notes)
        return int(row["forgotten"])

    async def _ordered(self, sql: LiteralString, params: Mapping[str, object]) -> Rows:
        """By the writer, so that nothing that was asked for before comes after it."""
        (rows,) = await self._database.write(Statement(sql, params))
        return rows


def _summary(row: Mapping[str, Any]) -> Summary:
    return Summary(
        place=row["place"],
        event_id=row["event_id"],
        event_type=EventType(row["event_type"]),
        chat_id=ChatId(row["chat_id"]),
        state=row["state"],
        detail=row["detail"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
    )
