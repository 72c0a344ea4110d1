"""What the dispatcher's book is to be told, until the book has it. Pure.

One page is on its way to the book at a time. A page that did not arrive is told again, under
whatever is newer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.broadcast.buckets import TICKS_PER_SECOND, span
from actors.broadcast.model import FLOOD_MAX_SECONDS
from actors.broadcast.ports import Page, Unreachable
from actors.kernel.ids import ChatId


@dataclass(slots=True)
class _Leaf:
    """Changes that belong together; times in ticks."""

    closings: dict[ChatId, int] = field(default_factory=dict)
    bulk_closed_until: int | None = None
    unreachable: dict[ChatId, Unreachable | None] = field(default_factory=dict)
    moved: dict[ChatId, ChatId] = field(default_factory=dict)
    stars_tenths: int | None = None

    def __bool__(self) -> bool:
        return bool(
            self.closings
            or self.bulk_closed_until is not None
            or self.unreachable
            or self.moved
            or self.stars_tenths is not None
        )


class Notes:
    """Changes that are not in the book yet."""

    def __init__(self) -> None:
        self._leaf = _Leaf()
        self._taken: _Leaf | None = None

    def close_chat(self, chat_id: ChatId, until: int) -> None:
        """Nothing may be sent there before that tick."""
        closings = self._leaf.closings
        closings[chat_id] = max(until, closings.get(chat_id, until))

    def close_bulk(self, until: int) -> None:
        """Nothing may be sent in the bulk lane before that tick."""
        self._leaf.bulk_closed_until = max(until, self._leaf.bulk_closed_until or until)

    def mark(self, chat_id: ChatId, unreachable: Unreachable | None) -> None:
        """A chat cannot be written to; with None it can after all."""
        self._leaf.unreachable[chat_id] = unreachable

    def move(self, chat_id: ChatId, to: ChatId) -> None:
        """A group is another one now."""
        self._leaf.moved[chat_id] = to

    def spend(self, stars_tenths: int) -> None:
        """So much is spent or reserved in all."""
        self._leaf.stars_tenths = stars_tenths

    def take(self, now: int, wall: datetime) -> Page | None:
        """What is to be put down; None when there is nothing, or something is on its way."""
        if self._taken is not None or not self._leaf:
            return None
        self._taken, self._leaf = self._leaf, _Leaf()
        leaf = self._taken

        def at(tick: int) -> datetime:
            return wall + timedelta(seconds=(tick - now) / TICKS_PER_SECOND)

        until = leaf.bulk_closed_until
        return Page(
            closings={chat_id: at(tick) for chat_id, tick in leaf.closings.items()},
            bulk_closed_until=None if until is None else at(until),
            unreachable=dict(leaf.unreachable),
            moved=dict(leaf.moved),
            stars_tenths=leaf.stars_tenths,
        )

    def taken(self, *, written: bool) -> bool:
        """What became of the last page; whether it said what is spent."""
        old, self._taken = self._taken, None
        if old is None:
            return False
        if not written:
            new = self._leaf
            for chat_id, until in old.closings.items():
                self.close_chat(chat_id, until)
            if old.bulk_closed_until is not None:
                self.close_bulk(old.bulk_closed_until)
            new.unreachable = old.unreachable | new.unreachable
            new.moved = old.moved | new.moved
        return old.stars_tenths is not None


def tick_before(when: datetime, *, now: int, wall: datetime) -> int:
    """The tick of a time that is over; now for one that is not, whatever the clock was set to."""
    return now - math.floor(max(0.0, (wall - when).total_seconds()) * TICKS_PER_SECOND)


def tick_of(when: datetime, *, now: int, wall: datetime) -> int:
    """The tick of a time in the book; never later than a flood wait may be, whatever the clock
    was set to since.
    """
    seconds = (when - wall).total_seconds()
    return now + span(min(FLOOD_MAX_SECONDS, max(0.0, seconds)))
