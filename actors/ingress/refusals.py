"""Which sources nothing but unproved deliveries come from. Pure.

That is what a wrong secret looks like, and a provider repeats what was refused after minutes to
hours: the sign of it has to outlast the pause. A stranger's single try must not.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.ingress.model import SourceName

REFUSED_SECONDS = 24 * 3_600.0
"""So long after the last refusal it counts, unless a good delivery came: longer than any provider's
pause between two tries."""
REFUSED_TIMES = 3
"""So many in a row are no stranger's single try."""


@dataclass(slots=True)
class _Row:
    times: int = 0
    why: str = ""
    until: float = 0.0


class Refusals:
    """What became of each source's deliveries, report by report."""

    def __init__(self) -> None:
        self._rows: dict[SourceName, _Row] = {}

    def heard(self, source: SourceName, *, why: str, times: int, kept: bool, now: float) -> str:
        """Why deliveries of `source` are unproved, and "" if they are not. `why` is what `times`
        of those of the last seconds were refused for; `kept`: a good one was among them.
        """
        if kept:
            self._rows.pop(source, None)
            return ""
        row = self._rows.setdefault(source, _Row())
        if now >= row.until:
            row.times = 0
        if times:
            row.times, row.why, row.until = row.times + times, why, now + REFUSED_SECONDS
        return row.why if row.times >= REFUSED_TIMES else ""
