"""The queue of updates that wait for the bot to confirm them (td, `TQueue`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import trio

from adapters.sandbox.telegram_state import Json

MESSAGE_UPDATE_SECONDS = 24 * 3600
"""How long an unconfirmed update waits (telegram-bot-api, Client.cpp)."""
QUERY_UPDATE_SECONDS = 150
"""The same for callback and pre-checkout queries."""
FUTURE_OFFSETS = 10
"""An offset further ahead than this is ignored, as if none were given (td, `TQueue::get`)."""
KINDS_ONLY_BY_NAME = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Updates that are not sent unless `allowed_updates` names them (Bot API, `getUpdates`)."""
FIRST_UPDATE_ID = 512_000_001
"""Bots do not start at 1; nothing may depend on it."""


@dataclass(frozen=True, slots=True)
class _Queued:
    update: Json
    expires: datetime


class Updates:
    """One bot's unconfirmed updates, oldest first."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._next_id = FIRST_UPDATE_ID
        self._queue: deque[_Queued] = deque()
        self.allowed: frozenset[str] | None = None
        """The kinds the bot asked for, remembered between polls; None: all the usual ones."""
        self.arrived = trio.Event()
        """Set at the next arrival, and replaced."""

    def push(self, update: Json) -> Json | None:
        """Queue `{kind: object}`; returns it with its update_id, or None if it is unwanted.

        An `update_id` that is given is kept (for repeated or malformed updates on purpose).
        """
        kind = next((name for name in update if name != "update_id"), "")
        if not self._wants(kind):
            return None
        if "update_id" not in update:
            update = {"update_id": self._next_id} | update
            self._next_id += 1
        lifetime = QUERY_UPDATE_SECONDS if kind.endswith("_query") else MESSAGE_UPDATE_SECONDS
        self._queue.append(_Queued(update, self._now() + timedelta(seconds=lifetime)))
        self.wake()
        return update

    def wake(self) -> None:
        """Let whoever delivers look again."""
        self.arrived.set()
        self.arrived = trio.Event()

    def confirm(self, offset: int) -> None:
        """Forget what lies before `offset`; a negative one keeps only the last -offset."""
        if offset < 0:
            while len(self._queue) > -offset:
                self._queue.popleft()
        elif offset <= self._next_id + FUTURE_OFFSETS:
            kept = (queued for queued in self._queue if _update_id(queued.update) >= offset)
            self._queue = deque(kept)

    def drop(self, update: Json) -> None:
        """Forget this very one: it was taken by a webhook."""
        self._queue = deque(queued for queued in self._queue if queued.update is not update)

    def waiting(self, limit: int | None) -> list[Json]:
        """The oldest ones; None: all of them."""
        self._forget_expired()
        return [queued.update for queued in islice(self._queue, limit)]

    def clear(self) -> None:
        """Forget all of them (`drop_pending_updates`)."""
        self._queue.clear()

    def allow(self, kinds: Iterable[str]) -> None:
        """Remember `allowed_updates`; an empty list means all the usual ones."""
        self.allowed = frozenset(kinds) or None

    def __len__(self) -> int:
        self._forget_expired()
        return len(self._queue)

    def _wants(self, kind: str) -> bool:
        if self.allowed is None:
            return kind not in KINDS_ONLY_BY_NAME
        return kind in self.allowed

    def _forget_expired(self) -> None:
        now = self._now()
        self._queue = deque(queued for queued in self._queue if queued.expires > now)


def _update_id(update: Json) -> int:
    """Its id; a malformed update on purpose sorts first and is confirmed by any offset."""
    found = update.get("update_id")
    return found if isinstance(found, int) else 0
