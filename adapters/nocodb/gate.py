"""When the next request to NocoDB may leave: one gate for everybody who asks.

NocoDB's cloud takes 5 requests a second for each user and wants 30 s of silence after a 429,
as its documentation says. A server of one's own has no such limit, but the proxy before it may.
"""

from __future__ import annotations

import trio

CLOUD_DOMAIN = "nocodb.com"
CLOUD_REQUESTS_PER_SECOND = 4
PATIENCE_SECONDS = 5.0
"""Whoever would have to wait longer is told so instead."""


def is_cloud(host: str) -> bool:
    """Whether `host` belongs to NocoDB's own hosted service."""
    return host == CLOUD_DOMAIN or host.endswith(f".{CLOUD_DOMAIN}")


class Gate:
    """Spaces requests out, and keeps everybody out for a while after a 429."""

    def __init__(self, *, requests_per_second: float | None) -> None:
        self._spacing_seconds = 1 / requests_per_second if requests_per_second else 0.0
        self._next_at = 0.0
        self._closed_until = 0.0

    async def enter(self) -> float:
        """Wait for a turn; 0 when it came, else the seconds until it is worth asking again."""
        now = trio.current_time()
        turn_at = max(now, self._next_at, self._closed_until)
        if turn_at - now > PATIENCE_SECONDS:
            return turn_at - now
        self._next_at = turn_at + self._spacing_seconds
        await trio.sleep_until(turn_at)
        # It may have been closed while this one waited.
        return max(0.0, self._closed_until - trio.current_time())

    def close(self, seconds: float) -> None:
        """Nobody passes for so long."""
        self._closed_until = max(self._closed_until, trio.current_time() + seconds)
