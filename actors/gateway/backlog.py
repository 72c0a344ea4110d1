"""Updates that are stored and wait until their sessions catch up; ids only. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from actors.gateway.model import Arrival
from actors.kernel.ids import UpdateId

TOLD_MAX = 1_000
"""So many unhandled updates are in the hands of sessions at most; others wait here, in order."""
STORED_MAX = 10_000
"""With more unhandled updates Telegram keeps what is new, for up to 24 h. Only what wants its
answer at once is taken then: from a webhook always, from a poll where it is among the first hundred
that wait, because a poll shows no more of what is not confirmed.
"""
FULL_WAIT_SECONDS = 1.0
"""Between two counts while sessions are behind."""


class Backlog:
    """What is told at once, and what later, by how far sessions are behind.

    `counted` is to be told how many stored updates are unhandled, those that wait here included;
    between two counts, what is told takes room.
    """

    def __init__(self) -> None:
        self._waiting: deque[UpdateId] = deque()
        self._room = TOLD_MAX
        self._ahead: set[UpdateId] = set()
        """Taken out of batches that were not confirmed: they come again."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def said(self) -> str:
        """How far sessions are behind, for a person; empty when they are not."""
        return f"{len(self)} updates wait in the store: sessions are behind" if self else ""

    def counted(self, unhandled: int) -> None:
        """So many are unhandled right now."""
        self._room = TOLD_MAX - (unhandled - len(self._waiting))

    def taken(
        self, batch: Sequence[Arrival], *, full: bool, urgent: Callable[[Arrival], bool]
    ) -> tuple[Arrival, ...]:
        """What is taken of a batch: everything, or, when the store is `full` and the batch will
        come again, what is `urgent`; each update once.
        """
        new = tuple(update for update in batch if update.update_id not in self._ahead)
        if not full:
            self._ahead.clear()
            return new
        new = tuple(update for update in new if urgent(update))
        self._ahead.update(update.update_id for update in new)
        return new

    def admits(self, update_id: UpdateId) -> bool:
        """Whether it is to be told at once; if not, it waits behind all others."""
        if self._waiting or self._room <= 0:
            self._waiting.append(update_id)
            return False
        self._room -= 1
        return True

    def admitted(self) -> Iterator[UpdateId]:
        """Those that can be told now, the first first."""
        while self._waiting and self._room > 0:
            self._room -= 1
            yield self._waiting.popleft()
