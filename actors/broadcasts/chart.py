"""The life of a broadcast as people read it, made from its declaration."""

from __future__ import annotations

from actors.broadcasts.life import ANY, INSIDE
from actors.broadcasts.model import OPEN, UNSTARTED, State
from actors.kernel.transitions import Chart

CHART = Chart(
    start=State.CHECKING,
    states=((ANY, "any"), (OPEN, "open"), (UNSTARTED, "unstarted")),
    events=((INSIDE, "anything else"),),
)
