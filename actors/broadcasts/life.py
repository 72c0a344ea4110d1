"""The life of a broadcast, declared: from which state what leads where. Pure.

`LIFE` is read from top to bottom: the first row that names the state and the event, and whose
guard holds, is taken. `step` is the only place where a broadcast moves, but for a pass that had
finished and has somebody more to tell (`ports.Broadcasts.settle`). docs/broadcasts.md shows the
same rows as a table and as a graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from actors.broadcasts.model import OPEN, OVER, UNSTARTED, Broadcast, State
from actors.broadcasts.rules import (
    Effect,
    Event,
    Occurrence,
    Remark,
    begin_again,
    held,
    note_end,
    note_prepared,
    note_start,
    note_why,
    something_failed,
    take_choice,
    take_content,
)
from actors.kernel import transitions

Transition = transitions.Transition[
    State, Event, Broadcast, Effect, Remark, [Broadcast, Occurrence, datetime]
]
"""One row of the life."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where an occurrence led, and what follows; or why it leads nowhere."""

    broadcast: Broadcast
    effect: Effect | None = None
    refused: Remark | None = None


S, E = State, Event
ANY = tuple(State)
ASKED = (E.PAUSE, E.RESUME, E.CANCEL, E.RETRY, E.EDIT, E.CHOOSE, E.DELETE)
INSIDE = (E.ACCEPTED, E.REFUSED, E.STARTED, E.EMPTY, E.PREPARED, E.EXHAUSTED)

_row = Transition.of

LIFE: tuple[Transition, ...] = (
    # it is shown to the administrators first
    _row(S.CHECKING, E.ACCEPTED, S.READY, when=held),
    _row(S.CHECKING, E.ACCEPTED, S.SCHEDULED),
    _row(S.CHECKING, E.REFUSED, S.DRAFT, does=note_why),
    _row(UNSTARTED, E.EDIT, S.CHECKING, does=take_content, effect=Effect.CHECK),
    _row(S.READY, E.CHOOSE, does=take_choice),
    # it begins
    _row(S.READY, E.RESUME, S.SCHEDULED),
    _row(S.SCHEDULED, E.PAUSE, S.READY),
    _row(S.SCHEDULED, E.STARTED, S.RUNNING, does=note_start),
    _row(S.SCHEDULED, E.EMPTY, S.DRAFT, does=note_why),
    # it goes on
    _row((S.RUNNING, S.PAUSED), E.PREPARED, does=note_prepared),
    _row(S.RUNNING, E.PAUSE, S.PAUSED),
    _row(S.PAUSED, E.RESUME, S.RUNNING),
    # it ends
    _row(S.RUNNING, E.EXHAUSTED, S.FINISHED, does=note_end),
    _row(OPEN, E.CANCEL, S.CANCELLED, does=note_end),
    _row(S.FINISHED, E.RETRY, S.RUNNING, when=something_failed, does=begin_again),
    _row((S.RUNNING, S.PAUSED, S.FINISHED, S.CANCELLED), E.DELETE, S.DELETED, does=note_end),
    # what cannot be
    _row(S.DELETED, ASKED, says=Remark.IS_DELETED),
    _row(ANY, E.DELETE, says=Remark.NOT_STARTED),
    _row(ANY, E.PAUSE, says=Remark.NOT_UNDER_WAY),
    _row(OVER, E.RESUME, says=Remark.IS_OVER),
    _row(ANY, E.RESUME, says=Remark.NOT_WAITING),
    _row(ANY, E.CANCEL, says=Remark.IS_OVER),
    _row(S.FINISHED, E.RETRY, says=Remark.NOTHING_FAILED),
    _row(S.CANCELLED, E.RETRY, says=Remark.IS_CANCELLED),
    _row(ANY, E.RETRY, says=Remark.NOT_FINISHED),
    _row(ANY, E.EDIT, says=Remark.HAS_STARTED),
    _row(ANY, E.CHOOSE, says=Remark.NOT_WAITING),
    _row(ANY, INSIDE),
)


def step(broadcast: Broadcast, heard: Occurrence, *, now: datetime) -> Step:
    """Where `heard` leads the broadcast."""
    row = transitions.first(LIFE, broadcast.state, heard.event, broadcast, heard, now)
    after = broadcast if row.does is None else row.does(broadcast, heard, now)
    return Step(replace(after, state=row.to or after.state), row.effect, row.says)
