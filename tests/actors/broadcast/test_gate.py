"""Two ways with a gate each: shut by trouble, opened by proof."""

from __future__ import annotations

from actors.broadcast.buckets import ticks
from actors.broadcast.gate import (
    CAREFUL,
    FAILURE_PAUSE_FIRST_SECONDS,
    FAILURE_PAUSE_MAX_SECONDS,
    PAUSE_FIRST_SECONDS,
    Gate,
)
from actors.kernel.ids import ChatId

ANNA, BORIS, CLARA = ChatId(1), ChatId(2), ChatId(3)


def flood(
    gate: Gate,
    started: int,
    chat_id: ChatId = ANNA,
    *,
    latest: int | None = None,
    seconds: float = 5,
    at: float = 0,
) -> None:
    """The delivery of that number is told to wait; it is the newest, unless `latest` says more."""
    newest = started if latest is None else latest
    gate.flooded(chat_id, started, ticks(at), latest=newest, wait_seconds=seconds)


def test_an_open_gate_lets_any_number_through() -> None:
    assert Gate().due(newest_open=7) == 0


def test_one_flooded_chat_shuts_nobody_elses_way_however_often_it_is() -> None:
    gate = Gate()
    for number in (1, 2, 3):
        flood(gate, number, seconds=10_072, at=number)
    assert (gate.due(newest_open=7), gate.troubles) == (0, 0)


def test_two_flooded_chats_with_no_success_between_them_shut_it() -> None:
    gate = Gate()
    flood(gate, 1, ANNA, seconds=20)
    flood(gate, 2, BORIS, seconds=5, at=10)
    assert gate.due(newest_open=0) == ticks(15) + 1
    assert gate.troubles == 1


def test_a_success_that_started_after_the_first_flood_says_that_it_was_that_chat() -> None:
    gate = Gate()
    flood(gate, 1, ANNA, latest=3, seconds=20)
    gate.passed(4)
    flood(gate, 5, BORIS)
    assert gate.troubles == 0


def test_a_success_that_was_under_way_says_nothing() -> None:
    gate = Gate()
    flood(gate, 1, ANNA, latest=3, seconds=20)
    gate.passed(3)
    flood(gate, 5, BORIS)
    assert gate.troubles == 1


def test_a_flood_that_is_over_does_not_count_with_a_later_one() -> None:
    gate = Gate()
    flood(gate, 1, ANNA, seconds=5)
    flood(gate, 2, BORIS, seconds=5, at=6)
    assert gate.troubles == 0


def test_while_the_bot_is_flooded_the_flood_of_any_chat_is_trouble() -> None:
    gate = Gate()
    flood(gate, 1, ANNA)
    flood(gate, 2, BORIS)
    flood(gate, 3, CLARA, at=6)
    assert (gate.is_flooded, gate.troubles) == (True, 2)
    gate.passed(4)
    flood(gate, 5, ANNA, at=20)
    assert (gate.is_flooded, gate.troubles) == (False, 0)


def test_a_network_that_failed_makes_no_flooded_bot_of_one_flooded_chat() -> None:
    gate = Gate()
    gate.failed(1, 0, latest=1, wait_seconds=0)
    flood(gate, 2, ANNA, seconds=100)
    assert (gate.is_flooded, gate.due(newest_open=0)) == (False, 1)
    assert gate.due(newest_open=3) is None, "one letter still finds out alone"
    flood(gate, 3, BORIS, seconds=100)
    assert gate.is_flooded


def test_the_bulk_lane_is_shut_by_any_flood_for_all_of_its_time() -> None:
    gate = Gate(CAREFUL)
    flood(gate, 1, seconds=10_072)
    assert gate.due(newest_open=0) == ticks(10_072) + 1
    assert gate.due(newest_open=2) is None
    flood(gate, 2, seconds=10_072, at=20_000)
    assert gate.due(newest_open=0) == ticks(30_072) + 1


def test_what_a_predecessor_was_told_is_obeyed_and_then_tried_by_one_letter() -> None:
    gate = Gate(CAREFUL)
    gate.remain_shut(ticks(20))
    gate.remain_shut(ticks(5))
    assert gate.due(newest_open=0) == ticks(20)
    assert gate.due(newest_open=1) is None
    gate.passed(1)
    assert gate.due(newest_open=2) == ticks(20)


def test_a_flood_wait_shuts_the_way_for_its_whole_time() -> None:
    gate = Gate(CAREFUL)
    flood(gate, 1, at=10)
    assert gate.due(newest_open=0) == ticks(15) + 1
    assert gate.shut_seconds(ticks(10)) == 5.000001
    assert gate.shut_seconds(ticks(60)) == 0.0


def test_a_long_flood_wait_is_tried_by_one_letter_after_a_while_and_then_less_often() -> None:
    gate, now = Gate(), 0
    gate.flooded(ANNA, 1, now, latest=1, wait_seconds=10_072)
    for number, pause in enumerate((1, 2, 4, 8, 16), start=2):
        gate.flooded(ChatId(number), number, now, latest=number, wait_seconds=10_072)
        due = gate.due(newest_open=0)
        assert due == now + ticks(pause * PAUSE_FIRST_SECONDS) + 1
        assert gate.due(newest_open=number + 1) is None
        now = due
    assert gate.troubles == 5


def test_deadlines_are_merged_by_maximum_and_never_shortened() -> None:
    """python-telegram-bot/python-telegram-bot issue 5338."""
    gate = Gate(CAREFUL)
    flood(gate, 3, latest=8, seconds=20)
    flood(gate, 4, latest=8, seconds=2)
    gate.passed(5)
    gate.failed(6, 0, latest=8, wait_seconds=0)
    gate.passed(9)
    flood(gate, 10, seconds=2)
    assert gate.due(newest_open=0) == ticks(20) + 1


def test_what_was_under_way_together_counts_as_one_trouble() -> None:
    gate = Gate(CAREFUL)
    for number in range(1, 9):
        flood(gate, number, latest=8)
    assert gate.troubles == 1
    flood(gate, 9)
    assert gate.troubles == 2


def test_only_a_letter_that_started_after_the_trouble_proves_it_over() -> None:
    """python-telegram-bot/python-telegram-bot issue 5338."""
    gate = Gate(CAREFUL)
    flood(gate, 1, latest=3)
    gate.passed(2)
    gate.passed(3)
    assert gate.due(newest_open=4) is None
    gate.passed(4)
    assert gate.due(newest_open=5) is not None


def test_what_was_under_way_already_neither_holds_up_the_probe_nor_lets_a_second_one_go() -> None:
    gate = Gate()
    gate.failed(1, 0, latest=3, wait_seconds=0)
    assert gate.due(newest_open=3) is not None
    gate.failed(2, 0, latest=4, wait_seconds=0)
    assert gate.due(newest_open=4) is None
    gate.passed(4)
    assert gate.troubles == 0


def test_a_single_broken_connection_costs_no_time() -> None:
    gate = Gate()
    gate.failed(1, 0, latest=4, wait_seconds=0)
    assert gate.due(newest_open=0) == 1
    assert gate.due(newest_open=5) is None


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
