"""Where the asking of the record table stands, and what to ask next. Pure, but for the asking.

A look is what changed since the last one, page after page, and then one chunk of the slow
reconciliation of everybody who waits. Times come in as values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from actors.kernel.failures import Unavailable
from actors.kernel.ids import RecordId
from actors.tracker.model import OVERLAP_SECONDS, Answer, Page, Place
from actors.tracker.ports import PaidRecords
from actors.tracker.roster import Roster

PAGES_MAX = 10
"""Pages of changes read in one look; the rest of a bulk change waits for the next look."""
CHANGES_OFF_SECONDS = 600.0
"""How long a table that cannot tell its changes is only reconciled, before it is tried again."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed after `place`?"""

    place: Place


@dataclass(frozen=True, slots=True)
class Chunk:
    """How do these rows stand?"""

    record_ids: tuple[RecordId, ...]


Question = Changes | Chunk


class Looks:
    """`chunk_rows` is how many ids fit into one question, as far as the table has told."""

    def __init__(self, roster: Roster, *, chunk_rows: int, now: float) -> None:
        self._roster = roster
        self._chunk_rows = chunk_rows
        self._newest_at = now
        self._changes_again_at = 0.0
        self._pages = 0
        self.place: Place | None = None
        """None until the first reconciliation has said where changes begin."""

    def begin(self, now: float) -> Changes | None:
        """A new look: the first question about changes, None where none is asked."""
        self._pages = 0
        if self.place is None or now < self._changes_again_at:
            return None
        return self._turn(self.place)

    def forget(self) -> None:
        """Nobody waits: whoever comes next is read at once, and older changes are not his."""
        self.place = None

    def read_on(self, place: Place, page: Page, *, now: datetime, clock: float) -> Changes | None:
        """The question after `page`, the answer at `place`; None at the end of the changes."""
        following = place.turn(page)
        more = not page.last and page.size > 0
        if more and self._pages < PAGES_MAX:
            return self._turn(following)
        before = self.place or place
        if more:
            self.place = following
        else:
            quiet = clock - self._newest_at > OVERLAP_SECONDS
            self.place = before.end(page, reached=following, quiet=quiet, now=now)
        if self.place.newest != before.newest:
            self._newest_at = clock
        return None

    def _turn(self, place: Place) -> Changes:
        self._pages += 1
        return Changes(place)

    def changes_off(self, now: float) -> None:
        """The table cannot tell its changes."""
        self._changes_again_at = now + CHANGES_OFF_SECONDS

    def begin_again(self) -> None:
        """This look's changes were not answered: the next look reads them from the beginning."""
        if self.place is not None:
            self.place = Place(after=self.place.after)

    def chunk(self, rows_max: int) -> Chunk | None:
        """Whose turn it is to be reconciled; None when nobody waits any more."""
        asked = self._roster.take(min(self._chunk_rows, rows_max))
        return Chunk(asked) if asked else None

    def reconciled(
        self, asked: Iterable[RecordId], page: Page, *, now: datetime, rows_max: int
    ) -> frozenset[RecordId]:
        """A chunk was answered; which of its records were."""
        if self.place is None:
            self.place = Place.first(page.server_time or now)
        asked = tuple(asked)
        there = {row.record_id for row in page.rows}
        answered = frozenset(asked)
        if page.last or there.isdisjoint(asked):
            self._roster.answered(asked, page.rows)
        else:  # the server sends smaller pages than it was asked for
            self._roster.put_back(record for record in asked if record not in there)
            answered &= there
        self._chunk_rows = min(self._chunk_rows * 2, rows_max)
        return answered

    def narrow(self, asked: tuple[RecordId, ...]) -> None:
        """One of the ids may be to blame for a refusal: the next chunk is half of this one."""
        self._chunk_rows = len(asked) // 2
        self._roster.put_back(asked)


async def ask(records: PaidRecords, question: Question) -> Answer | Unavailable:
    """A table that does not answer is an answer, too. Anything else is a bug, and crashes."""
    try:
        match question:
            case Changes():
                return await records.changed(question.place)
            case Chunk():
                return await records.read(question.record_ids)
    except Unavailable as error:
        return error
