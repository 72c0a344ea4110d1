"""A user may send much at once, and little for long; others do not notice."""

from __future__ import annotations

from actors.debounce.flood import (
    BURST_MESSAGES,
    FORGOTTEN_EACH,
    NOTICE_SECONDS,
    Flood,
)
from actors.kernel.ids import ChatId

ANNA, BOB = ChatId(1), ChatId(2)


def test_a_burst_passes_and_then_one_a_second() -> None:
    flood = Flood()
    assert [flood.takes(ANNA, 0.0) for _ in range(BURST_MESSAGES + 2)].count(True) == BURST_MESSAGES
    assert not flood.takes(ANNA, 0.5)
    assert flood.takes(ANNA, 1.0)
    assert not flood.takes(ANNA, 1.5)
    assert flood.takes(BOB, 1.5)


def test_who_rested_may_send_a_burst_again() -> None:
    flood = Flood()
    for _ in range(BURST_MESSAGES):
        flood.takes(ANNA, 0.0)
    again = [flood.takes(ANNA, 10_000.0) for _ in range(BURST_MESSAGES + 1)]
    assert again == [True] * BURST_MESSAGES + [False]


def test_a_clock_set_back_takes_nothing_away_and_gives_nothing() -> None:
    flood = Flood()
    for _ in range(BURST_MESSAGES):
        flood.takes(ANNA, 1_000.0)
    assert not flood.takes(ANNA, 0.0)
    assert flood.takes(ANNA, 1.0)


def test_one_notice_for_each_flood() -> None:
    flood = Flood()
    assert [flood.is_news(ANNA, at) for at in (0.0, 1.0, NOTICE_SECONDS - 1)] == [
        True,
        False,
        False,
    ]
    assert flood.is_news(BOB, 1.0)
    assert flood.is_news(ANNA, NOTICE_SECONDS)


def test_who_sends_nothing_is_forgotten() -> None:
    flood = Flood()
    for number in range(FORGOTTEN_EACH):
        flood.takes(ChatId(number), 0.0)
        flood.is_news(ChatId(number), 0.0)
    flood.takes(ChatId(-1), NOTICE_SECONDS)
    assert len(flood) == 1
    assert not flood._noticed
