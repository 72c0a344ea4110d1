"""How the broadcasts are, for those who watch. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actors.broadcasts.model import FINAL, Broadcast, Outcome, State
from actors.broadcasts.running import Pass
from actors.kernel.ids import BroadcastId
from actors.operations.messages import Measurement, Reported

COMPONENT = "broadcasts"

STANDSTILL_SECONDS = 300.0
"""A pass of which nobody has had an outcome for so long is worth a look."""


@dataclass(slots=True)
class Totals:
    """What happened since the start; only ever grows."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)


def reported(
    kept: Mapping[BroadcastId, Broadcast],
    passes: Mapping[BroadcastId, Pass],
    totals: Totals,
    *,
    now: float,
    paid: bool = True,
    put_off: Sequence[str] = (),
) -> Reported:
    """The figures, and which broadcast a person should look at; `put_off` says so of some."""
    still = [
        f"broadcast {broadcast_id} makes no progress: is Telegram there, is the lane shut?"
        for broadcast_id, running in passes.items()
        if now - running.moved_at >= STANDSTILL_SECONDS
    ]
    drafts = [
        f"broadcast {each.broadcast_id} cannot start, edit or cancel it: {each.trouble}"
        for each in kept.values()
        if each.state is State.DRAFT
    ]
    unpaid = [
        f"broadcast {broadcast_id} goes at the free rate: set BROADCAST_PAID_PER_SECOND and "
        "BROADCAST_STARS_BUDGET to have it billed"
        for broadcast_id, running in passes.items()
        if running.broadcast.paid and not paid
    ]
    states = Counter(each.state for each in kept.values())
    figures = {
        "running": len(passes),
        "scheduled": states[State.SCHEDULED],
        "paused": states[State.PAUSED],
        "preparing": sum(each.preparing for each in kept.values()),
        "waiting": states[State.READY] + states[State.CHECKING] + states[State.DRAFT],
        "letters_out": sum(each.out for each in passes.values()),
        "recipients_pending": sum(
            each.counts.pending
            for each in kept.values()
            if each.state in {State.RUNNING, State.PAUSED}
        ),
        "per_second": sum(each.per_second(now=now) for each in passes.values()),
    }
    figures |= {f"{outcome.value}_total": totals.outcomes[outcome] for outcome in FINAL}
    return Reported(
        component=COMPONENT,
        status="warn" if still or drafts or unpaid or put_off else "pass",
        output="; ".join([*still, *drafts, *unpaid, *put_off]),
        measurements=tuple(
            Measurement(name=name, value=float(value)) for name, value in figures.items()
        ),
    )
