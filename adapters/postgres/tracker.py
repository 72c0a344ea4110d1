"""What the tracker remembers, in PostgreSQL: `tracker.ports.Watches`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from actors.kernel.ids import ChatId, RecordId
from actors.tracker.model import Watch
from actors.tracker.ports import Watches
from adapters.postgres.database import Database, Statement


class PostgresWatches(Watches):
    """Every method is one statement: `0003_tracker.sql` with `0004_payment_of_a_chat.sql`, and
    whom a payment concerns by `0002_sessions.sql` with `0005_paid_after_cancelling.sql`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> tuple[Watch, ...]:
        rows = await self._database.read(
            """
            select record_id, chat_id,
                concerned.state = 'cancelled' as cancelled, seen.seen_at is not null as paid
            from user_session as concerned
                left join seen_payment as seen using (record_id, chat_id)
            where concerned.state in ('awaiting_payment', 'cancelled') and record_id is not null
            order by record_id, chat_id
            """
        )
        return tuple(
            Watch(
                record_id=RecordId(row["record_id"]),
                chat_id=ChatId(row["chat_id"]),
                cancelled=row["cancelled"],
                paid=row["paid"],
            )
            for row in rows
        )

    async def mark_paid(self, watches: Collection[Watch]) -> None:
        await self._database.write(
            Statement(
                """
                insert into seen_payment (record_id, chat_id)
                select distinct * from unnest(%(record_ids)s::bigint[], %(chat_ids)s::bigint[])
                on conflict (record_id, chat_id) do nothing
                """,
                {
                    "record_ids": [watch.record_id for watch in watches],
                    "chat_ids": [watch.chat_id for watch in watches],
                },
            )
        )

    async def forget_recorded(self) -> None:
        await self._database.write(
            Statement(
                """
                delete from seen_payment where not exists (
                    select from user_session
                    where user_session.record_id = seen_payment.record_id
                        and user_session.chat_id = seen_payment.chat_id
                        and user_session.state in ('awaiting_payment', 'cancelled')
                )
                """
            )
        )

    async def cursor(self) -> datetime | None:
        rows = await self._database.read("select after from tracker_cursor")
        return rows[0]["after"] if rows else None

    async def save_cursor(self, after: datetime) -> None:
        await self._database.write(
            Statement(
                """
                insert into tracker_cursor (after) values (%(after)s)
                on conflict (only_row) do update set after = excluded.after
                """,
                {"after": after},
            )
        )
