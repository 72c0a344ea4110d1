"""Whose event goes next: a queue for each user, one event of each under way. Pure.

Users take turns. Who has to wait (his event failed) holds up nobody else.
"""

from __future__ import annotations

import heapq
from collections import deque
from datetime import datetime
from uuid import UUID

from actors.kernel.ids import ChatId
from actors.relay.model import Pending

RETRY_FIRST_SECONDS, RETRY_MAX_SECONDS = 5.0, 300.0


class Line:
    """Everything that waits. Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._queues: dict[ChatId, deque[Pending]] = {}
        self._known: dict[UUID, int] = {}
        """Every event in the queues, and how often it has failed."""
        self._ready: deque[ChatId] = deque()
        self._later: list[tuple[float, ChatId]] = []

    def __len__(self) -> int:
        return len(self._known)

    @property
    def users(self) -> int:
        """Who has something in it."""
        return len(self._queues)

    @property
    def oldest_at(self) -> datetime | None:
        """Since when the event has waited that has waited longest."""
        return min((queue[0].created_at for queue in self._queues.values()), default=None)

    def add(self, pending: Pending) -> None:
        """Put an event behind all others of its user; one that is there stays where it is."""
        if pending.event_id in self._known:
            return
        self._known[pending.event_id] = 0
        queue = self._queues.get(pending.chat_id)
        if queue is None:
            self._queues[pending.chat_id] = deque((pending,))
            self._ready.append(pending.chat_id)
        else:
            queue.append(pending)

    def next(self, now: float) -> Pending | None:
        """The event that goes now; its user's others wait until `done` or `again`."""
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[1])
        return self._queues[self._ready.popleft()][0] if self._ready else None

    def wake_at(self, now: float) -> float | None:
        """When `next` is worth asking again; None when an outcome has to come first."""
        if self._ready:
            return now
        return self._later[0][0] if self._later else None

    def done(self, pending: Pending) -> None:
        """The event is settled; the next one of its user may go."""
        del self._known[pending.event_id]
        queue = self._queues[pending.chat_id]
        queue.popleft()
        if queue:
            self._ready.append(pending.chat_id)
        else:
            del self._queues[pending.chat_id]

    def failed(self, pending: Pending) -> int:
        """Count a failure of the event; how many there were by now."""
        self._known[pending.event_id] += 1
        return self._known[pending.event_id]

    def again(self, pending: Pending, now: float, *, seconds: float | None = None) -> None:
        """The event has to go once more: in so many `seconds`, or after a pause that doubles
        with each failure.
        """
        if seconds is None:
            doublings = min(max(self._known[pending.event_id] - 1, 0), 16)
            seconds = min(RETRY_MAX_SECONDS, RETRY_FIRST_SECONDS * 2.0**doublings)
        heapq.heappush(self._later, (now + seconds, pending.chat_id))

    def hurry(self) -> None:
        """The destination is there again: nobody waits for his own pause any more."""
        self._ready.extend(chat_id for _, chat_id in sorted(self._later))
        self._later.clear()
