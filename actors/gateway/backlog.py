"""Updates that are stored and wait until their chats catch up; ids only. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Collection

from actors.kernel.ids import ChatId, UpdateId
from actors.kernel.wording import several

TOLD_MAX = 1_000
"""So many unhandled updates are in the hands of sessions at most; others wait here."""
TOLD_OF_CHAT_MAX = 100
"""So many of them are of one chat: it works on one after the other, and more would only keep other
chats waiting."""
STORED_MAX = 100_000
"""With more unhandled updates (some 100 MB) Telegram keeps what is new, for up to 24 h. Up to there
each batch is stored and confirmed, however far sessions are behind, because a poll shows nothing
beyond the first hundred that are not confirmed. What wants its answer at once is taken also then:
from a webhook always, from a poll where it is among that hundred.
"""
RELEASED_MAX = 100
"""Told at once of what has waited; in between the gateway does everything else."""
LOOK_SECONDS = 1.0
"""Between two looks at who has caught up, while none of those that wait can be told; between two
counts of what is stored."""


class Backlog:
    """What is told at once, and what later. Each chat's updates are told in their order; chats that
    wait take turns, so that the one that wrote most holds up nobody else.
    """

    def __init__(self) -> None:
        self._hands: dict[UpdateId, ChatId] = {}
        """Told, and not known to be handled."""
        self._held: Counter[ChatId] = Counter()
        self._lines: OrderedDict[ChatId, deque[UpdateId]] = OrderedDict()
        """Of the chats that wait; whose turn it is comes first. One is empty while its last
        update is on its way: what comes meanwhile must not overtake it."""
        self._waiting = 0
        """In all lines; asked for with each update, however many lines there are."""
        self._served: list[ChatId] = []
        """Chats of which something was admitted, and is not told yet."""

    def __len__(self) -> int:
        return self._waiting

    @property
    def said(self) -> str:
        """How far sessions are behind, for a person; empty when they are not."""
        waiting = several(len(self), "update waits", "updates wait")
        return f"{waiting} in the store: sessions are behind" if len(self) else ""

    @property
    def in_hands(self) -> tuple[UpdateId, ...]:
        """What was told, and is not known to be handled."""
        return tuple(self._hands)

    def admits(self, update_id: UpdateId, chat_id: ChatId) -> bool:
        """Whether it is to be told at once; if not, it waits behind all others of its chat."""
        line = self._lines.get(chat_id)
        if line is None and self._has_room(chat_id):
            self._hold(update_id, chat_id)
            return True
        if line is None:
            line = self._lines[chat_id] = deque()
        line.append(update_id)
        self._waiting += 1
        return False

    def handled(self, update_ids: Collection[UpdateId]) -> None:
        """These are in nobody's hands any more."""
        for update_id in update_ids:
            chat_id = self._hands.pop(update_id, None)
            if chat_id is not None:
                self._held[chat_id] -= 1
                if not self._held[chat_id]:
                    del self._held[chat_id]

    def admitted(self) -> tuple[UpdateId, ...]:
        """Those that are to be told now, one of each chat in turn; `told` says that they are."""
        admitted: list[UpdateId] = []
        passed_over = 0
        room = min(RELEASED_MAX, TOLD_MAX - len(self._hands))
        while passed_over < len(self._lines) and len(admitted) < room:
            chat_id, line = next(iter(self._lines.items()))
            self._lines.move_to_end(chat_id)  # behind the others
            if line and self._has_room(chat_id):
                admitted.append(line.popleft())
                self._hold(admitted[-1], chat_id)
                self._served.append(chat_id)
                passed_over = 0
            else:
                passed_over += 1
        self._waiting -= len(admitted)
        return tuple(admitted)

    def told(self) -> None:
        """What was admitted has been told."""
        for chat_id in self._served:
            if not self._lines.get(chat_id, True):
                del self._lines[chat_id]
        self._served.clear()

    def _has_room(self, chat_id: ChatId) -> bool:
        return len(self._hands) < TOLD_MAX and self._held[chat_id] < TOLD_OF_CHAT_MAX

    def _hold(self, update_id: UpdateId, chat_id: ChatId) -> None:
        self._hands[update_id] = chat_id
        self._held[chat_id] += 1
