"""Forgets what is old in the gateway's inbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actors.gateway.ports import Inbox
from runtime import Actor, message

PRUNE_FIRST_SECONDS = 60.0
PRUNE_SECONDS = 3_600.0
PRUNE_LIMIT = 5_000
"""So many at a time, a second apart: one large delete would hold up every other write."""
PRUNE_MORE_SECONDS = 1.0
HANDLED_KEPT = timedelta(hours=48)
"""Longer than the 24 h for which Telegram may deliver an update again."""
PARKED_KEPT = timedelta(days=30)


@message
class Prune:
    """Forget what is old."""


class Pruning:
    """Works in the name of `actor`, which passes on to it what is its own."""

    def __init__(self, actor: Actor[Any], *, inbox: Inbox) -> None:
        self._actor, self._inbox = actor, inbox

    def begin(self) -> None:
        """Not while the process starts."""
        self._actor.after(PRUNE_FIRST_SECONDS, Prune(), key=Prune)

    async def prune(self) -> None:
        """Forget a part of what is old, and go on."""
        now = self._actor.now()
        forgotten = await self._inbox.prune(
            handled_before=now - HANDLED_KEPT, parked_before=now - PARKED_KEPT, limit=PRUNE_LIMIT
        )
        more = forgotten >= PRUNE_LIMIT
        self._actor.after(PRUNE_MORE_SECONDS if more else PRUNE_SECONDS, Prune(), key=Prune)
        if forgotten:
            self._actor.log.info("updates.pruned", updates=forgotten)
