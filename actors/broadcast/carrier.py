"""One attempt at one letter: the outbox is asked, then Telegram."""

from __future__ import annotations

from actors.broadcast.model import Ended, Held, NotSent, Withdrawn
from actors.broadcast.ports import Messenger, Outbox
from actors.broadcast.queues import Entry
from actors.kernel.failures import Unavailable


class Carrier:
    """Without an `outbox` nobody is asked."""

    def __init__(self, messenger: Messenger, outbox: Outbox | None) -> None:
        self._messenger, self._outbox = messenger, outbox

    async def carry(self, entry: Entry) -> Ended:
        """How the attempt ended. Raises only what the ports do not allow."""
        if self._outbox is not None and entry.filed is not None:
            try:
                if not await self._outbox.starting(entry.filed):
                    return Withdrawn()
            except Unavailable as error:
                return Held(str(error), retry_after_seconds=error.retry_after_seconds)
        try:
            return await self._messenger.deliver(entry.addressed())
        except Unavailable as error:
            return NotSent(str(error), retry_after_seconds=error.retry_after_seconds)

    async def postpone(self, entry: Entry) -> None:
        """The attempt certainly did not reach Telegram: the outbox knows it when this returns.
        Raises `Unavailable`.
        """
        if self._outbox is not None and entry.filed is not None:
            became = None if entry.to == entry.letter.chat_id else entry.to
            await self._outbox.postponed(entry.filed, became=became)
