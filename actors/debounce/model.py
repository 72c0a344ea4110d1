"""When a user has finished, and what goes together. Pure; times are seconds of the wall clock.

```
quiet     a batch is complete when its user has written nothing for `quiet_seconds`
maximum   and at the latest `max_seconds` after its first message, however busy he is
window    what he adds within `window_seconds` after his last batch left waits for the end of
          that time, unless the batch was answered before; the maximum stands above it
limits    so many messages and bytes fit into one batch; what is too much begins the next one
album     the members of a media group go together: whatever the quiet is, a batch waits until
          its albums are complete, and where the maximum ends it before, it ends before the first
          member; an album that begins its batch holds it beyond the maximum
order     by update id; what comes so late that its batch has left begins the next one
```

The collector holds no message, but what it decides by. One entry of its heap for each open batch
is enough: a later message only puts the end off, and that is found out when the entry is due.
"""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from actors.debounce.messages import Passed
from actors.kernel.ids import ChatId, UpdateId

MESSAGES_MAX = 50
"""Messages of one batch."""
BYTES_MAX = 256 * 1024
"""Bytes of one batch's messages as JSON; the longest single one has 50 kB. Make takes 5 MB."""
ALBUM_SECONDS = 2.0
"""Members of an album, ten at most, come one right after the other; after this long without
another one it is complete."""
CLOCK_SLACK_SECONDS = 1.0
"""What is younger than now by more than this came before the clock was set back."""


class Item(NamedTuple):
    """What has to be known of one message. `flooded` ones are told as a number only."""

    update_id: UpdateId
    at: float
    bytes: int
    album: str = ""
    flooded: bool = False


class Closing(NamedTuple):
    """A complete batch: its messages in their order."""

    chat_id: ChatId
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for a user, in seconds. With `window_seconds` of 0 there is no window."""

    quiet_seconds: float = 4.0
    max_seconds: float = 15.0
    window_seconds: float = 10.0


_NO_ALBUMS: Mapping[str, float] = MappingProxyType({})
"""Of most batches: one for all of them."""


class _Open:
    """One user's batch, its items by update id. `until` is when its user's window ends; `albums`
    says of each when it is complete; `queued` is the time of its entry in the heap, the only one
    that counts.
    """

    __slots__ = ("albums", "first_at", "items", "last_at", "queued", "until")

    def __init__(self, items: list[Item], until: float) -> None:
        self.items, self.until, self.queued = items, until, 0.0
        self.first_at = min(item.at for item in items)
        self.last_at = max(item.at for item in items)
        self.albums: Mapping[str, float] = _NO_ALBUMS
        for item in items:
            self._note_album(item)

    def has(self, update_id: UpdateId) -> bool:
        return any(item.update_id == update_id for item in self.items)

    def add(self, item: Item) -> None:
        in_order = item.update_id > self.items[-1].update_id
        self.items.append(item)
        if not in_order:
            self.items.sort()
        self.first_at, self.last_at = min(self.first_at, item.at), max(self.last_at, item.at)
        self._note_album(item)

    def _note_album(self, item: Item) -> None:
        if item.album and not item.flooded:
            until = max(item.at + ALBUM_SECONDS, self.albums.get(item.album, 0.0))
            self.albums = {**self.albums, item.album: until}


class Collector:
    """Every open batch."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._due_within = max(self._patience.max_seconds, ALBUM_SECONDS)
        """No batch is due later than this after its last message."""
        self._open: dict[ChatId, _Open] = {}
        self._heap: list[tuple[float, ChatId]] = []
        self._windows: dict[ChatId, float] = {}
        """When the window of a batch that has left ends, unless it is answered before."""
        self._ends: deque[tuple[float, ChatId]] = deque()
        """The same in their order, to forget them by."""

    @property
    def batches(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def timers(self) -> int:
        """Entries of the heap, those that do not count any more included."""
        return len(self._heap)

    @property
    def oldest_at(self) -> float | None:
        """When the batch that has been open for longest was begun."""
        return min((batch.first_at for batch in self._open.values()), default=None)

    @property
    def wake_at(self) -> float | None:
        """Before then nothing is due."""
        return self._heap[0][0] if self._heap else None

    def add(self, chat_id: ChatId, item: Item) -> list[Closing]:
        """Take a message in; the batches that are complete because of it. Taken twice, it is in
        its open batch once.
        """
        closings: list[Closing] = []
        batch = self._open.get(chat_id)
        if batch is not None and batch.has(item.update_id):
            return closings
        if batch is not None and self._due_at(batch) <= item.at:
            closings += self._close(chat_id, batch, item.at)
            batch = self._open.get(chat_id)
        if batch is None:
            self._begin(chat_id, [item])
            return closings
        batch.add(item)
        *full, rest = packed(batch.items)
        if full:
            closings += [self._leave(chat_id, items, item.at) for items in full]
            self._begin(chat_id, rest)
        elif batch.items[-1] is not item and self._due_at(batch) < batch.queued:
            self._queue(chat_id, batch)  # it came late, and is now before an album
        return closings

    def due(self, now: float, *, limit: int) -> list[Closing]:
        """The batches that are complete by now, at most `limit` of them."""
        while self._ends and self._ends[0][0] <= now:
            until, chat_id = self._ends.popleft()
            if self._windows.get(chat_id) == until:
                del self._windows[chat_id]
        closings: list[Closing] = []
        while self._heap and len(closings) < limit and self._may_be_due(self._heap[0], now):
            queued, chat_id = heapq.heappop(self._heap)
            batch = self._open.get(chat_id)
            if batch is None or batch.queued != queued:
                continue
            if self._due_at(batch) <= now or _is_ahead(batch.last_at, now):
                closings += self._close(chat_id, batch, now)
            else:
                self._queue(chat_id, batch)
        return closings

    def answered(self, chat_id: ChatId) -> None:
        """The user's last batch was answered: what he says now is no part of it any more."""
        self._windows.pop(chat_id, None)
        batch = self._open.get(chat_id)
        if batch is not None and batch.until:
            batch.until = 0.0
            self._queue(chat_id, batch)

    def _begin(self, chat_id: ChatId, items: list[Item]) -> None:
        batch = self._open[chat_id] = _Open(items, self._windows.get(chat_id, 0.0))
        self._queue(chat_id, batch)

    def _queue(self, chat_id: ChatId, batch: _Open) -> None:
        batch.queued = self._due_at(batch)
        heapq.heappush(self._heap, (batch.queued, chat_id))

    def _due_at(self, batch: _Open) -> float:
        quiet = batch.last_at + self._patience.quiet_seconds
        complete = max(quiet, batch.until, *batch.albums.values())
        due = min(complete, batch.first_at + self._patience.max_seconds)
        return max(due, batch.albums.get(batch.items[0].album, 0.0))

    def _may_be_due(self, entry: tuple[float, ChatId], now: float) -> bool:
        return entry[0] <= now or _is_ahead(entry[0] - self._due_within, now)

    def _close(self, chat_id: ChatId, batch: _Open, now: float) -> list[Closing]:
        """End a batch; albums that are still coming in stay, and begin the next one."""
        at, items = min(self._due_at(batch), now), batch.items
        coming = {album for album, until in batch.albums.items() if until > now}
        kept = next((place for place, item in enumerate(items) if item.album in coming), 0)
        closing = self._leave(chat_id, items[:kept] or items, at)
        if kept:
            self._begin(chat_id, items[kept:])
        return [closing]

    def _leave(self, chat_id: ChatId, items: Sequence[Item], at: float) -> Closing:
        self._open.pop(chat_id, None)
        if self._patience.window_seconds:
            until = at + self._patience.window_seconds
            self._windows[chat_id] = until
            self._ends.append((until, chat_id))
        return Closing(chat_id, tuple(items))


def packed(items: list[Item]) -> list[list[Item]]:
    """The items in as many batches as the limits ask for; all but the last are complete."""
    whole: list[list[Item]] = []
    while (fits := _fitting(items)) < len(items):
        album = items[fits].album
        begins = next(place for place, item in enumerate(items) if item.album == album)
        cut = begins if album and 0 < begins < fits else fits
        whole.append(items[:cut])
        items = items[cut:]
    return [*whole, items]


def flat(passed: Passed) -> dict[str, object]:
    """The message as it stands in the payload: one level, always the same fields."""
    return {
        "update_id": passed.update_id,
        "message_id": passed.message_id,
        "kind": passed.kind,
        "text": passed.text,
        "caption": passed.caption,
        "file_id": passed.file_id,
        "media_group_id": passed.media_group_id,
        "phone_number": passed.phone_number,
        "contact_name": passed.contact_name,
        "latitude": passed.latitude,
        "longitude": passed.longitude,
    }


def written(passed: Passed) -> str:
    """The same as JSON."""
    return json.dumps(flat(passed), ensure_ascii=False)


def _fitting(items: Sequence[Item]) -> int:
    """How many of them one batch holds, from the first on; one at least."""
    count = size = 0
    for place, item in enumerate(items):
        if not item.flooded:
            count, size = count + 1, size + item.bytes
        if place and (count > MESSAGES_MAX or size > BYTES_MAX):
            return place
    return len(items)


def _is_ahead(at: float, now: float) -> bool:
    return at > now + CLOCK_SLACK_SECONDS
