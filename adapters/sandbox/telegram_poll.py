"""Long polling: one poll waits at a time, the newest wins (Client.cpp, `do_get_updates`)."""

from __future__ import annotations

import trio

from adapters.sandbox.telegram_parameters import Parameters, Refusal, decode, integer
from adapters.sandbox.telegram_state import Json
from adapters.sandbox.telegram_updates import Updates

POLL_SECONDS_MAX = 50
POLL_LIMIT_MAX = 100
CONFLICT_SECONDS = 3
"""A second 409 within this time is held back for as long."""
REPEATED_SECONDS = 3
"""A poll that repeats its offset within this time waits at least as long."""
HASTY_SECONDS = 0.5
"""A poll that repeats its offset this soon gets one update at most."""
INT32_MAX = 2**31 - 1

OTHER_POLL = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
WEBHOOK_SET = "Conflict: terminated by setWebhook request"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


class _Waiting:
    """A poll that has nothing to deliver yet."""

    def __init__(self, seconds: float) -> None:
        self.scope = trio.move_on_after(seconds)
        self.terminated: str | None = None

    def terminate(self, description: str) -> None:
        self.terminated = description
        self.scope.cancel()


class Polling:
    """Who polls, and what another poll or a webhook does to him."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._waiting: _Waiting | None = None
        self._last_offset: int | None = None
        self._last_start = self._next_conflict = float("-inf")
        self.webhook_url = ""
        self.webhook_allowed_at = float("-inf")
        """When setWebhook may be called again, on trio's clock; once a second at most."""

    async def poll(self, parameters: Parameters) -> list[Json]:
        """getUpdates; raises Refusal 409 when another poll or a webhook takes over."""
        if self.webhook_url:
            raise await self._conflict(WEBHOOK_ACTIVE)
        offset = integer(parameters, "offset", 0, -INT32_MAX, INT32_MAX)
        limit = integer(parameters, "limit", POLL_LIMIT_MAX, 1, POLL_LIMIT_MAX)
        timeout_seconds = integer(parameters, "timeout", 0, 0, POLL_SECONDS_MAX)
        allow(self._updates, parameters)
        now = trio.current_time()
        if offset == self._last_offset:
            if now < self._last_start + REPEATED_SECONDS:
                timeout_seconds = max(timeout_seconds, REPEATED_SECONDS)
            if now < self._last_start + HASTY_SECONDS:
                limit = 1
        self._last_offset, self._last_start = offset, now
        self._updates.confirm(offset)
        updates = self._updates.waiting(limit)
        return (
            updates if updates or not timeout_seconds else await self._wait(timeout_seconds, limit)
        )

    def terminate(self, description: str) -> None:
        """End the waiting poll, if there is one, with a 409."""
        if self._waiting is not None:
            self._waiting.terminate(description)
            self._waiting = None

    async def _wait(self, seconds: float, limit: int) -> list[Json]:
        self.terminate(OTHER_POLL)
        waiting = self._waiting = _Waiting(seconds)
        with waiting.scope:
            while not self._updates.waiting(limit):
                await self._updates.arrived.wait()
        if waiting.terminated is not None:
            raise await self._conflict(waiting.terminated)
        self._waiting = None
        return self._updates.waiting(limit)

    async def _conflict(self, description: str) -> Refusal:
        now = trio.current_time()
        if now < self._next_conflict:
            await trio.sleep(CONFLICT_SECONDS)
        else:
            self._next_conflict = now + CONFLICT_SECONDS
        return Refusal(409, description)


def allow(updates: Updates, parameters: Parameters) -> None:
    """Remember `allowed_updates` when it is given; what is not a list of names is ignored."""
    try:
        kinds = decode(parameters.get("allowed_updates", ""))
    except ValueError:
        return
    if isinstance(kinds, list):
        updates.allow(kind for kind in kinds if isinstance(kind, str))
