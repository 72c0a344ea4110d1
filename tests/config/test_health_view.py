"""What an operator reads of a shop that is well: the figures of each component, on its line."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from actors.operations.document import health_document
from actors.operations.messages import Measurement, Reported
from config.health_view import FIGURES, LANES, Seen, draw, lines
from tests.actors.operations.test_document import condition


def report(component: str, **figures: float) -> Reported:
    told = tuple(Measurement(name=name, value=value) for name, value in figures.items())
    return Reported(component=component, status="pass", output="", measurements=told)


def seen(*reports: Reported) -> Seen:
    return Seen(health_document(condition(reports=reports)))


def of(component: str, shown: Seen) -> list[str]:
    return [line for line in lines(shown) if line.startswith(f"pass {component}")]


@pytest.mark.parametrize(
    ("component", "figures", "said"),
    [
        ("ledger", {"imbalance_amount": 0.0, "transfers_total": 6.0}, "imbalance 0, transfers 6"),
        ("telegram.gateway", {"last_update_id": 512000021}, "last update id 512000021"),
        (
            "relay.batcher",
            {"active_batches": 2.0, "timers": 3.0, "oldest_batch_seconds": 61.0},
            "active batches 2, timers 3, oldest 1 min 1 s",
        ),
        (
            "relay.destination",
            {"listening": 0.0, "paused": 1.0, "pending_events": 4.0},
            "paused, pending 4",
        ),
        ("telegram.dispatcher", {"flood_waits_total": 7, "closed_chats": 1}, "flood waits 7"),
        (
            "webhooks.stripe",
            {"stored_total": 8.0, "last_event_age_seconds": 45.0},
            "stored 8, since the newest 45 s",
        ),
        ("database", {"batch_seconds": 0.0184}, "a batch takes 0.018 s"),
        ("nocodb.table", {"unheard_of_total": 3.0}, "pass nocodb.table"),
    ],
)
def test_figures_stand_behind_their_component(
    component: str, figures: dict[str, float], said: str
) -> None:
    (line,) = of(component, seen(report(component, **figures)))
    assert said in line


def test_each_lane_says_what_waits_for_how_long_and_what_may_leave() -> None:
    figures: dict[str, float] = {}
    for number, lane in enumerate(LANES):
        figures |= {
            f"{lane}_letters": number,
            f"{lane}_oldest_age_seconds": 2.5 * number,
            f"{lane}_tokens_left": 10 - number,
        }
    assert of("telegram.dispatcher", seen(report("telegram.dispatcher", **figures)))[1:] == [
        "pass telegram.dispatcher answer lane 0 queued, oldest 0 s, tokens left 10",
        "pass telegram.dispatcher notice lane 1 queued, oldest 2 s, tokens left 9",
        "pass telegram.dispatcher typing lane 2 queued, oldest 5 s, tokens left 8",
        "pass telegram.dispatcher bulk lane 3 queued, oldest 8 s, tokens left 7",
    ]


def test_a_terminal_shows_them_as_well() -> None:
    out = io.StringIO()
    shown = seen(report("ledger", imbalance_amount=4.99, transfers_total=6.0))
    draw(Console(file=out, force_terminal=True, width=120), shown)
    assert "imbalance 4.99, transfers 6" in out.getvalue()


def test_what_is_not_reported_is_not_shown() -> None:
    (line,) = of("orders", seen(report("orders", ungranted=1.0)))
    assert line.endswith("ungranted 1")
    assert "None" not in line
    assert FIGURES["orders"]
