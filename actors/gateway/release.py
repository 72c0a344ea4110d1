"""Tells chats what waits for them in the store, as they catch up.

The store is asked beside the mailbox: however slow it is, the next poll does not wait for it.
"""

from __future__ import annotations

from math import inf
from typing import Any

from actors.gateway.backlog import LOOK_SECONDS, Backlog
from actors.gateway.model import Stored
from actors.gateway.ports import Inbox
from actors.kernel.ids import UpdateId
from runtime import Actor, message


@message
class Look:
    """Time to see which chats have caught up."""


@message
class Handled:
    """These are in nobody's hands any more."""

    update_ids: frozenset[UpdateId]


@message
class Released:
    """These have waited long enough."""

    updates: tuple[Stored, ...]


class Release:
    """Works in the name of `actor`, which passes on to it what is its own."""

    def __init__(self, actor: Actor[Any], *, inbox: Inbox, backlog: Backlog) -> None:
        self._actor, self._inbox, self._backlog = actor, inbox, backlog
        self._looking, self._looked_at = False, -inf

    def soon(self) -> None:
        """See to what waits, unless nothing does."""
        if self._backlog and not self._looking:
            wait = self._looked_at + LOOK_SECONDS - self._actor.monotonic()
            self._actor.after(max(0.0, wait), Look(), key=Look)

    def look(self) -> None:
        """Ask what of all that was told is handled by now."""
        if self._looking:
            return
        self._looking, self._looked_at = True, self._actor.monotonic()
        asked = frozenset(self._backlog.in_hands)
        self._actor.pipe(
            self._inbox.unfinished, asked, then=lambda left: Handled(update_ids=asked - left)
        )

    def handled(self, told: Handled) -> None:
        """Ask for what can be told in its place."""
        self._backlog.handled(told.update_ids)
        admitted = self._backlog.admitted()
        if admitted:
            self._actor.pipe(
                self._inbox.find_all, admitted, then=lambda updates: Released(updates=updates)
            )
        else:
            self._looking = False
            self.soon()

    def told(self) -> None:
        """What was released has been told: see at once whether there is room for more."""
        self._backlog.told()
        self._looking, self._looked_at = False, -inf
        self.soon()
