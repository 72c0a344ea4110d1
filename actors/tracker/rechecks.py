"""Rows of the record table that somebody says have changed, until they were read. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from actors.kernel.ids import RecordId
from actors.tracker import messages as tracker
from actors.tracker.roster import Roster


@dataclass(slots=True)
class _Wish:
    """One message, and which of its rows have not been read since."""

    told: tracker.Recheck
    left: set[RecordId]
    asked: bool = False
    """A question was asked after it came, so that an answer counts."""


@dataclass(slots=True)
class Rechecks:
    """Whoever waits for a row decides whether it is read at all."""

    roster: Roster
    wishes: list[_Wish] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.wishes)

    def add(self, told: tracker.Recheck) -> bool:
        """Put its rows in front of the queue; False when nobody waits for any of them."""
        left = {record_id for record_id in told.record_ids if record_id in self.roster}
        if left:
            self.roster.put_back(sorted(left))
            self.wishes.append(_Wish(told, left))
        return bool(left)

    def asking(self) -> None:
        """A question about rows is asked: its answer counts for those that came before it."""
        for wish in self.wishes:
            wish.asked = True

    def read(self, answered: Collection[RecordId] = ()) -> list[tracker.Recheck]:
        """These rows have been read; which messages have been done justice by now.

        A row that nobody waits for any more, because it was found paid, needs no reading.
        """
        for wish in self.wishes:
            if wish.asked:
                wish.left.difference_update(answered)
            wish.left = {record_id for record_id in wish.left if record_id in self.roster}
        done = [wish.told for wish in self.wishes if not wish.left]
        self.wishes = [wish for wish in self.wishes if wish.left]
        return done
