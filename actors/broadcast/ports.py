"""What the dispatcher needs from the outside: somebody who carries one letter to Telegram."""

from __future__ import annotations

from typing import Protocol

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Outcome


class Messenger(Protocol):
    """One attempt per call; no repetition, no pacing, no waiting for rate limits.

    May be called concurrently (the dispatcher has at most `DELIVERIES_IN_FLIGHT` calls open,
    never two of one chat) and may be cancelled at any point.
    """

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        """Make the request and say what became of it (see `model`).

        Whatever Telegram answers, garbage included, is a value. Raises only `Unavailable`,
        and only when the request was certainly *not* sent (the same as `NotSent`; its
        `retry_after_seconds` is obeyed). Must end within the messenger's own time-outs: a
        chat waits for as long as its letter is out.
        """
        ...


class Pause(Protocol):
    """Lets some seconds pass for whoever awaits it; `trio.sleep` is one."""

    async def __call__(self, seconds: float) -> None: ...
