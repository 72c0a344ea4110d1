"""Every decision of a run: drawn once, written down, and played back.

A choice is a small number, and 0 is the plain one: the task that has waited longest, the
fault that does not happen. Shrinking a failure is turning choices into zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_PAIR = re.compile(r"(\d{1,8})=(\d{1,8})", re.ASCII)

Taken = Mapping[str, Sequence[int]]
"""Choices by stream (`tasks`, `actors`, the names of faults), in the order they were made."""


class Choices:
    """What was decided. With `played`, that is decided again, and 0 beyond its end."""

    def __init__(self, played: Taken | None = None) -> None:
        self.taken: dict[str, list[int]] = {}
        self._played = played

    def take(self, stream: str, options: int, draw: Callable[[], int]) -> int:
        """One of `options` (0 is the plain one), by `draw` unless it is played back."""
        taken = self.taken.get(stream)
        if taken is None:
            taken = self.taken[stream] = []
        if self._played is None:
            choice = draw()
        else:
            row = self._played.get(stream, ())
            # A shrunk run may offer fewer options where the recorded one had more.
            choice = row[len(taken)] % options if len(taken) < len(row) else 0
        taken.append(choice)
        return choice


def as_text(taken: Taken) -> str:
    """Only what is not plain, to be typed again: `tasks:4=1,17=2;reset:3=1`."""
    rows = (
        (stream, ",".join(f"{place}={choice}" for place, choice in enumerate(row) if choice))
        for stream, row in sorted(taken.items())
    )
    return ";".join(f"{stream}:{row}" for stream, row in rows if row)


def from_text(text: str) -> Taken:
    """What `as_text` wrote. Raises `ValueError` for anything else."""
    taken: dict[str, list[int]] = {}
    for part in filter(None, text.split(";")):
        stream, _, row = part.rpartition(":")
        pairs = [_PAIR.fullmatch(pair) for pair in row.split(",")]
        if not stream or None in pairs:
            msg = f"no choices: {part!r}; expected `stream:place=choice,...;...`"
            raise ValueError(msg)
        made = {int(pair[1]): int(pair[2]) for pair in pairs if pair is not None}
        choices = taken[stream] = [0] * (1 + max(made))
        for place, choice in made.items():
            choices[place] = choice
    return taken
