"""How the destination fares, in the words of those who watch. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from actors.kernel.wording import several
from actors.operations import messages as operations
from actors.relay.gate import Gate, State
from actors.relay.model import Counts

COMPONENT = "relay.destination"
BEHIND_SECONDS = 300.0
STATES: tuple[State, ...] = get_args(State)
"""One figure each, of which one is 1."""


def reported(
    gate: Gate, counts: Counts, figures: Mapping[str, float], *, oldest_seconds: float
) -> operations.Reported:
    """The report; `figures` are added to what the outbox counts."""
    status, output = _condition(gate, counts, oldest_seconds)
    every: dict[str, float] = {
        **figures,
        "pending_events": counts.pending,
        "parked_events": counts.parked,
        "oldest_event_seconds": oldest_seconds,
        **{state: gate.state == state for state in STATES},
    }
    return operations.Reported(
        component=COMPONENT,
        status=status,
        output=output,
        measurements=tuple(
            operations.Measurement(name=name, value=float(value)) for name, value in every.items()
        ),
    )


def _condition(gate: Gate, counts: Counts, oldest_seconds: float) -> tuple[operations.Status, str]:
    match gate.state:
        case "paused":
            told = "nobody listens to what users write: switch the scenario on, then resume"
            return "fail", f"{told}; {gate.detail}"
        case "broken":
            return "warn", f"the webhook fails, and is tried again in a while: {gate.detail}"
        case "resting":
            return "warn", f"the webhook gets a rest: {gate.detail}"
        case "listening" if gate.is_failing:
            return "warn", f"the webhook fails, so far for one user alone: {gate.detail}"
        case "listening" if counts.parked:
            refused = several(counts.parked, "event was refused", "events were refused")
            where = "GET /v1/admin/relay/events?state=parked tells why (docs/relay.md)"
            return "warn", f"{refused}: {where}; mend it, then replay"
        case "listening" if oldest_seconds > BEHIND_SECONDS:
            return "warn", "events arrive late: does the webhook take long, or fail often?"
        case _:
            return "pass", ""
