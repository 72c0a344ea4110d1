"""What a gateway that starts finds in its inbox, and what of it is told at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from actors.gateway.backlog import Backlog
from actors.gateway.model import Reading, Routed, Stored, asks_now, judged
from actors.gateway.ports import Inbox
from actors.kernel.ids import UpdateId

PAGE_MAX = 1_000
"""Updates with their bodies that are in memory together, besides those that are told."""


@dataclass(slots=True)
class Found:
    """`told` is what is told at once, in the order of arrival, of `stored` updates. Of those the
    `guilty` are parked instead; `counted` is how often each of the others is accused by now.
    """

    stored: int = 0
    told: list[Stored] = field(default_factory=list)
    guilty: frozenset[UpdateId] = frozenset()
    counted: dict[UpdateId, int] = field(default_factory=dict)


async def find(inbox: Inbox, backlog: Backlog, read: Callable[[Stored], Reading]) -> Found:
    """Everything unhandled; what is not to be told at once waits in `backlog`, by its id alone."""
    found, after = Found(), None
    while True:
        page = await inbox.unhandled(after=after, limit=PAGE_MAX)
        found.stored += len(page)
        found.told += (update for update in page if _is_told(update, read(update), backlog))
        if len(page) < PAGE_MAX:
            break
        after = page[-1].update_id
    found.guilty, found.counted = judged(found.told)
    return found


def _is_told(update: Stored, reading: Reading, backlog: Backlog) -> bool:
    if not isinstance(reading, Routed) or asks_now(reading):
        return True  # settled at once, or asked about
    return backlog.admits(update.update_id, reading.chat_id)
