"""Batches in memory: `debounce.ports.Batches`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from actors.debounce.model import written
from actors.debounce.ports import Batch, Batches, Waiting
from actors.relay.messages import EventType
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.relay_tables import EventRow
from adapters.memory.tables import Tables


class MemoryBatches(Batches):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def waiting(
        self, *, before: datetime | None = None, after: Waiting | None = None, limit: int
    ) -> tuple[Waiting, ...]:
        def waiting(tables: Tables) -> tuple[Waiting, ...]:
            found = sorted(
                (row.received_at, chat_id, update_id)
                for (chat_id, update_id), row in tables.relay.waiting.items()
                if before is None or row.received_at < before
            )
            if after is not None:
                behind = (after.received_at, after.chat_id, after.update_id)
                found = [place for place in found if place > behind]
            rows = tables.relay.waiting
            return tuple(
                Waiting(
                    chat_id,
                    update_id,
                    received_at,
                    len(written(rows[chat_id, update_id].passed).encode()),
                    rows[chat_id, update_id].passed.media_group_id,
                )
                for received_at, chat_id, update_id in found[:limit]
            )

        return await self.connection.write(waiting)

    async def close(self, batches: Sequence[Batch], *, at: datetime) -> None:
        def close(tables: Tables) -> None:
            for batch in batches:
                _close(tables, batch, at)

        await self.connection.write(close)


def _close(tables: Tables, batch: Batch, at: datetime) -> None:
    relay, members = tables.relay, []
    for update_ids, flooded in ((batch.update_ids, False), (batch.flooded_ids, True)):
        for update_id in update_ids:
            row = relay.waiting.pop((batch.chat_id, update_id), None)
            if row is not None:
                row.event_id, row.flooded = batch.event_id, flooded
                members.append(row)
    if members and batch.event_id not in relay.events:
        relay.put_event(
            EventRow(
                place=relay.place(),
                event_id=batch.event_id,
                event_type=EventType.MESSAGE_BATCH,
                chat_id=batch.chat_id,
                created_at=at,
                members=sorted(members, key=lambda row: row.passed.update_id),
            )
        )
