"""The inbox in memory, and a Telegram that lives in a list: for tests and for simulation."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import trio

from actors.gateway.model import Arrival, Counts, Entry, Stored
from actors.gateway.ports import (
    Batch,
    Conflicted,
    Inbox,
    Pushing,
    TokenRejected,
    Updates,
    Verified,
    Webhook,
    WebhookRefused,
)
from actors.kernel.ids import UpdateId
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import Tables, UpdateRow, check_texts

POLL_SECONDS = 30.0
POLL_LIMIT = 100


class MemoryInbox(Inbox):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def add(
        self, entries: Sequence[Entry], *, batch_id: UUID, at: datetime
    ) -> frozenset[UpdateId]:
        def add(tables: Tables) -> frozenset[UpdateId]:
            check_texts(text for entry in entries for text in (entry.body, entry.parked_reason))
            for entry in entries:
                known = tables.updates.get(entry.update_id)
                if known is None or (not known.unhandled and known.entry.body != entry.body):
                    tables.put_update(
                        UpdateRow(
                            entry=entry,
                            received_at=at,
                            batch_id=batch_id,
                            handled_at=at if entry.handled else None,
                            parked_reason=entry.parked_reason,
                        )
                    )
            update_ids = {entry.update_id for entry in entries}
            return frozenset(i for i in update_ids if tables.updates[i].batch_id == batch_id)

        return await self.connection.write(add)

    async def unhandled(
        self, *, after: UpdateId | None = None, limit: int | None = None
    ) -> tuple[Stored, ...]:
        def unhandled(tables: Tables) -> tuple[Stored, ...]:
            rows = iter(tables.unhandled.values())
            if after is not None:
                seen = tables.updates[after].arrival
                rows = (row for row in rows if row.arrival > seen)
            return tuple(row.stored() for row in itertools.islice(rows, limit))

        return await self.connection.write(unhandled)

    async def unfinished(self, update_ids: Collection[UpdateId]) -> frozenset[UpdateId]:
        return await self.connection.read(
            lambda tables: frozenset(i for i in update_ids if i in tables.unhandled)
        )

    async def find(self, update_id: UpdateId) -> Stored | None:
        def find(tables: Tables) -> Stored | None:
            row = tables.unhandled.get(update_id)
            return None if row is None else row.stored()

        return await self.connection.read(find)

    async def find_all(self, update_ids: Collection[UpdateId]) -> tuple[Stored, ...]:
        def find_all(tables: Tables) -> tuple[Stored, ...]:
            rows = [tables.unhandled[i] for i in update_ids if i in tables.unhandled]
            return tuple(row.stored() for row in sorted(rows, key=lambda row: row.arrival))

        return await self.connection.read(find_all)

    async def set_attempts(self, attempts: Mapping[UpdateId, int]) -> None:
        def set_attempts(tables: Tables) -> None:
            for update_id in attempts.keys() & tables.unhandled.keys():
                tables.unhandled[update_id].attempts = attempts[update_id]

        await self.connection.write(set_attempts)

    async def finish(self, update_id: UpdateId, *, at: datetime) -> None:
        await self.connection.write(lambda tables: tables.mark_handled(update_id, at))

    async def park(self, update_id: UpdateId, reason: str) -> bool:
        def park(tables: Tables) -> bool:
            check_texts((reason,))
            row = tables.unhandled.pop(update_id, None)
            if row is not None:
                row.parked_reason = reason
                tables.parked.add(update_id)
            known = tables.updates.get(update_id)
            return known is not None and known.parked_reason == reason

        return await self.connection.write(park)

    async def counts(self) -> Counts:
        return await self.connection.read(
            lambda tables: Counts(
                unhandled=len(tables.unhandled),
                parked=len(tables.parked),
            )
        )

    async def prune(self, *, handled_before: datetime, parked_before: datetime, limit: int) -> int:
        def prune(tables: Tables) -> int:
            old = [
                update_id
                for update_id, row in tables.updates.items()
                if (row.handled_at is not None and row.handled_at < handled_before)
                or (row.parked_reason is not None and row.received_at < parked_before)
            ][:limit]
            for update_id in old:
                del tables.updates[update_id]
                tables.parked.discard(update_id)
            return len(old)

        return await self.connection.write(prune)


class MemoryUpdates(Updates):
    """The queue of updates that a Bot API server keeps for one bot.

    It keeps what is not confirmed, also over restarts of whoever polls.
    """

    def __init__(self) -> None:
        self.identity: Verified | TokenRejected | Exception = Verified("memory_bot")
        self.script: deque[Batch | Conflicted | TokenRejected | Exception] = deque()
        """What the next polls answer, or raise, instead of what they would."""
        self.polls: list[tuple[int | None, bool]] = []
        """(offset, patient) of every poll."""
        self.webhooks: list[Webhook] = []
        """Every webhook that was asked for."""
        self.webhook_script: deque[WebhookRefused | TokenRejected | Exception] = deque()
        """What the next of them are answered, or raise."""
        self._queue: dict[UpdateId, str] = {}
        self._next_id = 1
        self._arrived = trio.Event()

    def push(self, update: Mapping[str, object], *, update_id: int | None = None) -> UpdateId:
        """Queue `{kind: ...}` under the next id, or under `update_id`, and count on from there."""
        pushed = UpdateId(self._next_id if update_id is None else update_id)
        self._next_id = pushed + 1
        self._queue[pushed] = json.dumps({"update_id": pushed, **update})
        self._arrived.set()
        return pushed

    async def verify(self) -> Verified | TokenRejected:
        if isinstance(self.identity, Exception):
            raise self.identity
        return self.identity

    async def poll(
        self, offset: int | None, *, patient: bool
    ) -> Batch | Conflicted | TokenRejected:
        self.polls.append((offset, patient))
        if self.script:
            scripted = self.script.popleft()
            if isinstance(scripted, Exception):
                raise scripted
            return scripted
        self._queue = {i: body for i, body in self._queue.items() if i >= (offset or 0)}
        with trio.move_on_after(POLL_SECONDS if patient else 0.0):
            while not self._queue:
                self._arrived = trio.Event()
                await self._arrived.wait()
        waiting = itertools.islice(self._queue.items(), POLL_LIMIT)
        updates = tuple(Arrival(update_id, body) for update_id, body in waiting)
        return Batch(updates, max((u.update_id for u in updates), default=-1) + 1 or None)

    async def set_webhook(self, webhook: Webhook) -> Pushing | WebhookRefused | TokenRejected:
        self.webhooks.append(webhook)
        if not self.webhook_script:
            return Pushing()
        scripted = self.webhook_script.popleft()
        if isinstance(scripted, Exception):
            raise scripted
        return scripted
