"""How much one user may send: a bucket for each who has sent something lately. Pure."""

from __future__ import annotations

from actors.kernel.ids import ChatId

BURST_MESSAGES = 40
"""A forwarded conversation or four albums come at once."""
MESSAGES_PER_SECOND = 1.0
"""And for longer than that nobody types."""
NOTICE_SECONDS = 600.0
"""Whoever goes on is not told more often."""

FORGOTTEN_EACH = 1_000
"""Users in the books from which on full buckets are looked for, and again at each doubling."""


class Flood:
    """Who has sent how much. Times are seconds of one clock; set back, it favours nobody."""

    def __init__(self) -> None:
        self._levels: dict[ChatId, tuple[float, float]] = {}
        """What is left, and since when."""
        self._noticed: dict[ChatId, float] = {}
        self._look_at = FORGOTTEN_EACH

    def __len__(self) -> int:
        return len(self._levels)

    def takes(self, chat_id: ChatId, at: float) -> bool:
        """Whether one more message is within the limit."""
        left = self._left(chat_id, at)
        takes = left >= 1.0
        self._levels[chat_id] = (left - 1.0 if takes else left, at)
        if len(self._levels) > self._look_at:
            self._forget(at)
        return takes

    def is_news(self, chat_id: ChatId, at: float) -> bool:
        """Whether a user who is beyond the limit has not been told of it lately; he is now."""
        before = self._noticed.get(chat_id)
        if before is not None and at - before < NOTICE_SECONDS:
            return False
        self._noticed[chat_id] = at
        return True

    def _left(self, chat_id: ChatId, at: float) -> float:
        left, since = self._levels.get(chat_id, (float(BURST_MESSAGES), at))
        return min(float(BURST_MESSAGES), left + max(0.0, at - since) * MESSAGES_PER_SECOND)

    def _forget(self, at: float) -> None:
        """Whose bucket is full again is as one who was never here."""
        self._levels = {
            chat_id: level
            for chat_id, level in self._levels.items()
            if self._left(chat_id, at) < BURST_MESSAGES
        }
        self._noticed = {
            chat_id: told for chat_id, told in self._noticed.items() if at - told < NOTICE_SECONDS
        }
        self._look_at = max(FORGOTTEN_EACH, 2 * len(self._levels))
