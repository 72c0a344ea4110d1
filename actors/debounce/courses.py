"""When "typing" is shown again, for all chats: one heap, no timer for any of them. Pure.

```
0 s      typing; Telegram shows it for about 5 s: three seconds of typing, two of rest
5 s      typing for two more
7 s ...  every 4 s, for as long as the answer is awaited, up to `AWAITED_SECONDS`
```
"""

from __future__ import annotations

import heapq

from actors.kernel.ids import ChatId

TYPING_SECONDS, PAUSE_SECONDS, AGAIN_SECONDS = 3.0, 2.0, 2.0
RENEW_SECONDS = 4.0
AWAITED_SECONDS = 30.0
"""Whoever has no answer by then is not kept in suspense."""


class Courses:
    """Every chat in which somebody waits for an answer. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._begun: dict[ChatId, float] = {}
        self._heap: list[tuple[float, ChatId, float]] = []
        """When, for whom, and in which course: one that was replaced says nothing more."""

    def __len__(self) -> int:
        return len(self._begun)

    @property
    def wake_at(self) -> float | None:
        """When `due` has to be asked next."""
        return self._heap[0][0] if self._heap else None

    def begin(self, chat_id: ChatId, now: float) -> None:
        """Show typing from now on."""
        self._begun[chat_id] = now
        heapq.heappush(self._heap, (now, chat_id, now))

    def end(self, chat_id: ChatId) -> None:
        """Show it no more."""
        self._begun.pop(chat_id, None)

    def due(self, now: float) -> list[ChatId]:
        """Where typing is to be shown now, each chat once."""
        shown: list[ChatId] = []
        while self._heap and self._heap[0][0] <= now:
            _, chat_id, begun = heapq.heappop(self._heap)
            if self._begun.get(chat_id) != begun:
                continue
            if now - begun < AWAITED_SECONDS:
                shown.append(chat_id)
            following = next((begun + part for part in PARTS_SECONDS if begun + part > now), None)
            if following is None:
                del self._begun[chat_id]
            else:
                heapq.heappush(self._heap, (following, chat_id, begun))
        return shown


def _parts() -> tuple[float, ...]:
    second = TYPING_SECONDS + PAUSE_SECONDS
    renewed, parts = second + AGAIN_SECONDS, [0.0, second]
    while renewed < AWAITED_SECONDS:
        parts.append(renewed)
        renewed += RENEW_SECONDS
    return tuple(parts)


PARTS_SECONDS = _parts()
"""When typing is shown, from the beginning of a course."""
