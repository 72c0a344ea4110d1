"""The send limits of the Bots FAQ."""

from __future__ import annotations

from adapters.sandbox.telegram_limits import CHAT_BURST, SendLimits


def sent(limits: SendLimits, chats: list[int], at_seconds: float, *, paid: bool = False) -> int:
    """How many of the messages to these chats go through at that moment."""
    return [limits.spend(chat, at_seconds, paid=paid) for chat in chats].count(0)


def test_a_private_chat_takes_a_short_burst_then_one_a_second() -> None:
    limits = SendLimits()

    assert sent(limits, [7] * 10, 0) == CHAT_BURST
    assert [sent(limits, [7] * 3, second) for second in (1, 2, 3)] == [1, 1, 1]
    assert limits.violations == limits.by_chat[7] == 5 + 6


def test_a_group_takes_twenty_a_minute() -> None:
    limits = SendLimits()

    assert sent(limits, [-5] * 30, 0) == 20
    assert sent(limits, [-5] * 30, 60) == 20
    assert limits.spend(-5, 60, paid=False) == 3


def test_everybody_together_takes_thirty_a_second() -> None:
    limits = SendLimits()

    assert sent(limits, list(range(1, 101)), 0) == 30
    assert sent(limits, list(range(101, 201)), 1) == 30


def test_paid_broadcasts_have_a_lane_of_a_thousand_and_use_up_what_is_free() -> None:
    limits = SendLimits()

    assert sent(limits, list(range(1, 1101)), 0, paid=True) == 1000
    assert limits.billed == 970
    assert sent(limits, [2000], 0) == 0
    assert sent(limits, [2000], 1) == 1


def test_within_the_free_rate_nothing_is_billed() -> None:
    limits = SendLimits()

    assert sent(limits, list(range(1, 31)), 0, paid=True) == 30
    assert limits.billed == 0


def test_a_flood_wait_is_told_and_who_comes_early_is_counted() -> None:
    limits = SendLimits()
    limits.flood(7, 3.5, 10)

    assert limits.wait_seconds(7, 11) == 3
    assert limits.too_early == 0
    assert limits.wait_seconds(7, 13) == 1
    assert limits.too_early == 1
    assert limits.wait_seconds(8, 11) == 0
    assert limits.wait_seconds(7, 13.5) == 0


def test_the_next_messages_find_their_chats_flooded_wherever_they_go() -> None:
    limits = SendLimits()
    limits.flood_next(2, 5)

    assert [limits.wait_seconds(chat, 0) for chat in (7, 8, 9)] == [5, 5, 0]
    assert limits.wait_seconds(7, 4) == 1


def test_who_waits_as_told_gets_through() -> None:
    limits = SendLimits()
    now = 0.0
    for _ in range(50):
        while wait_seconds := limits.spend(-5, now, paid=False):
            now += wait_seconds
    assert now <= 30 * 3 + 3


def test_a_sender_exactly_on_time_is_no_violator() -> None:
    limits = SendLimits()
    sent(limits, [7] * CHAT_BURST, 0.1)

    assert sum(sent(limits, [7], 0.1 + second) for second in range(1, 200)) == 199


def test_a_clock_that_jumps_back_gives_nothing_away() -> None:
    limits = SendLimits()
    sent(limits, [7] * CHAT_BURST, 100)

    assert limits.spend(7, 50, paid=False) == 1
