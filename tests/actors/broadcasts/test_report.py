"""How broadcasts are: figures, and which one a person should look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from actors.broadcasts.model import Audience, Broadcast, Content, Counts, Outcome, State
from actors.broadcasts.report import STANDSTILL_SECONDS, Totals, reported
from actors.broadcasts.running import Pass
from actors.kernel.ids import BroadcastId, ChatId

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEPT = Broadcast(
    broadcast_id=BroadcastId(1),
    content=Content(text="Hi"),
    audience=Audience(),
    created_at=NOON,
    starts_at=NOON,
)


def test_the_figures_are_told() -> None:
    states = (State.RUNNING, State.SCHEDULED, State.PAUSED, State.READY, State.CHECKING)
    kept = {
        BroadcastId(number): replace(KEPT, broadcast_id=BroadcastId(number), state=state)
        for number, state in enumerate(states, 1)
    }
    kept[BroadcastId(3)] = replace(kept[BroadcastId(3)], counts=Counts(total=500, sent=2))
    kept[BroadcastId(1)] = replace(
        kept[BroadcastId(1)], counts=Counts(total=10, sent=4), prepared=True
    )
    running = Pass(kept[BroadcastId(1)], now=0.0)
    running.heard(ChatId(1), now=1.0, done=True)
    totals = Totals()
    totals.outcomes[Outcome.SENT] += 4
    told = reported(kept, {BroadcastId(1): running}, totals, now=2.0)
    assert (told.component, told.status, told.output) == ("broadcasts", "pass", "")
    assert {each.name: each.value for each in told.measurements} == {
        "running": 1, "scheduled": 1, "paused": 1, "preparing": 1, "waiting": 2, "letters_out": 0,
        "recipients_pending": 504, "per_second": 0.5, "sent_total": 4, "blocked_total": 0,
        "failed_total": 0, "unknown_total": 0,
    }  # fmt: skip


def test_what_is_to_be_paid_and_cannot_be_is_worth_a_look() -> None:
    running = Pass(replace(KEPT, state=State.RUNNING, paid=True), now=0.0)
    for paid, status in ((True, "pass"), (False, "warn")):
        told = reported({}, {BroadcastId(1): running}, Totals(), now=1.0, paid=paid)
        assert (told.status, "BROADCAST_STARS_BUDGET" in told.output) == (status, not paid)


def test_what_cannot_start_or_stands_still_is_worth_a_look() -> None:
    draft = replace(KEPT, state=State.DRAFT, trouble="can't parse")
    told = reported({BroadcastId(1): draft}, {}, Totals(), now=0.0)
    assert (told.status, told.output) == (
        "warn", "broadcast 1 cannot start, edit or cancel it: can't parse",
    )  # fmt: skip
    running = Pass(replace(KEPT, state=State.RUNNING), now=0.0)
    for now, status in ((STANDSTILL_SECONDS - 1, "pass"), (STANDSTILL_SECONDS, "warn")):
        assert reported({}, {BroadcastId(1): running}, Totals(), now=now).status == status
