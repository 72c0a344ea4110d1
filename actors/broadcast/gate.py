"""The way to Telegram as a whole: shut for a while after trouble, tried by one letter. Pure.

A 429 does not say whether it is the chat that wrote too much or the whole bot, and a client
cannot know (tdlib/td 715). So any flood wait shuts the way for everybody, and so does a
network that fails again and again. A wait can last for hours, though, and mostly concerns one
chat: everybody waits `PAUSE_FIRST_SECONDS` at most, then *one* letter goes alone to find out.
If it gets through, the trouble was that one chat's; if it meets trouble, everybody waits twice
as long. So a flooded chat never silences the others, and a bot that really is flooded asks a
handful of times in an hour.

Two rules keep this honest (python-telegram-bot 5338 breaks both): deadlines are merged by
maximum, never shortened; and only a letter that *started* after the trouble proves that the
trouble is over, not one that was under way already.
"""

from __future__ import annotations

from actors.broadcast.tokens import TICKS_PER_SECOND, span

PAUSE_FIRST_SECONDS = 30
"""For a flood wait; doubles with each that follows directly."""

FAILURE_PAUSE_FIRST_SECONDS = 0.5
FAILURE_PAUSE_MAX_SECONDS = 30.0
"""For a network that fails: nothing at first, then doubling between these."""

_DOUBLINGS_MAX = 16


class Gate:
    """Whether the way is open, and for how many at a time."""

    def __init__(self) -> None:
        self.shut_until = 0
        """Tick before which nothing may start."""
        self.troubles = 0
        """Troubles in a row that nothing has disproved; more than 0: one letter at a time."""
        self._latest = 0
        """The newest delivery that was under way when trouble was last met."""

    def due(self, *, open_requests: int) -> int | None:
        """When the next may start; None: not before an open one ended."""
        if self.troubles and open_requests:
            return None
        return self.shut_until

    def passed(self, started: int) -> None:
        """Delivery number `started` was answered by Telegram in the ordinary way."""
        if started > self._latest:
            self.troubles = 0

    def flooded(self, started: int, now: int, *, latest: int, wait_seconds: float) -> None:
        """Delivery `started` of those up to `latest` was told to wait."""
        self._trouble(started, latest)
        cap = PAUSE_FIRST_SECONDS * 2.0 ** min(self.troubles - 1, _DOUBLINGS_MAX)
        self._shut(now, min(wait_seconds, cap))

    def failed(self, started: int, now: int, *, latest: int, wait_seconds: float) -> None:
        """Delivery `started` of those up to `latest` found no Telegram, or no answer.

        `wait_seconds` is what the other side asked for, 0 when it asked for nothing.
        """
        self._trouble(started, latest)
        # One broken connection is no reason to wait: the next letter goes alone, but at once.
        pause = 0.0
        if self.troubles > 1:
            pause = FAILURE_PAUSE_FIRST_SECONDS * 2.0 ** min(self.troubles - 2, _DOUBLINGS_MAX)
        self._shut(now, min(max(pause, wait_seconds), FAILURE_PAUSE_MAX_SECONDS))

    def shut_seconds(self, now: int) -> float:
        """How long the way is still shut."""
        return max(0, self.shut_until - now) / TICKS_PER_SECOND

    def _trouble(self, started: int, latest: int) -> None:
        # What was under way together meets the same trouble: it counts once.
        if started > self._latest or not self.troubles:
            self.troubles += 1
        self._latest = latest

    def _shut(self, now: int, seconds: float) -> None:
        self.shut_until = max(self.shut_until, now + 1 + span(seconds))
