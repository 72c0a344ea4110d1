"""How the dispatcher's work stands, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.broadcast.queues import Lane


@dataclass(slots=True)
class Totals:
    """What happened since the start; only ever grows."""

    delivered: int = 0
    repeated: int = 0
    flooded: int = 0
    overtaken: int = 0
    turned_away: int = 0
    typing_refused: int = 0
    paid: int = 0
    """Requests that Telegram may have billed."""
    lost: Counter[str] = field(default_factory=Counter)
    """By `Undelivered.reason`."""


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """How one lane stands."""

    depth: int = 0
    chats: int = 0
    oldest_age_seconds: float = 0.0
    tokens_left: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stand; `totals` go on growing, so read them at once."""

    lanes: Mapping[Lane, LaneFigures]
    in_flight: int
    paid_tokens_left: int
    closed_chats: int
    longest_wait_seconds: float
    """Of the flood waits that are not over, what is left of the longest."""
    shut_seconds: float
    """Of everybody's way."""
    bulk_shut_seconds: float
    troubles: int
    unreachable: int
    moved: int
    stars_spent: float
    stars_budget: float
    stars_used_up: bool
    """There is a budget, and it has no room for one more message."""
    flood_waits_cut: int
    """Kept from before, and longer than Telegram may ask."""
    dropped: int
    totals: Totals

    @property
    def depth(self) -> int:
        """Letters of all lanes."""
        return sum(lane.depth for lane in self.lanes.values())

    @property
    def chats(self) -> int:
        """Chats of all lanes; one with letters in two lanes counts twice."""
        return sum(lane.chats for lane in self.lanes.values())

    @property
    def oldest_age_seconds(self) -> float:
        """Of the letter that waits longest, whatever its lane."""
        return max((lane.oldest_age_seconds for lane in self.lanes.values()), default=0.0)
