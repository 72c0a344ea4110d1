"""The lanes: what is in more of a hurry leaves first. Pure.

```
lane     what                                       among each other
answer   what somebody waits for                    chats in turns
notice   what somebody should know                  chats in turns
typing   that an answer is being written            chats in turns; gone when the answer comes
bulk     what is sent to many                       sources in turns, then chats in turns
```

Beside the bulk lane typing is shown once a second, see `tokens`.

A chat has one letter on its way at a time, whatever the lane: otherwise two of them could change
places. So a lane delays another one by that one letter, and by nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from actors.broadcast import messages as broadcast
from actors.broadcast.queues import Due, Entry, Lane, Queue, Tally, lane_of
from actors.kernel.ids import ChatId

HURRIED: tuple[Lane, ...] = ("answer", "notice")
"""Those that go before all others, in this order."""
LANES: tuple[Lane, ...] = (*HURRIED, "typing", "bulk")

_Source = tuple[str, bool]
"""Whose letters they are, and whether Telegram may bill them."""


class Lanes:
    """Every letter on its way to Telegram."""

    def __init__(self) -> None:
        self._tallies: dict[Lane, Tally] = {lane: Tally() for lane in LANES}
        self._hurried: dict[Lane, Queue] = {
            lane: Queue(tally) for lane, tally in self._tallies.items() if lane != "bulk"
        }
        self._bulk: dict[_Source, Queue] = {}
        self._turns: deque[_Source] = deque()
        self._out: dict[ChatId, Queue] = {}
        self._dropped = 0
        """By queues that are no more."""

    @property
    def dropped(self) -> int:
        """Letters that were too old to be sent, since the start."""
        return self._dropped + sum(queue.dropped for queue in self._queues())

    def depth(self, lane: Lane) -> int:
        """Letters of a lane."""
        return self._tallies[lane].letters

    def chats(self, lane: Lane) -> int:
        """Chats of a lane, once for each source."""
        return sum(len(queue) for queue in self._queues_of(lane))

    def oldest(self, lane: Lane) -> int | None:
        """The tick at which the letter of a lane that waits longest was told."""
        ages = [queue.oldest() for queue in self._queues_of(lane)]
        return min((age for age in ages if age is not None), default=None)

    def depth_of(self, lane: Lane, chat_id: ChatId) -> int:
        """Letters of a lane for one chat."""
        return sum(queue.depth_of(chat_id) for queue in self._queues_of(lane))

    def add(self, entry: Entry) -> None:
        """Put a letter behind all others of its lane and its chat."""
        if isinstance(entry.letter, broadcast.Say) and entry.letter.lane == "answer":
            self.forget_typing(entry.to)
        self._queue_of(entry.letter).add(entry)

    def put_back(self, entry: Entry) -> None:
        """Put a letter that was finished before all others of its lane and its chat."""
        self._queue_of(entry.letter).put_back(entry)

    def overtake(self, edit: broadcast.Edit, to: ChatId) -> Entry | None:
        """The entry that shows `edit` now instead of its own, see `Queue`. Never of the bulk
        lane: each of its letters is known to the outbox.
        """
        return None if edit.lane == "bulk" else self._hurried[edit.lane].overtake(edit, to)

    def typing(self, chat_id: ChatId) -> Entry | None:
        """What waits to show that an answer is being written."""
        return self._hurried["typing"].waiting(chat_id)

    def forget_typing(self, chat_id: ChatId) -> None:
        """The answer is here."""
        if self.typing(chat_id) is not None:
            self._hurried["typing"].clear(chat_id)

    def pick(self, lane: Lane, now: int, due: Due, *, only_paid: bool = False) -> Entry | None:
        """The next letter of a lane whose chat is due, now out; None when there is none.

        `only_paid`: of those only that Telegram may bill.
        """

        def alone(entry: Entry) -> int | None:
            return None if entry.to in self._out else due(entry)

        for queue in self._in_turn(lane, only_paid=only_paid):
            entry = queue.pick(now, alone)
            if entry is not None:
                self._out[entry.to] = queue
                return entry
        return None

    def due(self, lane: Lane, *, only_paid: bool = False) -> int | None:
        """When `pick` is worth another call; None: not before a letter is added or ends."""
        if lane != "bulk":
            return self._hurried[lane].due()
        dues = [queue.due() for queue in self._queues_of(lane, only_paid=only_paid)]
        return min((due for due in dues if due is not None), default=None)

    def finish(self, chat_id: ChatId) -> None:
        """The letter that is out needs no more."""
        self._out[chat_id].finish(chat_id)
        self._is_back(chat_id)

    def repeat(self, chat_id: ChatId) -> None:
        """The letter that is out is still the first of its chat and its lane."""
        self._out[chat_id].repeat(chat_id)
        self._is_back(chat_id)

    def clear(self, chat_id: ChatId) -> list[Entry]:
        """Take out everything of a chat that has a letter out; that one comes first."""
        first = self._out[chat_id]
        queues = [first, *(queue for queue in self._queues() if queue is not first)]
        cleared = [entry for queue in queues for entry in queue.clear(chat_id)]
        self._is_back(chat_id)
        return cleared

    def _is_back(self, chat_id: ChatId) -> None:
        del self._out[chat_id]
        for queue in self._queues():
            queue.release(chat_id)

    def _queue_of(self, letter: broadcast.Letter) -> Queue:
        lane = lane_of(letter)
        if lane != "bulk":
            return self._hurried[lane]
        paid = isinstance(letter, broadcast.Say) and letter.paid
        source = (getattr(letter, "source", ""), paid)
        if source not in self._bulk:
            self._sweep()
            self._bulk[source] = Queue(self._tallies["bulk"])
            self._turns.append(source)
        return self._bulk[source]

    def _queues(self) -> Iterator[Queue]:
        yield from self._hurried.values()
        yield from self._bulk.values()

    def _queues_of(self, lane: Lane, *, only_paid: bool = False) -> Iterable[Queue]:
        if lane != "bulk":
            return (self._hurried[lane],)
        return [queue for (_, paid), queue in self._bulk.items() if paid or not only_paid]

    def _in_turn(self, lane: Lane, *, only_paid: bool) -> Iterator[Queue]:
        """The queues of a lane; one that gives a letter has had its turn."""
        if lane != "bulk":
            yield self._hurried[lane]
            return
        for _ in range(len(self._turns)):
            source = self._turns[0]
            self._turns.rotate(-1)
            if source[1] or not only_paid:
                yield self._bulk[source]

    def _sweep(self) -> None:
        """Sources that have nothing to say any more are forgotten."""
        for source, queue in list(self._bulk.items()):
            if queue.empty:
                self._dropped += queue.dropped
                del self._bulk[source]
                self._turns.remove(source)
