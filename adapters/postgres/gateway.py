"""The inbox in PostgreSQL: `gateway.ports.Inbox` on the table of `0001_gateway.sql`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from actors.gateway.model import Counts, Entry, Stored
from actors.gateway.ports import Inbox
from actors.kernel.ids import ChatId, UpdateId
from adapters.postgres.database import Database, Statement


class PostgresInbox(Inbox):
    """Every method is one statement, or one transaction through the batching writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, entries: Sequence[Entry], *, batch_id: UUID, at: datetime
    ) -> frozenset[UpdateId]:
        # One statement cannot touch a row twice; of an update that came twice, the first counts.
        by_id = {entry.update_id: entry for entry in reversed(entries)}
        entries = [entry for entry in entries if by_id[entry.update_id] is entry]
        update_ids = [entry.update_id for entry in entries]
        keep = Statement(
            """
            insert into telegram_update
                (update_id, chat_id, body, received_at, handled_at, parked_reason, batch_id)
            select update_id, chat_id, body, %(at)s::timestamptz,
                case when handled then %(at)s::timestamptz end, parked_reason, %(batch_id)s::uuid
            from unnest(
                %(update_ids)s::bigint[], %(chat_ids)s::bigint[], %(bodies)s::text[],
                %(handled)s::boolean[], %(reasons)s::text[]
            ) with ordinality as e (update_id, chat_id, body, handled, parked_reason, place)
            order by place
            on conflict (update_id) do update set
                chat_id = excluded.chat_id, body = excluded.body,
                received_at = excluded.received_at, handled_at = excluded.handled_at,
                parked_reason = excluded.parked_reason, batch_id = excluded.batch_id,
                attempts = 0, arrival = default
            where telegram_update.body <> excluded.body
                and (telegram_update.handled_at is not null
                    or telegram_update.parked_reason is not null)
            """,
            {
                "at": at,
                "batch_id": batch_id,
                "update_ids": update_ids,
                "chat_ids": [entry.chat_id for entry in entries],
                "bodies": [entry.body for entry in entries],
                "handled": [entry.handled for entry in entries],
                "reasons": [entry.parked_reason for entry in entries],
            },
        )
        which = Statement(
            """
            select update_id from telegram_update
            where update_id = any(%(update_ids)s::bigint[]) and batch_id = %(batch_id)s::uuid
            """,
            {"update_ids": update_ids, "batch_id": batch_id},
        )
        _, new = await self._database.write(keep, which)
        return frozenset(UpdateId(row["update_id"]) for row in new)

    async def unhandled(
        self, *, after: UpdateId | None = None, limit: int | None = None
    ) -> tuple[Stored, ...]:
        # By the writer, so that nothing that was asked for before can be added after it.
        (rows,) = await self._database.write(
            Statement(
                """
                select update_id, body, chat_id, attempts from telegram_update
                where handled_at is null and parked_reason is null and arrival > coalesce(
                    (select arrival from telegram_update where update_id = %(after)s::bigint), 0
                )
                order by arrival limit %(limit)s::bigint
                """,
                {"after": after, "limit": limit},
            )
        )
        return tuple(_stored(row) for row in rows)

    async def unfinished(self, update_ids: Collection[UpdateId]) -> frozenset[UpdateId]:
        rows = await self._database.read(
            """
            select update_id from telegram_update
            where update_id = any(%(update_ids)s::bigint[])
                and handled_at is null and parked_reason is null
            """,
            {"update_ids": list(update_ids)},
        )
        return frozenset(UpdateId(row["update_id"]) for row in rows)

    async def find(self, update_id: UpdateId) -> Stored | None:
        rows = await self._database.read(
            """
            select update_id, body, chat_id, attempts from telegram_update
            where update_id = %(update_id)s and handled_at is null and parked_reason is null
            """,
            {"update_id": update_id},
        )
        return _stored(rows[0]) if rows else None

    async def find_all(self, update_ids: Collection[UpdateId]) -> tuple[Stored, ...]:
        rows = await self._database.read(
            """
            select update_id, body, chat_id, attempts from telegram_update
            where update_id = any(%(update_ids)s::bigint[])
                and handled_at is null and parked_reason is null
            order by arrival
            """,
            {"update_ids": list(update_ids)},
        )
        return tuple(_stored(row) for row in rows)

    async def set_attempts(self, attempts: Mapping[UpdateId, int]) -> None:
        await self._database.write(
            Statement(
                """
                update telegram_update set attempts = told.attempts
                from unnest(%(update_ids)s::bigint[], %(attempts)s::int[])
                    as told (update_id, attempts)
                where telegram_update.update_id = told.update_id
                    and handled_at is null and parked_reason is null
                """,
                {"update_ids": list(attempts), "attempts": list(attempts.values())},
            )
        )

    async def finish(self, update_id: UpdateId, *, at: datetime) -> None:
        await self._database.write(
            Statement(
                """
                update telegram_update set handled_at = %(at)s
                where update_id = %(update_id)s and handled_at is null and parked_reason is null
                """,
                {"update_id": update_id, "at": at},
            )
        )

    async def park(self, update_id: UpdateId, reason: str) -> bool:
        park = Statement(
            """
            update telegram_update set parked_reason = %(reason)s
            where update_id = %(update_id)s and handled_at is null and parked_reason is null
            """,
            {"update_id": update_id, "reason": reason},
        )
        # Asked apart from the update, so that a repetition gets the same answer.
        is_parked = Statement(
            """
            select true from telegram_update
            where update_id = %(update_id)s and parked_reason = %(reason)s
            """,
            {"update_id": update_id, "reason": reason},
        )
        _, parked = await self._database.write(park, is_parked)
        return bool(parked)

    async def counts(self) -> Counts:
        rows = await self._database.read(
            """
            select
                (select count(*) from telegram_update
                    where handled_at is null and parked_reason is null) as unhandled,
                (select count(*) from telegram_update where parked_reason is not null) as parked
            """
        )
        return Counts(unhandled=rows[0]["unhandled"], parked=rows[0]["parked"])

    async def prune(self, *, handled_before: datetime, parked_before: datetime, limit: int) -> int:
        old = Statement(
            """
            with forgotten as (
                delete from telegram_update
                where update_id in (
                    select update_id from telegram_update
                    where handled_at < %(handled_before)s
                        or (parked_reason is not null and received_at < %(parked_before)s)
                    limit %(limit)s
                )
                returning 1
            )
            select count(*) as forgotten from forgotten
            """,
            {"handled_before": handled_before, "parked_before": parked_before, "limit": limit},
        )
        ((row,),) = await self._database.write(old)
        return int(row["forgotten"])


def _stored(row: Mapping[str, Any]) -> Stored:
    chat_id = row["chat_id"]
    return Stored(
        update_id=UpdateId(row["update_id"]),
        body=row["body"],
        chat_id=None if chat_id is None else ChatId(chat_id),
        attempts=row["attempts"],
    )
