"""What the courier has with him: each user's notes in order, one of them told at a time. Pure.

So nobody's notes overtake each other, whatever becomes of one, and a user of whom many wait takes
a few notes' room from the others: the rest of his stays in the store.
"""

from __future__ import annotations

from collections import deque
from uuid import UUID

from actors.kernel.ids import ChatId
from actors.relay.ports import Unsent

USER_HELD_MAX = 8
"""Notes of one user in memory. So a chat that is closed for hours, and what is answered to it
meanwhile, leaves the others their room."""


class Satchel:
    """Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._queues: dict[ChatId, deque[Unsent]] = {}
        self._left: dict[ChatId, int] = {}
        """Of whom notes stayed in the store, and the place behind which they are."""
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
        """Put a note behind the others of its user; whether it is the first, and may be told.

        It is left where it was while too many of his are here, or have been left before it.
        """
        queue = self._queues.setdefault(note.chat_id, deque())
        if queue and note.place <= queue[-1].place:
            return False  # it is here
        if note.chat_id in self._left:
            return False
        if len(queue) >= USER_HELD_MAX:
            self._left[note.chat_id] = queue[-1].place
            return False
        self._count += 1
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
        """It is done with; the next one of its user, which may be told. Without one, some may
        have been left in the store: see `left`.
        """
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

    def left(self, chat_id: ChatId) -> int | None:
        """The place behind which more notes of a user are in the store, who has none here; they
        are to be added now. None when there are none.
        """
        return self._left.pop(chat_id, None)
