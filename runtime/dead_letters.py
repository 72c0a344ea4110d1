"""Where messages end that nobody handles: counted, published, and logged without a flood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from runtime.events import DeadLetter
from runtime.throttle import Throttle

if TYPE_CHECKING:
    from runtime.events import EventStream
    from runtime.world import World

log = structlog.get_logger("runtime.dead_letters")


class DeadLetters:
    """Writes dead letters: all of them to the event stream, the first few a minute to the log."""

    def __init__(self, events: EventStream, world: World) -> None:
        self._events = events
        self._throttle = Throttle(world)
        self.by_reason: dict[str, int] = {}
        """How many there were, by reason, since the system started."""

    def write(self, letter: DeadLetter) -> None:
        """Record one dead letter."""
        self.by_reason[letter.reason] = self.by_reason.get(letter.reason, 0) + 1
        if isinstance(letter.message, DeadLetter):
            return  # news of a loss that was lost in turn: telling that would never end
        if self._throttle.allows("dead_letter.muted"):
            log.warning(
                "dead_letter.written",
                message_type=type(letter.message).__name__,
                recipient=letter.recipient,
                sender=letter.sender,
                reason=letter.reason,
                error=repr(letter.error) if letter.error else None,
            )
        if self._events.wanted(DeadLetter):
            self._events.publish(letter)
