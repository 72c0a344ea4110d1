"""The inbox in a dict, and a Telegram that lives in a list: for tests and for simulation.

`MemoryInbox.mark_handled` is what a session's save does to the table in PostgreSQL: the memory
store of sessions calls it from its own `save`.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import trio

from actors.gateway.model import Arrival, Counts, Entry, Stored
from actors.gateway.ports import Batch, Conflicted, Inbox, TokenRejected, Updates, Verified
from actors.kernel.ids import UpdateId

POLL_SECONDS = 30.0
POLL_LIMIT = 100


@dataclass(slots=True)
class _Row:
    """One row of the table `telegram_update`."""

    entry: Entry
    received_at: datetime
    arrival: int
    batch_id: UUID
    handled_at: datetime | None
    parked_reason: str | None
    attempts: int = 0

    @property
    def unhandled(self) -> bool:
        return self.handled_at is None and self.parked_reason is None

    def stored(self) -> Stored:
        return Stored(
            update_id=self.entry.update_id,
            body=self.entry.body,
            chat_id=self.entry.chat_id,
            attempts=self.attempts,
        )


class MemoryInbox(Inbox):
    """Forgets everything with the process."""

    def __init__(self) -> None:
        self._rows: dict[UpdateId, _Row] = {}
        self._arrivals = itertools.count(1)

    async def add(
        self, entries: Sequence[Entry], *, batch_id: UUID, at: datetime
    ) -> frozenset[UpdateId]:
        for entry in entries:
            known = self._rows.get(entry.update_id)
            if known is None or (not known.unhandled and known.entry.body != entry.body):
                self._rows[entry.update_id] = _Row(
                    entry=entry,
                    received_at=at,
                    arrival=next(self._arrivals),
                    batch_id=batch_id,
                    handled_at=at if entry.handled else None,
                    parked_reason=entry.parked_reason,
                )
        return frozenset(
            entry.update_id for entry in entries if self._rows[entry.update_id].batch_id == batch_id
        )

    async def unhandled(self) -> tuple[Stored, ...]:
        rows = sorted(self._unhandled(), key=lambda row: row.arrival)
        return tuple(row.stored() for row in rows)

    async def find(self, update_id: UpdateId) -> Stored | None:
        row = self._rows.get(update_id)
        return row.stored() if row is not None and row.unhandled else None

    async def set_attempts(self, attempts: Mapping[UpdateId, int]) -> None:
        for update_id, count in attempts.items():
            row = self._rows.get(update_id)
            if row is not None and row.unhandled:
                row.attempts = count

    async def finish(self, update_id: UpdateId, *, at: datetime) -> None:
        self.mark_handled((update_id,), at=at)

    async def park(self, update_id: UpdateId, reason: str) -> bool:
        row = self._rows.get(update_id)
        if row is None:
            return False
        if row.unhandled:
            row.parked_reason = reason
        return row.parked_reason == reason

    async def counts(self) -> Counts:
        return Counts(
            unhandled=len(self._unhandled()),
            parked=sum(row.parked_reason is not None for row in self._rows.values()),
        )

    async def prune(self, *, handled_before: datetime, parked_before: datetime, limit: int) -> int:
        old = [
            update_id
            for update_id, row in self._rows.items()
            if (row.handled_at is not None and row.handled_at < handled_before)
            or (row.parked_reason is not None and row.received_at < parked_before)
        ][:limit]
        for update_id in old:
            del self._rows[update_id]
        return len(old)

    def mark_handled(self, update_ids: Iterable[UpdateId], *, at: datetime | None = None) -> None:
        """Mark unhandled updates as handled, at the moment they arrived unless said otherwise."""
        for update_id in update_ids:
            row = self._rows.get(update_id)
            if row is not None and row.unhandled:
                row.handled_at = at or row.received_at

    def _unhandled(self) -> list[_Row]:
        return [row for row in self._rows.values() if row.unhandled]


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
