"""Where a broadcast can go, and what is refused on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from actors.broadcasts.life import LIFE, step
from actors.broadcasts.model import (
    OPEN,
    OVER,
    UNSTARTED,
    Audience,
    Broadcast,
    Content,
    Outcome,
    State,
)
from actors.broadcasts.rules import Effect, Event, Occurrence, Remark
from actors.kernel.ids import BroadcastId

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
PLAIN = Broadcast(
    broadcast_id=BroadcastId(1),
    content=Content(text="Hi"),
    audience=Audience(),
    created_at=NOON,
    starts_at=NOON,
)
S, E = State, Event


def course(*events: Event, hold: bool = False, again: int = 0) -> Broadcast:
    broadcast = replace(PLAIN, hold=hold)
    for event in events:
        heard = Occurrence(event=event, again=again, detail=f"{event}!")
        taken = step(broadcast, heard, now=LATER)
        assert taken.refused is None, taken
        broadcast = taken.broadcast
    return broadcast


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((E.ACCEPTED,), S.SCHEDULED),
        ((E.REFUSED,), S.DRAFT),
        ((E.REFUSED, E.EDIT), S.CHECKING),
        ((E.ACCEPTED, E.PAUSE), S.READY),
        ((E.ACCEPTED, E.PAUSE, E.RESUME), S.SCHEDULED),
        ((E.ACCEPTED, E.EDIT), S.CHECKING),
        ((E.ACCEPTED, E.STARTED), S.RUNNING),
        ((E.ACCEPTED, E.EMPTY), S.DRAFT),
        ((E.ACCEPTED, E.STARTED, E.PAUSE), S.PAUSED),
        ((E.ACCEPTED, E.STARTED, E.PAUSE, E.RESUME), S.RUNNING),
        ((E.ACCEPTED, E.STARTED, E.EXHAUSTED), S.FINISHED),
        ((E.ACCEPTED, E.STARTED, E.PAUSE, E.CANCEL), S.CANCELLED),
        ((E.CANCEL,), S.CANCELLED),
        ((E.ACCEPTED, E.STARTED, E.DELETE), S.DELETED),
        ((E.ACCEPTED, E.STARTED, E.PAUSE, E.DELETE), S.DELETED),
        ((E.ACCEPTED, E.STARTED, E.EXHAUSTED, E.DELETE), S.DELETED),
    ],
)
def test_it_goes(events: tuple[Event, ...], state: State) -> None:
    assert course(*events).state is state


def test_held_it_waits_for_a_word() -> None:
    assert course(E.ACCEPTED, hold=True).state is S.READY
    assert course(E.ACCEPTED, E.RESUME, hold=True).state is S.SCHEDULED


def test_it_remembers_when_it_ran_and_what_is_wrong_with_it() -> None:
    assert course(E.REFUSED).trouble == "refused!"
    assert course(E.REFUSED, E.EDIT).trouble == ""
    assert course(E.ACCEPTED, E.STARTED).started_at == LATER
    over = course(E.ACCEPTED, E.STARTED, E.EXHAUSTED)
    assert (over.ended_at, course(E.CANCEL).ended_at) == (LATER, LATER)
    again = step(over, Occurrence(event=E.RETRY, again=1), now=LATER + timedelta(hours=1))
    assert (again.broadcast.state, again.broadcast.ended_at) == (S.RUNNING, None)


@pytest.mark.parametrize("state", UNSTARTED)
def test_what_was_not_sent_cannot_be_deleted(state: State) -> None:
    taken = step(replace(PLAIN, state=state), Occurrence(event=E.DELETE), now=LATER)
    assert taken.refused is Remark.NOT_STARTED


def test_whoever_is_tried_again_is_written_down_before_anybody_is_told() -> None:
    running = course(E.ACCEPTED, E.STARTED)
    assert running.preparing
    assert step(running, Occurrence(event=E.PAUSE), now=LATER).broadcast.preparing
    over = course(E.ACCEPTED, E.STARTED, E.PREPARED, E.EXHAUSTED)
    assert (over.prepared, over.preparing) == (True, False)
    heard = Occurrence(event=E.RETRY, again=1, outcomes=(Outcome.FAILED,))
    again = step(over, heard, now=LATER).broadcast
    assert (again.preparing, again.again) == (True, (Outcome.FAILED,))
    ready = step(again, Occurrence(event=E.PREPARED), now=LATER).broadcast
    assert (ready.state, ready.preparing, ready.again) == (S.RUNNING, False, ())


def test_other_content_is_shown_to_the_administrators_again() -> None:
    content = Content(text="Bye")
    taken = step(course(E.REFUSED), Occurrence(event=E.EDIT, content=content), now=LATER)
    assert (taken.broadcast.content, taken.effect) == (content, Effect.CHECK)


REFUSALS = {
    E.PAUSE: ({S.SCHEDULED, S.RUNNING}, Remark.NOT_UNDER_WAY),
    E.RESUME: ({S.READY, S.PAUSED}, Remark.NOT_WAITING),
    E.CANCEL: (set(OPEN), Remark.IS_OVER),
    E.EDIT: (set(UNSTARTED), Remark.HAS_STARTED),
}


@pytest.mark.parametrize(("event", "state"), [*product(REFUSALS, State)])
def test_what_cannot_be_is_refused_and_changes_nothing(event: Event, state: State) -> None:
    where, remark = REFUSALS[event]
    if state is S.DELETED:
        remark = Remark.IS_DELETED
    elif event is E.RESUME and state in OVER:
        remark = Remark.IS_OVER
    before = replace(PLAIN, state=state)
    taken = step(before, Occurrence(event=event), now=LATER)
    if state in where:
        assert taken.refused is None
    else:
        assert (taken.refused, taken.broadcast) == (remark, before)


@pytest.mark.parametrize("state", State)
def test_only_what_failed_in_a_finished_one_is_tried_again(state: State) -> None:
    before = replace(PLAIN, state=state)
    some = step(before, Occurrence(event=E.RETRY, again=1), now=LATER)
    none = step(before, Occurrence(event=E.RETRY, again=0), now=LATER)
    if state is S.FINISHED:
        assert (some.refused, none.refused) == (None, Remark.NOTHING_FAILED)
    else:
        never = {S.DELETED: Remark.IS_DELETED, S.CANCELLED: Remark.IS_CANCELLED}
        remark = never.get(state, Remark.NOT_FINISHED)
        assert some.refused is none.refused is remark


@pytest.mark.parametrize("event", Event)
def test_there_is_a_row_for_everything(event: Event) -> None:
    for state in State:
        step(replace(PLAIN, state=state), Occurrence(event=event), now=LATER)


def test_news_that_come_too_late_change_nothing() -> None:
    for state in (S.CANCELLED, S.FINISHED, S.PAUSED):
        for event in (E.ACCEPTED, E.REFUSED, E.STARTED, E.EMPTY, E.PREPARED, E.EXHAUSTED):
            before = replace(PLAIN, state=state, prepared=True)
            assert step(before, Occurrence(event=event), now=LATER).broadcast == before
    assert len(LIFE) == len(set(LIFE))
