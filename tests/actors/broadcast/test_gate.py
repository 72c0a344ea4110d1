"""One way for everybody: shut by trouble, opened by proof."""

from __future__ import annotations

from actors.broadcast.gate import (
    FAILURE_PAUSE_FIRST_SECONDS,
    FAILURE_PAUSE_MAX_SECONDS,
    PAUSE_FIRST_SECONDS,
    Gate,
)
from actors.broadcast.tokens import ticks


def test_an_open_gate_lets_any_number_through() -> None:
    assert Gate().due(open_requests=7) == 0


def test_a_flood_wait_shuts_the_way_for_its_whole_time() -> None:
    gate = Gate()
    gate.flooded(1, ticks(10), latest=1, wait_seconds=5)
    due = gate.due(open_requests=0)
    assert due == ticks(15) + 1
    assert gate.shut_seconds(ticks(10)) == 5.000001
    assert gate.shut_seconds(ticks(60)) == 0.0


def test_a_long_flood_wait_is_tried_by_one_letter_after_a_while_and_then_less_often() -> None:
    gate, now = Gate(), 0
    for number, pause in enumerate((1, 2, 4, 8, 16), start=1):
        gate.flooded(number, now, latest=number, wait_seconds=10_072)
        due = gate.due(open_requests=0)
        assert due == now + ticks(pause * PAUSE_FIRST_SECONDS) + 1
        assert gate.due(open_requests=1) is None
        now = due
    assert gate.troubles == 5


def test_deadlines_are_merged_by_maximum_and_never_shortened() -> None:
    """python-telegram-bot/python-telegram-bot issue 5338."""
    gate = Gate()
    gate.flooded(3, 0, latest=8, wait_seconds=20)
    gate.flooded(4, 0, latest=8, wait_seconds=2)
    gate.passed(5)
    gate.failed(6, 0, latest=8, wait_seconds=0)
    gate.passed(9)
    assert gate.due(open_requests=0) == ticks(20) + 1


def test_what_was_under_way_together_counts_as_one_trouble() -> None:
    gate = Gate()
    for number in range(1, 9):
        gate.flooded(number, 0, latest=8, wait_seconds=1)
    assert gate.troubles == 1
    gate.flooded(9, 0, latest=9, wait_seconds=1)
    assert gate.troubles == 2


def test_only_a_letter_that_started_after_the_trouble_proves_it_over() -> None:
    """python-telegram-bot/python-telegram-bot issue 5338."""
    gate = Gate()
    gate.flooded(1, 0, latest=3, wait_seconds=1)
    gate.passed(2)
    gate.passed(3)
    assert gate.due(open_requests=1) is None
    gate.passed(4)
    assert gate.due(open_requests=1) is not None


def test_a_single_broken_connection_costs_no_time() -> None:
    gate = Gate()
    gate.failed(1, 0, latest=4, wait_seconds=0)
    assert gate.due(open_requests=0) == 1
    assert gate.due(open_requests=1) is None


def test_a_network_that_stays_away_is_asked_less_and_less_often() -> None:
    gate, pauses = Gate(), []
    for number in range(1, 12):
        now = gate.shut_until
        gate.failed(number, now, latest=number, wait_seconds=0)
        pauses.append(round(gate.shut_seconds(now), 3))
    assert pauses[:5] == [0, FAILURE_PAUSE_FIRST_SECONDS, 1.0, 2.0, 4.0]
    assert pauses[-1] == FAILURE_PAUSE_MAX_SECONDS


def test_the_other_side_may_ask_for_more_time_within_bounds() -> None:
    gate = Gate()
    gate.failed(1, 0, latest=1, wait_seconds=7)
    assert gate.shut_until == ticks(7) + 1
    gate.failed(2, 0, latest=2, wait_seconds=86_400)
    assert gate.shut_until == ticks(FAILURE_PAUSE_MAX_SECONDS) + 1
