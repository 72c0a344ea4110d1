"""A limit on how often the log says the same kind of thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from runtime.world import World

LOGGED_PER_WINDOW_MAX = 10
WINDOW_SECONDS = 60.0

log = structlog.get_logger("runtime.throttle")


class Throttle:
    """Lets the first few of a window through, and says how many it held back when it is over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._window_ends = float("-inf")
        self._in_window = 0

    def allows(self, muted_event: str, **facts: object) -> bool:
        """Whether one more may be logged; `muted_event` is logged with the number held back."""
        now = self._world.monotonic()
        if now >= self._window_ends:
            muted = self._in_window - LOGGED_PER_WINDOW_MAX
            if muted > 0:
                log.warning(muted_event, muted=muted, **facts)
            self._window_ends = now + WINDOW_SECONDS
            self._in_window = 0
        self._in_window += 1
        return self._in_window <= LOGGED_PER_WINDOW_MAX
