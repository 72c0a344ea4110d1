"""The words of a broadcast's life: each guard and each change does what its name says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actors.broadcasts import rules
from actors.broadcasts.model import Audience, Broadcast, Content, Outcome
from actors.broadcasts.rules import Event, Occurrence
from actors.kernel.ids import BroadcastId

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
PLAIN = Broadcast(
    broadcast_id=BroadcastId(1),
    content=Content(text="Hi"),
    audience=Audience(),
    trouble="odd",
    created_at=NOON,
    starts_at=NOON,
)
HEARD = Occurrence(event=Event.RETRY, detail="why", content=Content(text="Bye"), again=2)


def test_guards_look_at_what_they_are_named_for() -> None:
    assert rules.held(replace(PLAIN, hold=True), HEARD, NOON)
    assert not rules.held(PLAIN, HEARD, NOON)
    assert rules.something_failed(PLAIN, HEARD, NOON)
    assert not rules.something_failed(PLAIN, replace(HEARD, again=0), NOON)


def test_changes_change_what_they_are_named_for() -> None:
    assert rules.note_why(PLAIN, HEARD, NOON) == replace(PLAIN, trouble="why")
    taken = rules.take_content(PLAIN, HEARD, NOON)
    assert taken == replace(PLAIN, content=Content(text="Bye"), trouble="")
    assert rules.take_content(PLAIN, replace(HEARD, content=None), NOON).content == PLAIN.content
    started = rules.note_start(PLAIN, HEARD, NOON)
    assert (started.started_at, rules.note_start(started, HEARD, LATER)) == (NOON, started)
    ended = rules.note_end(PLAIN, HEARD, LATER)
    assert ended.ended_at == LATER
    prepared = rules.note_prepared(replace(ended, again=(Outcome.UNKNOWN,)), HEARD, NOON)
    assert prepared == replace(ended, prepared=True)
    again = rules.begin_again(prepared, replace(HEARD, outcomes=(Outcome.FAILED,)), NOON)
    assert again == replace(PLAIN, again=(Outcome.FAILED,))
