"""Batches in PostgreSQL: `debounce.ports.Batches` on the tables of `0012_relay.sql`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from actors.debounce.ports import Batch, Batches, Waiting
from actors.kernel.ids import ChatId, UpdateId
from adapters.postgres.database import Database, Statement


class PostgresBatches(Batches):
    """Both go by the batching writer, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, *, before: datetime | None = None, after: Waiting | None = None, limit: int
    ) -> tuple[Waiting, ...]:
        # By the writer, so that nothing that was asked for before can be saved after it.
        (rows,) = await self._database.write(
            Statement(
                """
                select chat_id, update_id, received_at, bytes, album from relay_message
                where event_id is null
                    and received_at < coalesce(%(before)s::timestamptz, 'infinity')
                    and (received_at, chat_id, update_id) > (
                        coalesce(%(after_at)s::timestamptz, '-infinity'),
                        coalesce(%(after_chat)s::bigint, 0),
                        coalesce(%(after_update)s::bigint, 0)
                    )
                order by received_at, chat_id, update_id limit %(limit)s
                """,
                {
                    "before": before,
                    "after_at": after and after.received_at,
                    "after_chat": after and after.chat_id,
                    "after_update": after and after.update_id,
                    "limit": limit,
                },
            )
        )
        return tuple(
            Waiting(
                ChatId(row["chat_id"]),
                UpdateId(row["update_id"]),
                row["received_at"],
                row["bytes"],
                row["album"],
            )
            for row in rows
        )

    async def close(self, batches: Sequence[Batch], *, at: datetime) -> None:
        members = [
            (batch, update_id, flooded)
            for batch in batches
            for update_ids, flooded in ((batch.update_ids, False), (batch.flooded_ids, True))
            for update_id in update_ids
        ]
        assign = Statement(
            """
            update relay_message as kept set event_id = told.event_id, flooded = told.flooded
            from unnest(
                %(event_ids)s::uuid[], %(chat_ids)s::bigint[], %(update_ids)s::bigint[],
                %(flooded)s::boolean[]
            ) as told (event_id, chat_id, update_id, flooded)
            where kept.chat_id = told.chat_id and kept.update_id = told.update_id
                and kept.event_id is null
            """,
            {
                "event_ids": [batch.event_id for batch, _, _ in members],
                "chat_ids": [batch.chat_id for batch, _, _ in members],
                "update_ids": [update_id for _, update_id, _ in members],
                "flooded": [flooded for _, _, flooded in members],
            },
        )
        create = Statement(
            """
            insert into relay_event (event_id, event_type, chat_id, created_at)
            select event_id, 'message_batch', chat_id, %(at)s::timestamptz
            from unnest(%(event_ids)s::uuid[], %(chat_ids)s::bigint[])
                with ordinality as told (event_id, chat_id, turn)
            where exists (select from relay_message where event_id = told.event_id)
            order by turn
            on conflict (event_id) do nothing
            """,
            {
                "at": at,
                "event_ids": [batch.event_id for batch in batches],
                "chat_ids": [batch.chat_id for batch in batches],
            },
        )
        await self._database.write(assign, create)
