"""One lane of letters: first in first out within a chat, in turns among the chats. Pure.

A chat with letters is in exactly one of three places: in the ring of those that wait for
their turn, in the heap of those that must not be written to before some tick, or out, while
its first letter is being delivered. So a chat costs the same whether it waits for a second
or for an hour, and ten thousand letters for one chat delay any other by one letter at most.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from actors.broadcast import messages as broadcast
from actors.broadcast.tokens import TICKS_PER_SECOND
from actors.kernel.ids import ChatId, LetterId
from runtime import Recipient

CALLBACK_WORTH_SECONDS = 15
"""Telegram's own word for later is "query is too old"; see `messages.AnswerCallback`."""

Notify = Recipient[broadcast.Receipt] | None


class Entry:
    """A letter that waits, and everybody who waits for its receipt.

    Usually that is its sender. Edits that were overtaken by a newer one share its fate, so
    they are here too, each under its own id and with the chat that its sender named.
    """

    __slots__ = (
        "failures",
        "letter",
        "receipts",
        "redirects",
        "started",
        "to",
        "told_at",
        "unknowns",
    )

    def __init__(self, letter: broadcast.Letter, *, to: ChatId, told_at: int) -> None:
        self.letter = letter
        self.to = to
        """The chat it goes to: the one its sender named, or the one that moved to."""
        self.told_at = told_at
        self.receipts: dict[LetterId, tuple[ChatId, Notify]] = {}
        self.failures = 0
        self.unknowns = 0
        self.redirects = 0
        self.started = 0
        """Which delivery this is, counted from the first; 0 before it is tried."""
        self.wanted_by(letter)

    @property
    def shown(self) -> bool:
        """Whether it costs one of its chat's message tokens."""
        return isinstance(self.letter, broadcast.Say | broadcast.Edit)

    @property
    def weight(self) -> int:
        """How many letters it stands for."""
        return max(1, len(self.receipts))

    def addressed(self) -> broadcast.Letter:
        """The letter as it goes out: to the chat that the sender's one became."""
        if self.letter.chat_id == self.to:
            return self.letter
        return replace(self.letter, chat_id=self.to)

    def wanted_by(self, letter: broadcast.Letter) -> None:
        """Remember whom to tell; told again under the same id, the newer recipient counts."""
        if isinstance(letter, broadcast.Say | broadcast.Edit):
            self.receipts[letter.letter_id] = (letter.chat_id, letter.notify)

    def stale(self, now: int) -> bool:
        """Whether it is an answer to a button that nobody waits for any more."""
        age = now - self.told_at
        return isinstance(self.letter, broadcast.AnswerCallback) and (
            age > CALLBACK_WORTH_SECONDS * TICKS_PER_SECOND
        )


class Lane:
    """Letters of one priority, by chat."""

    def __init__(self) -> None:
        self._chats: dict[ChatId, deque[Entry]] = {}
        self._ring: deque[ChatId] = deque()
        self._later: list[tuple[int, int, ChatId]] = []
        self._turn = 0
        self._out: set[ChatId] = set()
        self.depth = 0
        """Letters in this lane, overtaken and open ones included."""
        self.dropped = 0
        """Callback answers that were too old to be sent, since the start."""

    def __len__(self) -> int:
        """Chats with letters."""
        return len(self._chats)

    def depth_of(self, chat_id: ChatId) -> int:
        """Letters of one chat."""
        return sum(entry.weight for entry in self._chats.get(chat_id, ()))

    def oldest(self) -> int | None:
        """The tick at which the letter that waits longest was told."""
        return min((queue[0].told_at for queue in self._chats.values()), default=None)

    def add(self, entry: Entry) -> None:
        """Behind everything else of its chat."""
        self.depth += entry.weight
        if entry.to in self._chats:
            self._chats[entry.to].append(entry)
        else:
            self._chats[entry.to] = deque((entry,))
            self._ring.append(entry.to)

    def overtake(self, edit: broadcast.Edit, to: ChatId) -> Entry | None:
        """Let `edit` take the place of the last thing its chat waits for, if that is an edit
        of the same message which is not being delivered; None when it is not.

        Callback answers in between change nothing on the screen and are passed over.
        """
        queue = self._chats.get(to, ())
        first = 1 if to in self._out else 0
        for at in range(len(queue) - 1, first - 1, -1):
            entry = queue[at]
            if isinstance(entry.letter, broadcast.AnswerCallback):
                continue
            if not isinstance(entry.letter, broadcast.Edit):
                return None
            if entry.letter.message_id != edit.message_id:
                return None
            self.depth -= entry.weight
            entry.letter = edit
            entry.wanted_by(edit)
            self.depth += entry.weight
            return entry
        return None

    def pick(self, now: int, due: Callable[[Entry], int]) -> Entry | None:
        """The next letter whose chat is due, now out; None when there is none.

        It stays first of its chat until `finish`, `repeat` or `clear` puts an end to that.
        """
        while self._later and self._later[0][0] <= now:
            self._ring.append(heapq.heappop(self._later)[2])
        while self._ring:
            chat_id = self._ring.popleft()
            if not self._drop_stale(chat_id, now):
                continue
            entry = self._chats[chat_id][0]
            when = due(entry)
            if when <= now:
                self._out.add(chat_id)
                return entry
            self._turn += 1
            heapq.heappush(self._later, (when, self._turn, chat_id))
        return None

    def due(self) -> int | None:
        """When `pick` is worth another call; None: not before a letter is added or ends."""
        if self._ring:
            return 0
        return self._later[0][0] if self._later else None

    def finish(self, chat_id: ChatId) -> None:
        """The letter that is out needs no more; its chat queues up for its next turn."""
        queue = self._chats[chat_id]
        self.depth -= queue.popleft().weight
        self._out.remove(chat_id)
        if queue:
            self._ring.append(chat_id)
        else:
            del self._chats[chat_id]

    def repeat(self, chat_id: ChatId) -> None:
        """The letter that is out is still the first of its chat."""
        self._out.remove(chat_id)
        self._ring.append(chat_id)

    def clear(self, chat_id: ChatId) -> Iterable[Entry]:
        """Take out everything of a chat, the letter that is out first."""
        self._out.remove(chat_id)
        entries = self._chats.pop(chat_id)
        self.depth -= sum(entry.weight for entry in entries)
        return entries

    def _drop_stale(self, chat_id: ChatId, now: int) -> bool:
        """Whether the chat still has letters without its stale ones in front."""
        queue = self._chats[chat_id]
        while queue and queue[0].stale(now):
            self.depth -= queue.popleft().weight
            self.dropped += 1
        if not queue:
            del self._chats[chat_id]
        return bool(queue)
