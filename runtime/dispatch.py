"""In which order ready actors get their turns, and how long a turn is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.cell import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """How the worker pool goes about its work; the defaults are production's.

    A simulation takes one message a turn and one turn a step, and chooses whose.
    """

    turn_messages_max: int = 64
    """Messages of one actor before the next one has its turn."""
    lead_turns_max: int = 256
    """Turns before trio's other tasks get a look in, where the stopwatch stands still."""
    ready: Callable[[], deque[Cell]] = deque
    """Makes the queue of ready actors; its `popleft` may choose another than the first."""
    helps: bool = True
    """Whoever awaits an answer may run the turn that gives it himself."""


DEFAULT_DISPATCH = Dispatch()
