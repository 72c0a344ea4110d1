"""One queue of letters: first in first out within a chat, in turns among the chats. Pure.

A chat with letters is in exactly one of four places: in the ring of those that wait for
their turn, in the heap of those that must not be written to before some tick, aside, while
somebody else's letter to it is on its way, or out, while its own first letter is. So a chat
costs the same whether it waits for a second or for an hour, and ten thousand letters for one
chat delay any other by one letter at most.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import TICKS_PER_SECOND
from actors.broadcast.tokens import Fare
from actors.kernel.ids import ChatId, LetterId
from runtime import Recipient

CALLBACK_WORTH_SECONDS = 15
"""Telegram's own word for later is "query is too old"; see `messages.AnswerCallback`."""
TYPING_WORTH_SECONDS = 4
"""See `messages.Typing`: then the next one is due."""

Lane = broadcast.Lane | Literal["typing"]
"""Those that senders know, and one for what is not worth a delay of anybody's answer."""

Notify = Recipient[broadcast.Receipt] | None
Due = Callable[["Entry"], int | None]
"""When a letter may leave as far as its chat is concerned; None: not before the chat is back."""


class Entry:
    """A letter that waits, and everybody who waits for its receipt.

    Usually that is its sender. Edits that were overtaken by a newer one share its fate, so
    they are here too, each under its own id and with the chat that its sender named.
    """

    __slots__ = (
        "failures",
        "fare",
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
        self.fare = Fare()
        """What this delivery costs."""
        self.wanted_by(letter)

    @property
    def bulk(self) -> bool:
        """Whether it goes to many."""
        return lane_of(self.letter) == "bulk"

    @property
    def filed(self) -> LetterId | None:
        """Under which id the outbox has it; None when it asks nobody."""
        return next(iter(self.receipts), None) if self.bulk else None

    @property
    def shown(self) -> bool:
        """Whether it costs one of its chat's message tokens."""
        return isinstance(self.letter, broadcast.Say | broadcast.Edit)

    @property
    def unpaid(self) -> bool:
        """Whether it is a message that this delivery does not allow to be billed."""
        return isinstance(self.letter, broadcast.Say) and not self.fare.paid

    @property
    def weight(self) -> int:
        """How many letters it stands for."""
        return max(1, len(self.receipts))

    def addressed(self) -> broadcast.Letter:
        """The letter as it goes out: to the chat that the sender's one became, and paid for or
        not, whatever its sender allowed.
        """
        letter = self.letter
        if letter.chat_id != self.to:
            letter = replace(letter, chat_id=self.to)
        if isinstance(letter, broadcast.Say) and letter.paid != self.fare.paid:
            letter = replace(letter, paid=self.fare.paid)
        return letter

    def wanted_by(self, letter: broadcast.Letter) -> None:
        """Remember whom to tell; told again under the same id, the newer recipient counts."""
        match letter:
            case broadcast.Say() | broadcast.Edit() | broadcast.Erase(letter_id=str()):
                assert letter.letter_id is not None  # noqa: S101 - for mypy, which does not narrow
                self.receipts[letter.letter_id] = (letter.chat_id, letter.notify)
            case _:
                pass

    def stale(self, now: int) -> bool:
        """Whether nobody waits for it any more."""
        match self.letter:
            case broadcast.AnswerCallback():
                worth_seconds = CALLBACK_WORTH_SECONDS
            case broadcast.Typing():
                worth_seconds = TYPING_WORTH_SECONDS
            case _:
                return False
        return now - self.told_at > worth_seconds * TICKS_PER_SECOND


class Tally:
    """How many letters there are in the queues that share it: nobody adds them up."""

    __slots__ = ("letters",)

    def __init__(self) -> None:
        self.letters = 0


class Queue:
    """Letters that differ only in their chats. It counts them in its `tally`."""

    def __init__(self, tally: Tally | None = None) -> None:
        self._tally = tally or Tally()
        self._chats: dict[ChatId, deque[Entry]] = {}
        self._ring: deque[ChatId] = deque()
        self._later: list[tuple[int, int, ChatId]] = []
        self._turn = 0
        self._aside: set[ChatId] = set()
        self._out: set[ChatId] = set()
        self.dropped = 0
        """Letters that were too old to be sent, since the start."""

    def __len__(self) -> int:
        """Chats with letters."""
        return sum(map(bool, self._chats.values()))

    @property
    def depth(self) -> int:
        """Letters in this queue, and in those that share its tally, overtaken and open ones
        included.
        """
        return self._tally.letters

    @property
    def empty(self) -> bool:
        """Whether nobody would miss it."""
        return not self._chats

    def depth_of(self, chat_id: ChatId) -> int:
        """Letters of one chat."""
        return sum(entry.weight for entry in self._chats.get(chat_id, ()))

    def oldest(self) -> int | None:
        """The tick at which the letter that waits longest was told."""
        return min((queue[0].told_at for queue in self._chats.values() if queue), default=None)

    def add(self, entry: Entry) -> None:
        """Put a letter behind all others of its chat."""
        self._queue(entry).append(entry)

    def put_back(self, entry: Entry) -> None:
        """Put a letter that was out before all others of its chat that wait."""
        self._queue(entry).insert(1 if entry.to in self._out else 0, entry)

    def overtake(self, edit: broadcast.Edit, to: ChatId) -> Entry | None:
        """The entry that shows `edit` now instead of its own; None when there is none.

        Only an edit of the same message that waits last and is not under way: whatever was
        told after it stays after it. Callback answers in between change nothing on the screen
        and are passed over.
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
            self._tally.letters -= entry.weight
            entry.letter = edit
            entry.wanted_by(edit)
            self._tally.letters += entry.weight
            return entry
        return None

    def waiting(self, chat_id: ChatId) -> Entry | None:
        """The newest letter of a chat, unless it is out."""
        queue = self._chats.get(chat_id)
        return queue[-1] if queue and chat_id not in self._out else None

    def pick(self, now: int, due: Due) -> Entry | None:
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
            if when is None:
                self._aside.add(chat_id)
            elif when <= now:
                self._out.add(chat_id)
                return entry
            else:
                self._turn += 1
                heapq.heappush(self._later, (when, self._turn, chat_id))
        return None

    def due(self) -> int | None:
        """When `pick` is worth another call; None: not before a letter is added or ends."""
        if self._ring:
            return 0
        return self._later[0][0] if self._later else None

    def release(self, chat_id: ChatId) -> None:
        """A letter that others had on its way to this chat is not any more."""
        if chat_id in self._aside:
            self._aside.remove(chat_id)
            self._ring.append(chat_id)

    def finish(self, chat_id: ChatId) -> None:
        """The letter that is out needs no more; its chat queues up for its next turn."""
        queue = self._chats[chat_id]
        self._tally.letters -= queue.popleft().weight
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
        entries = self._chats.get(chat_id, deque())
        if chat_id in self._out:
            self._out.remove(chat_id)
            del self._chats[chat_id]
        elif entries:
            # Its place in the ring or in the heap stays, and is given up when it comes up.
            self._chats[chat_id] = deque()
        self._tally.letters -= sum(entry.weight for entry in entries)
        return entries

    def _queue(self, entry: Entry) -> deque[Entry]:
        """The letters of its chat, of which there will be one more."""
        self._tally.letters += entry.weight
        queue = self._chats.get(entry.to)
        if queue is None:
            queue = self._chats[entry.to] = deque()
            self._ring.append(entry.to)
        return queue

    def _drop_stale(self, chat_id: ChatId, now: int) -> bool:
        """Whether the chat still has letters without its stale ones in front."""
        queue = self._chats[chat_id]
        while queue and queue[0].stale(now):
            self._tally.letters -= queue.popleft().weight
            self.dropped += 1
        if not queue:
            del self._chats[chat_id]
        return bool(queue)


def lane_of(letter: broadcast.Letter) -> Lane:
    """In which lane a letter leaves: what belongs to an answer leaves as one."""
    match letter:
        case broadcast.AnswerCallback():
            return "answer"
        case broadcast.Typing():
            return "typing"
        case _:
            return letter.lane
