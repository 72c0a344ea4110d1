"""What a run did that a plain one would not have done, in words: after `shrink`, the cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runtime.testing.scheduler import ACTORS, told_of
from runtime.testing.simulation import Plan, Scenario, Simulation

ORDINARY = re.compile(
    r"step |actor |failure: |heal\b|\S+->\S+ (\d+ bytes|closed)|\S+ listens on |\S+ connected$"
)
"""Lines of a trace that tell nothing by themselves; all others were noted for a reason."""
TIMED = len(f"{0.0:12.6f}  ")
"""What stands in front of a line: the virtual second."""


def explain(scenario: Scenario, plan: Plan) -> list[str]:
    """Run `plan`; who overtook whom at which choice, and what was noted, with its second.

    A choice that is not plain let somebody go before others who had waited longer. Noted are
    faults, crashes, and whatever the scenario says.
    """
    simulation = Simulation(plan, keep=None)
    overtakings: dict[int, list[str]] = {}

    def heard(stream: str, candidates: Sequence[Any], index: int) -> None:
        name = _actor if stream == ACTORS else simulation.label
        went, passed = name(candidates[index]), [name(other) for other in candidates[:index]]
        more = f" and {len(passed) - 1} more" if len(passed) > 1 else ""
        place = len(simulation.choices.taken[stream]) - 1
        line = f"{went} overtook {passed[0]}{more} (choice {stream}:{place}={index})"
        second = f"{simulation.monotonic():12.6f}"
        overtakings.setdefault(simulation.trace.steps, []).append(f"{second}  {line}")

    simulation.scheduler.heard = heard
    events = simulation.run(scenario).events
    lines: list[str] = []
    for step, event in enumerate(events):
        lines += overtakings.get(step, [])
        if ORDINARY.match(event, TIMED) is None:
            lines.append(event)
    return lines


def _actor(cell: Any) -> str:
    return f"actor {cell.path} ({told_of(cell)})"
