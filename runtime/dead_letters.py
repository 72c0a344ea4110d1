"""Where messages end that nobody handles: counted, published, and logged without a flood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from runtime.events import DeadLetter

if TYPE_CHECKING:
    from runtime.events import EventStream
    from runtime.world import World

LOGGED_PER_WINDOW_MAX = 10
WINDOW_SECONDS = 60.0

log = structlog.get_logger("runtime.dead_letters")


class DeadLetters:
    """Writes dead letters: all of them to the event stream, the first few a minute to the log."""

    def __init__(self, events: EventStream, world: World) -> None:
        self._events = events
        self._world = world
        self._window_ends = float("-inf")
        self._in_window = 0
        self.by_reason: dict[str, int] = {}
        """How many there were, by reason, since the system started."""

    def write(self, letter: DeadLetter) -> None:
        """Record one dead letter."""
        self.by_reason[letter.reason] = self.by_reason.get(letter.reason, 0) + 1
        if isinstance(letter.message, DeadLetter):
            return  # news of a loss that was lost in turn: telling that would never end
        self._log(letter)
        if self._events.wanted(DeadLetter):
            self._events.publish(letter)

    def _log(self, letter: DeadLetter) -> None:
        now = self._world.monotonic()
        if now >= self._window_ends:
            muted = self._in_window - LOGGED_PER_WINDOW_MAX
            if muted > 0:
                log.warning("dead_letter.muted", letters=muted)
            self._window_ends = now + WINDOW_SECONDS
            self._in_window = 0
        self._in_window += 1
        if self._in_window <= LOGGED_PER_WINDOW_MAX:
            log.warning(
                "dead_letter.written",
                message_type=type(letter.message).__name__,
                recipient=letter.recipient,
                sender=letter.sender,
                reason=letter.reason,
                error=repr(letter.error) if letter.error else None,
            )
