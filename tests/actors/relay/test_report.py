"""Those who watch are told what a person can do."""

from __future__ import annotations

import pytest

from actors.kernel.ids import ChatId
from actors.relay.gate import FAILURES_MAX, Gate
from actors.relay.model import Counts, Failed, Gone, Outcome, Throttled
from actors.relay.report import BEHIND_SECONDS, COMPONENT, STATES, reported

NOTHING = Counts(pending=0, parked=0, pending_since=None)


def gate_after(*outcomes: Outcome, users: int = 2) -> Gate:
    gate = Gate()
    for number, outcome in enumerate(outcomes):
        chat_id = ChatId(number % users)
        gate.ended(gate.began(0.0), outcome, 0.0, chat_id=chat_id, jitter=0.0)
    return gate


def test_all_is_well() -> None:
    told = reported(Gate(), NOTHING, {"delivered_total": 7}, oldest_seconds=0.0)
    assert (told.component, told.status, told.output) == (COMPONENT, "pass", "")
    assert {m.name: m.value for m in told.measurements} == {
        "delivered_total": 7,
        "pending_events": 0,
        "parked_events": 0,
        "oldest_event_seconds": 0,
        "listening": 1,
        "resting": 0,
        "broken": 0,
        "paused": 0,
    }


@pytest.mark.parametrize(
    ("gate", "counts", "oldest_seconds", "status", "word"),
    [
        (gate_after(Gone("HTTP 410")), NOTHING, 0.0, "fail", "HTTP 410"),
        (gate_after(*[Failed("HTTP 503")] * FAILURES_MAX), NOTHING, 0.0, "warn", "HTTP 503"),
        (gate_after(*[Failed("x")] * FAILURES_MAX, users=1), NOTHING, 0.0, "warn", "one user"),
        (gate_after(Throttled()), NOTHING, 0.0, "warn", "rest"),
        (Gate(), Counts(pending=0, parked=2, pending_since=None), 0.0, "warn", "2 events were"),
        (Gate(), Counts(pending=0, parked=1, pending_since=None), 0.0, "warn", "1 event was"),
        (Gate(), Counts(pending=0, parked=1, pending_since=None), 0.0, "warn", "events?state=park"),
        (Gate(), NOTHING, BEHIND_SECONDS + 1, "warn", "late"),
        (gate_after(Failed("once")), NOTHING, 0.0, "pass", ""),
    ],
)
def test_what_is_wrong_is_said(
    gate: Gate, counts: Counts, oldest_seconds: float, status: str, word: str
) -> None:
    told = reported(gate, counts, {}, oldest_seconds=oldest_seconds)
    states = [m.name for m in told.measurements if m.name in STATES and m.value]
    assert states == [gate.state]
    assert told.status == status
    assert word in told.output
