"""One running pass, in memory: who is next, whose letter is out, and how fast it goes. Pure.

A pass holds a page of its recipients at a time, and has so many letters at the dispatcher that it
never waits for us, and no more: what is out there is what two passes share the lane by.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import floor

from actors.broadcasts.model import Broadcast
from actors.broadcasts.ports import Turn
from actors.broadcasts.template import Template
from actors.kernel.ids import ChatId

PAGE = 200
"""Recipients that are read at once."""
WINDOW = 200
"""Letters at the dispatcher: enough for 1,000 a second at 200 ms a request."""
PACE_SECONDS = 20.0
"""The pace is what it was in this time."""


class Pass:
    """The pass of `broadcast`, as it was when it began to run."""

    def __init__(self, broadcast: Broadcast, *, now: float) -> None:
        self.broadcast, self.template = broadcast, Template.parse(broadcast.content.text)
        self.cursor: ChatId | None = None
        """The last recipient that was read."""
        self.moved_at = now
        """When anybody's outcome was heard last, by the monotonic clock."""
        self._began = now
        self._page: deque[Turn] = deque()
        self._dry = False
        self._out: set[ChatId] = set()
        self._heard: deque[tuple[int, int]] = deque()
        """How many outcomes each second brought."""

    @property
    def out(self) -> int:
        """Letters whose receipt is awaited."""
        return len(self._out)

    def awaits(self, chat_id: ChatId) -> bool:
        """Whether a letter of this one is out."""
        return chat_id in self._out

    @property
    def hungry(self) -> bool:
        """The dispatcher could take more than what was read."""
        return not self._dry and not self._page and len(self._out) < WINDOW

    @property
    def quiet(self) -> bool:
        """All were read and told, and every letter was answered: it may be over."""
        return self._dry and not self._page and not self._out

    def take(self, page: Sequence[Turn]) -> None:
        """The next page was read; an empty one says that there are no more."""
        self._dry = not page
        if page:
            self.cursor = page[-1].person.chat_id
        self._page.extend(turn for turn in page if turn.person.chat_id not in self._out)

    def again(self) -> None:
        """Begin with the first page: somebody is pending who was passed over."""
        self.cursor, self._dry = None, False

    def next(self) -> Turn | None:
        """Whose letter is told now."""
        if not self._page or len(self._out) >= WINDOW:
            return None
        turn = self._page.popleft()
        self._out.add(turn.person.chat_id)
        return turn

    def heard(self, chat_id: ChatId, *, now: float, done: bool) -> None:
        """The receipt of a letter is here."""
        self._out.discard(chat_id)
        if not done:
            return
        self.moved_at, second = now, floor(now)
        before = self._heard.pop()[1] if self._heard and self._heard[-1][0] == second else 0
        self._heard.append((second, before + 1))
        while self._heard[0][0] < now - PACE_SECONDS:
            self._heard.popleft()

    def per_second(self, *, now: float) -> float:
        """How many outcomes a second there were lately."""
        since = max(self._began, now - PACE_SECONDS)
        recent = sum(count for second, count in self._heard if second >= floor(since))
        return recent / max(now - since, 1.0)
