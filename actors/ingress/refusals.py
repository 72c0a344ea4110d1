"""Which sources nothing but refused deliveries come from. Pure.

That is what a wrong secret looks like, and a provider repeats what was refused after minutes to
hours: the sign of it has to outlast the pause.
"""

from __future__ import annotations

from actors.ingress.model import SourceName

REFUSED_SECONDS = 24 * 3_600.0
"""So long after the last refusal it counts, unless a good delivery came: longer than any provider's
pause between two tries."""


class Refusals:
    """What became of each source's deliveries, report by report."""

    def __init__(self) -> None:
        self._refused: dict[SourceName, tuple[str, float]] = {}
        """Why, and until when that counts."""

    def heard(self, source: SourceName, *, why: str, kept: bool, now: float) -> str:
        """Why deliveries of `source` are refused, and "" if they are not. `why` is what those of
        the last seconds were refused for, blank if none was; `kept`: a good one was among them.
        """
        if kept:
            self._refused.pop(source, None)
            return ""
        if why:
            self._refused[source] = (why, now + REFUSED_SECONDS)
        known, until = self._refused.get(source, ("", 0.0))
        return known if now < until else ""
