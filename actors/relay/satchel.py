"""What the courier has with him: each user's notes in order, one of them told at a time. Pure.

So nobody's notes overtake each other, whatever becomes of one, and a user of whom many wait takes
one letter's room from the others.
"""

from __future__ import annotations

from collections import deque
from uuid import UUID

from actors.kernel.ids import ChatId
from actors.relay.ports import Unsent


class Satchel:
    """Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._queues: dict[ChatId, deque[Unsent]] = {}
        self._told: dict[UUID, tuple[Unsent, float]] = {}
        """The first one of each queue, and when it has to be told again."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def told(self) -> int:
        """How many are told, and not confirmed."""
        return len(self._told)

    def add(self, note: Unsent) -> bool:
        """Put a note behind the others of its user; whether it is the first, and may be told."""
        self._count += 1
        queue = self._queues.setdefault(note.chat_id, deque())
        queue.append(note)
        return len(queue) == 1

    def tell(self, note: Unsent, *, again_at: float) -> None:
        """It is being told; unless something is heard of it, once more at that time."""
        self._told[note.note_id] = (note, again_at)

    def due(self, now: float) -> list[Unsent]:
        """The notes that have to be told again by now."""
        return [note for note, again_at in self._told.values() if again_at <= now]

    def postpone(self, note_id: UUID, *, until: float) -> None:
        """It was not taken, and is told again at that time."""
        if note_id in self._told:
            self._told[note_id] = (self._told[note_id][0], until)

    def settled(self, note_id: UUID) -> Unsent | None:
        """It is done with; the next one of its user, which may be told."""
        if note_id not in self._told:
            return None
        note, _ = self._told.pop(note_id)
        self._count -= 1
        queue = self._queues[note.chat_id]
        queue.popleft()
        if not queue:
            del self._queues[note.chat_id]
            return None
        return queue[0]
