"""Who waits for a payment, and whose turn it is to be reconciled; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil

from actors.kernel.ids import ChatId, RecordId
from actors.tracker.model import Row, Watch

ABSENCES_UNTIL_MISSING = 2
"""A row is called missing when it was absent so many times in a row."""

NEW_SHARE = 0.75
"""At most this part of a reconciliation chunk goes to users who have just begun to wait, so
that a stream of new users never stops the pass over the others."""


class Roster:
    """Who waits, in which order they are reconciled, and whose row is missing.

    Who has cancelled is looked after like the others, because he may have paid all the same;
    but nobody misses him, or his row.

    A chat waits for one record. Two chats may wait for the same: NocoDB on sqlite gives the id
    of a deleted newest row to the next one (measured on NocoDB 0.262 and 0.301). Whose payment
    a row tells is therefore decided by the chat it names, and by its id only if it names none:
    then not by who has cancelled, while another waits for it.

    A pass visits everybody who waited when it began; whoever comes later is visited next,
    ahead of the rest of the pass.
    """

    def __init__(self) -> None:
        self._records: dict[ChatId, RecordId] = {}
        self._chats: dict[RecordId, tuple[ChatId, ...]] = {}
        self._new: deque[RecordId] = deque()
        self._pass: deque[RecordId] = deque()
        self._absent: dict[ChatId, int] = {}
        self._nameless: set[ChatId] = set()
        self._cancelled: set[ChatId] = set()

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, record_id: RecordId) -> bool:
        """Whether anybody waits for it."""
        return record_id in self._chats

    @property
    def waiting(self) -> int:
        """Watches of users who have not cancelled."""
        return len(self._records) - len(self._cancelled)

    @property
    def missing(self) -> int:
        """Who waits and has no row in the table: deleted, never there, or another's by now."""
        return sum(
            times >= ABSENCES_UNTIL_MISSING and chat_id not in self._cancelled
            for chat_id, times in self._absent.items()
        )

    @property
    def nameless(self) -> int:
        """Watches whose row names no chat, so that its id alone decides."""
        return len(self._nameless)

    def add(
        self,
        record_id: RecordId,
        chat_id: ChatId,
        *,
        cancelled: bool = False,
        restored: bool = False,
    ) -> bool:
        """`chat_id` waits for `record_id`, and for no other; False when it does already.

        Who is `restored` has waited before, and takes his turn at the end of the pass.
        """
        before = self._records.get(chat_id)
        if before is not None and before != record_id:
            self.remove(before, chat_id)
        (self._cancelled.add if cancelled else self._cancelled.discard)(chat_id)
        if before == record_id:
            return False
        self._records[chat_id] = record_id
        self._chats[record_id] = (*self._chats.get(record_id, ()), chat_id)
        (self._pass if restored else self._new).append(record_id)
        return True

    def remove(self, record_id: RecordId, chat_id: ChatId) -> None:
        """The chat does not wait for the record any more, if it did."""
        if self._records.get(chat_id) != record_id:
            return
        del self._records[chat_id]
        self._absent.pop(chat_id, None)
        self._nameless.discard(chat_id)
        self._cancelled.discard(chat_id)
        staying = tuple(chat for chat in self._chats.pop(record_id) if chat != chat_id)
        if staying:
            self._chats[record_id] = staying

    def paid_by(self, rows: Iterable[Row]) -> tuple[Watch, ...]:
        """Whose payments these rows tell: each watch once, under the record it waits for."""
        paid: dict[ChatId, None] = {}
        for row in rows:
            if not row.paid:
                continue
            if row.chat_id is None:
                chats = self._chats.get(row.record_id, ())
                paid |= dict.fromkeys([c for c in chats if c not in self._cancelled] or chats)
            elif row.chat_id in self._records:
                paid[row.chat_id] = None
        return tuple(Watch(record_id=self._records[chat], chat_id=chat) for chat in paid)

    def take(self, count: int) -> tuple[RecordId, ...]:
        """The next `count` records to reconcile, each at most once.

        Begins a new pass when one is over.
        """
        taken: dict[RecordId, None] = {}
        self._move(self._new, taken, ceil(count * NEW_SHARE) if self._pass else count)
        if not self._pass and not self._new and len(taken) < count:
            self._pass.extend(record for record in self._chats if record not in taken)
        self._move(self._pass, taken, count)
        return tuple(taken)

    def put_back(self, record_ids: Iterable[RecordId]) -> None:
        """These were taken and not answered: they are next."""
        self._new.extendleft(reversed(tuple(record_ids)))

    def answered(self, asked: Iterable[RecordId], rows: Iterable[Row]) -> None:
        """Remember who of those who wait for `asked` has a row of his own among `rows`."""
        names = {row.record_id: row.chat_id for row in rows}
        for record_id in asked:
            for chat_id in self._chats.get(record_id, ()):
                self._nameless.discard(chat_id)
                if record_id not in names or names[record_id] not in {None, chat_id}:
                    self._absent[chat_id] = self._absent.get(chat_id, 0) + 1
                    continue
                self._absent.pop(chat_id, None)
                if names[record_id] is None:
                    self._nameless.add(chat_id)

    def _move(self, source: deque[RecordId], taken: dict[RecordId, None], count: int) -> None:
        while source and len(taken) < count:
            record_id = source.popleft()
            if record_id in self._chats:
                taken[record_id] = None
