"""A way to Telegram: shut for a while after trouble, tried by one letter. Pure.

A 429 does not say whether it is the chat that was written to too much or the whole bot, and a
client cannot know (tdlib/td 715): its answer to every request is "repeat it after the time". So
each 429 closes its chat for all of that time, and there are two ways, each with a gate of its own:

- *The bulk lane*. It is what Telegram's limits are about, and nobody waits for it. Any 429, of
  whatever lane, shuts it for the whole time that was asked for (`CAREFUL`); then one letter goes
  alone before the others follow.
- *Everybody's way*, which replies take and the bulk lane shares. That one chat is flooded is no
  reason to keep a reply from another: its 429 shuts nothing here. When a second chat is flooded
  while the first one still is, and nothing that was sent since got through, it is the bot. Then the
  way is shut, for `PAUSE_FIRST_SECONDS` at most, because a wait can last for hours and may be about
  chats after all; one letter finds out, and if it meets trouble, everybody waits twice as long. So
  a bot that really is flooded asks a handful of times in an hour. What the bulk lane meets says
  nothing here, as long as the bot is not: its lane is shut already, and replies find out for
  themselves. A network that fails again and again shuts this way too; what the bulk lane meets of
  it has a gate of its own, and is no more than a doubt here (`doubt`): no reply ever waits for a
  letter to many.

Three rules keep this honest (python-telegram-bot 5338 breaks the first two): deadlines are merged
by maximum, never shortened; only a letter that *started* after the trouble proves that the trouble
is over, not one that was under way already; and what was under way already is no new trouble.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from actors.broadcast.buckets import TICKS_PER_SECOND, span
from actors.kernel.ids import ChatId

PAUSE_FIRST_SECONDS = 30
"""For a flood wait; doubles with each that follows directly."""

FAILURE_PAUSE_FIRST_SECONDS = 0.5
FAILURE_PAUSE_MAX_SECONDS = 30.0
"""For a network that fails: nothing at first, then doubling between these."""

_DOUBLINGS_MAX = 16


@dataclass(frozen=True, slots=True)
class Manners:
    """How many chats must be flooded before a gate shuts, and for how long at first."""

    chats: int = 2
    pause_seconds: float = PAUSE_FIRST_SECONDS


CAREFUL = Manners(chats=1, pause_seconds=math.inf)
"""The bulk lane's: any flood wait, and all of it."""


class Gate:
    """Whether the way is open, and for how many at a time."""

    def __init__(self, manners: Manners | None = None) -> None:
        self._manners = manners or Manners()
        self.shut_until = 0
        """Tick before which nothing may start."""
        self.troubles = 0
        """Troubles in a row that nothing has disproved; more than 0: one letter at a time."""
        self.is_flooded = False
        """Whether some of that trouble was a flood of more than single chats."""
        self._latest = 0
        """The newest delivery that was under way when trouble was last met."""
        self._flooded: dict[ChatId, int] = {}
        """Chats in a flood wait that nothing has disproved, and until when."""

    def due(self, *, newest_open: int) -> int | None:
        """When the next may start; None: not before an open one ended. `newest_open` is the
        number of the newest delivery under way, 0 when there is none.
        """
        if self.troubles and newest_open > self._latest:
            return None
        return self.shut_until

    def passed(self, started: int) -> None:
        """Delivery number `started` was answered by Telegram in the ordinary way."""
        if started > self._latest:
            self.troubles, self.is_flooded = 0, False
            self._flooded.clear()

    def flooded(
        self, chat_id: ChatId, started: int, now: int, *, latest: int, wait_seconds: float
    ) -> None:
        """Delivery `started` of those up to `latest`, to this chat, was told to wait."""
        self._flooded = {chat: until for chat, until in self._flooded.items() if until > now}
        until = now + 1 + span(wait_seconds)
        self._flooded[chat_id] = max(until, self._flooded.get(chat_id, until))
        if not self.is_flooded and len(self._flooded) < self._manners.chats:
            self._latest = latest  # a network that has failed lately makes no bot of one chat
            return
        self.is_flooded = True
        self._trouble(started, latest)
        pause = self._manners.pause_seconds * 2.0 ** min(self.troubles - 1, _DOUBLINGS_MAX)
        self._shut(now, min(wait_seconds, pause))

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

    def doubt(self, *, latest: int) -> None:
        """Others met trouble, up to delivery `latest`: one letter finds out, at once."""
        if not self.troubles:
            self.troubles, self._latest = 1, latest

    def remain_shut(self, until: int) -> None:
        """A predecessor was told to wait until then: afterwards one letter goes alone."""
        self.shut_until = max(self.shut_until, until)
        self.troubles = max(self.troubles, 1)

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
