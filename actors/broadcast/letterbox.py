"""Which letters wait and which were delivered, by name, and who is told. Pure.

A letter is known by its kind and its id: a `Say` may take up the id of an `Edit` that failed,
and the same letter told twice is one letter.
"""

from __future__ import annotations

from collections import OrderedDict

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Done, Lost
from actors.broadcast.queues import Entry
from actors.kernel.ids import LetterId
from runtime import Recipient

REMEMBERED_DELIVERIES = 4_096
"""At least two minutes of them: a sender that is told again after a crash is not late."""

Mail = tuple[Recipient[broadcast.Receipt], broadcast.Receipt]
"""A receipt and who gets it."""

_Name = tuple[type, LetterId]


class Letterbox:
    """Letters with a name."""

    def __init__(self) -> None:
        self._waiting: dict[_Name, Entry] = {}
        self._delivered: OrderedDict[_Name, broadcast.Delivered] = OrderedDict()

    def known(self, letter: broadcast.Letter) -> list[Mail] | None:
        """What to tell the sender of a letter that was told before; None when it was not."""
        name = _name(letter)
        if name is None:
            return None
        if delivered := self._delivered.get(name):
            return _mail(letter, delivered)
        if waiting := self._waiting.get(name):
            # Its sender was restarted before it knew: still one letter.
            waiting.wanted_by(letter)
            return []
        return None

    def wait(self, letter: broadcast.Letter, entry: Entry) -> None:
        """It is on its way, as this entry."""
        name = _name(letter)
        if name is not None:
            self._waiting[name] = entry

    @staticmethod
    def refuse(letter: broadcast.Letter, lost: Lost, *, turned_away: bool = False) -> list[Mail]:
        """Receipts for a letter that is not taken in."""
        name = _name(letter)
        if name is None:
            return []
        receipt = broadcast.Undelivered(
            letter_id=name[1],
            chat_id=letter.chat_id,
            reason=lost.reason,
            detail=lost.detail,
            closed=lost.closed,
            turned_away=turned_away,
        )
        return _mail(letter, receipt)

    def deliver(self, entry: Entry, done: Done) -> list[Mail]:
        """Receipts for a letter that arrived."""
        mails: list[Mail] = []
        for letter_id, (chat_id, notify) in entry.receipts.items():
            assert done.message_id is not None  # noqa: S101 - what has a name concerns a message
            receipt = broadcast.Delivered(
                letter_id=letter_id, chat_id=chat_id, message_id=done.message_id
            )
            name = type(entry.letter), letter_id
            del self._waiting[name]
            self._remember(name, receipt)
            if notify is not None:
                mails.append((notify, receipt))
        return mails

    def lose(self, entry: Entry, lost: Lost) -> list[Mail]:
        """Receipts for a letter that will not be tried again."""
        mails: list[Mail] = []
        for letter_id, (chat_id, notify) in entry.receipts.items():
            del self._waiting[type(entry.letter), letter_id]
            receipt = broadcast.Undelivered(
                letter_id=letter_id,
                chat_id=chat_id,
                reason=lost.reason,
                detail=lost.detail,
                closed=lost.closed,
            )
            if notify is not None:
                mails.append((notify, receipt))
        return mails

    def _remember(self, name: _Name, receipt: broadcast.Delivered) -> None:
        """Put the newest last and let the oldest go."""
        self._delivered[name] = receipt
        self._delivered.move_to_end(name)
        if len(self._delivered) > REMEMBERED_DELIVERIES:
            self._delivered.popitem(last=False)


def _name(letter: broadcast.Letter) -> _Name | None:
    match letter:
        case broadcast.Say() | broadcast.Edit() | broadcast.Erase():
            return None if letter.letter_id is None else (type(letter), letter.letter_id)
        case _:
            return None


def _mail(letter: broadcast.Letter, receipt: broadcast.Receipt) -> list[Mail]:
    match letter:
        case broadcast.Say() | broadcast.Edit() | broadcast.Erase() if letter.notify is not None:
            return [(letter.notify, receipt)]
        case _:
            return []
