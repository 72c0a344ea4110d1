"""What administrators see in their chat, and what their buttons say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.broadcasts.model import Audience, Broadcast, Content, Counts, Kind, Reach, State
from actors.broadcasts.panel import USAGE, bar, duration, press_of, refusal, view
from actors.kernel.ids import BroadcastId
from adapters.sandbox.telegram_html import parse

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEPT = Broadcast(
    broadcast_id=BroadcastId(3),
    content=Content(text="Hi"),
    audience=Audience(),
    created_at=NOON,
    starts_at=NOON,
)
RUNNING = replace(
    KEPT,
    state=State.RUNNING,
    started_at=NOON,
    counts=Counts(total=2_000, left_out=7, sent=480, blocked=15, failed=3, unknown=2),
)


def labels(broadcast: Broadcast) -> list[str]:
    return [button.text for row in view(broadcast)[1] for button in row]


def test_what_waits_shows_how_many_it_will_reach() -> None:
    text, keyboard = view(
        replace(KEPT, state=State.READY), reach=Reach(reachable=1_234, left_out=5)
    )
    assert text == "<b>Broadcast 3 waits for you</b>\n1,234 people will get it; 5 cannot be reached"
    assert [button.data for button in keyboard[0]] == ["b:resume:3", "b:cancel:3"]


def test_what_runs_shows_how_far_it_is_and_for_how_long() -> None:
    text, _ = view(RUNNING, per_second=25.0)
    plain, _entities = parse(text)
    assert plain.splitlines() == [
        "Broadcast 3 is under way",
        f"{chr(0x2588) * 5}{chr(0x2591) * 15} 25% (500 of 2,000)",
        "480 sent, 15 blocked the bot, 3 failed, 2 unknown, 7 left out",
        "25 a second, 60 s left",
    ]
    assert "a second" not in view(RUNNING, per_second=0.0)[0]
    assert "a second" not in view(replace(RUNNING, state=State.PAUSED), per_second=9.0)[0]
    assert "480 changed" in view(replace(RUNNING, kind=Kind.EDIT))[0]
    assert "480 deleted" in view(replace(RUNNING, kind=Kind.DELETE))[0]
    assert "nobody yet" in view(replace(RUNNING, counts=Counts(total=5)))[0]


def test_what_cannot_start_says_why() -> None:
    text, _ = view(replace(KEPT, state=State.DRAFT, trouble="can't parse <b>"))
    assert text.endswith("can&#x27;t parse &lt;b&gt;")


def test_there_is_a_button_for_what_can_be_done() -> None:
    pressable = {state: labels(replace(KEPT, state=state)) for state in State}
    assert pressable == {
        State.CHECKING: [], State.DRAFT: ["Cancel"], State.READY: ["Confirm", "Cancel"],
        State.SCHEDULED: ["Pause", "Cancel"], State.RUNNING: ["Pause", "Cancel"],
        State.PAUSED: ["Go on", "Cancel"], State.FINISHED: [], State.CANCELLED: [],
    }  # fmt: skip
    for state in State:
        for row in view(replace(KEPT, state=state))[1]:
            assert all(press_of(button.data) for button in row)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "b:",
        "b:fly:1",
        "p:pause:1",
        "b:pause:",
        "b:pause:-1",
        "b:pause:²",
        "b:pause:" + "9" * 20,
    ],
)
def test_any_other_button_is_none_of_ours(data: str) -> None:
    assert press_of(data) is None


def test_it_tells_what_is_being_asked_for() -> None:
    assert press_of("b:pause:12") == ("pause", 12)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (3_540, "59 min"),
        (3_600, "1 h 0 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_durations_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_texts_are_html() -> None:
    for text in (USAGE, refusal("{nme} is <b> & so"), bar(0, 0), bar(5, 5)):
        assert parse(text)
