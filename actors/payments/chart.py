"""The life of an order as people read it, made from its declaration."""

from __future__ import annotations

from actors.kernel.transitions import Chart
from actors.payments.life import ANY, INSIDE
from actors.payments.orders import ALIVE, ENDED, State

CHART = Chart(
    start=State.OPENING,
    states=((ANY, "any"), (ALIVE, "alive"), (ENDED, "ended")),
    events=((INSIDE, "anything else"),),
)
