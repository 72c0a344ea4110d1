"""What a timeline shows, and where: lanes, rows and silences, in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

LANE, HALF = 140, 63
"""Pixels of a lane, and of half a mark on it."""
ROW, BAR, GAP, EDGE = 24, 28, 38, 14
"""Heights: of a mark on a lane, of one that concerns all, of a silence; and the margin."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A column: a host, an actor, or several that share it."""

    group: str
    name: str
    shared: bool = False


@dataclass(slots=True, kw_only=True)
class Mark:
    """What is drawn in one row."""

    step: int
    second: float
    kind: str
    text: str
    more: str = ""
    lane: Lane | None = None
    to: Lane | None = None
    cause: int | None = None
    what: str = ""
    y: int = 0


@dataclass(slots=True)
class Drawing:
    """Rows from above to below."""

    left_out: int
    """Rows before the first one."""
    clean_up: int
    """Lines of the trace behind the failure."""
    choices: int = 0
    """Choices among tasks that were not plain."""
    lanes: list[Lane] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    gaps: list[tuple[int, float]] = field(default_factory=list)
    height: int = EDGE

    def gap(self, seconds: float) -> None:
        """Nothing happens for so long."""
        self.gaps.append((self.height, seconds))
        self.height += GAP

    def add(self, mark: Mark) -> None:
        """The next row."""
        mark.y = self.height
        self.height += ROW if mark.lane is not None else BAR
        self.marks.append(mark)

    def x(self, lane: Lane) -> int:
        """The middle of a lane."""
        return self.lanes.index(lane) * LANE + LANE // 2
