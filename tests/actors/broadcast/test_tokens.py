"""The limits of Telegram, against counters that share no code with the tokens."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast.tokens import (
    CHATS_SWEPT_AT_LEAST,
    TICKS_PER_SECOND,
    Limits,
    Pace,
    Tokens,
    Window,
    span,
    ticks,
)
from actors.kernel.ids import ChatId
from tests.actors.broadcast.post import most_within

USER = ChatId(7)
GROUP = ChatId(-7)


def test_a_moment_counts_as_reached_only_when_it_is() -> None:
    assert ticks(0.000_001_9) == 1
    assert span(0.000_001_1) == 2
    assert ticks(3.0) == span(3.0) == 3 * TICKS_PER_SECOND


@pytest.mark.parametrize("name", list(Limits.__slots__))
def test_a_limit_below_one_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})


def test_a_pace_lets_a_burst_through_and_then_one_per_interval() -> None:
    pace = Pace(per_second=1, burst=3)
    now = ticks(100.0)
    for left in (3, 2, 1):
        assert pace.left(now) == left
        assert pace.due() <= now
        pace.spend(now)
    assert pace.left(now) == 0
    assert pace.due() == now + 1 + TICKS_PER_SECOND
    assert pace.left(now + 2 * TICKS_PER_SECOND + 2) == 2
    assert not pace.idle(now + 3 * TICKS_PER_SECOND)
    assert pace.idle(now + 3 * TICKS_PER_SECOND + 3)


@given(
    per_second=st.integers(1, 1000),
    burst=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 2, allow_nan=False), max_size=300),
)
def test_a_pace_never_gives_more_than_its_burst_and_its_rate(
    per_second: int, burst: int, gaps: list[float]
) -> None:
    pace, clock, spent = Pace(per_second=per_second, burst=burst), 0.0, []
    for gap in gaps:
        clock += gap
        if pace.due() <= ticks(clock):
            pace.spend(ticks(clock))
            spent.append(clock)
    for seconds in (0.01, 0.5, 1.0, 3.0, 10.0):
        assert most_within(spent, seconds) <= burst + per_second * seconds + 1e-6


def test_a_pace_does_not_drift_in_a_million_turns() -> None:
    pace, now = Pace(per_second=28, burst=1), 0
    for _ in range(1_000_000):
        now = max(now, pace.due())
        pace.spend(now)
    assert now / TICKS_PER_SECOND == pytest.approx(1_000_000 / 28, rel=1e-4)


def test_a_window_frees_a_place_when_the_oldest_stops_counting() -> None:
    window = Window(seconds=60)
    for second in range(20):
        window.spend(ticks(second))
    assert window.due(ticks(20), room=20) == ticks(60) + 1
    assert window.due(ticks(20), room=21) == 0
    assert window.due(ticks(20), room=19) == ticks(61) + 1
    assert not window.idle(ticks(79))
    assert window.idle(ticks(79) + 1)


@given(seed=st.integers(0, 2**32), slowest=st.sampled_from([0.0, 0.02, 0.3, 2.0]))
def test_no_latency_makes_the_receiver_see_more_than_the_ceiling(seed: int, slowest: float) -> None:
    """The receiver counts a request anywhere between its start and its answer."""
    chance, tokens = random.Random(seed), Tokens(Limits(overall_burst=30))
    clock, counted = 0.0, []
    open_until: list[float] = []
    for _ in range(400):
        clock += chance.choice([0.0, 0.0, 0.001, 0.03])
        while open_until and min(open_until) <= clock:
            ended = min(open_until)
            open_until.remove(ended)
            tokens.answered(USER, ticks(ended), shown=False, counted=True)
        due = tokens.due(ticks(clock))
        if due is not None and due <= ticks(clock):
            tokens.take(ticks(clock))
            latency = chance.random() * slowest
            counted.append(clock + latency * chance.choice([0.0, chance.random(), 1.0]))
            open_until.append(clock + latency)
    assert most_within(counted, 1.0) <= 30


def test_while_the_ceiling_is_open_only_an_answer_helps() -> None:
    tokens = Tokens(Limits(overall_ceiling=2))
    tokens.take(0)
    tokens.take(0)
    assert tokens.due(ticks(3600)) is None
    assert tokens.left(ticks(3600)) == 0
    tokens.answered(USER, ticks(3600), shown=False, counted=True)
    assert tokens.due(ticks(3600)) == ticks(3601) + 1


def test_what_never_reached_telegram_costs_the_chat_nothing() -> None:
    tokens = Tokens(Limits())
    for _ in range(10):
        tokens.take(0)
        tokens.answered(USER, 0, shown=True, counted=False)
    assert tokens.chat_due(USER, 0, shown=True) == 0
    assert tokens.known() == 0


def test_a_chat_gets_three_at_once_and_then_one_a_second() -> None:
    tokens, now, sent = Tokens(Limits()), 0, []
    for _ in range(6):
        now = max(now, tokens.chat_due(USER, now, shown=True))
        tokens.take(now)
        tokens.answered(USER, now, shown=True, counted=True)
        sent.append(now // TICKS_PER_SECOND)
    assert sent == [0, 0, 0, 1, 2, 3]


def test_a_group_gets_twenty_a_minute_and_the_pace_of_any_chat() -> None:
    tokens, now, sent = Tokens(Limits()), 0, []
    for _ in range(60):
        now = max(now, tokens.chat_due(GROUP, now, shown=True))
        tokens.take(now)
        tokens.answered(GROUP, now, shown=True, counted=True)
        sent.append(now / TICKS_PER_SECOND)
    assert most_within(sent, 60.0) == 20
    assert most_within(sent, 1.0) <= 4
    assert sent[-1] < 140


def test_callback_answers_and_deletions_cost_no_message_token() -> None:
    tokens = Tokens(Limits())
    for _ in range(3):
        tokens.answered(USER, 0, shown=True, counted=True)
    assert tokens.chat_due(USER, 0, shown=True) > 0
    assert tokens.chat_due(USER, 0, shown=False) == 0


def test_a_closed_chat_stays_closed_for_everything_until_its_latest_deadline() -> None:
    tokens = Tokens(Limits())
    tokens.close_chat(USER, 0, until=ticks(30))
    tokens.close_chat(USER, 0, until=ticks(5))
    assert tokens.chat_due(USER, 0, shown=True) == ticks(30)
    assert tokens.chat_due(USER, 0, shown=False) == ticks(30)
    assert tokens.chat_due(GROUP, 0, shown=True) == 0
    assert tokens.closed(0) == 1
    assert tokens.closed(ticks(30)) == 0


def test_idle_chats_are_forgotten_and_closed_ones_are_not() -> None:
    tokens, now = Tokens(Limits()), 0
    tokens.close_chat(GROUP, 0, until=ticks(10**9))
    for number in range(1, 100_000):
        now += TICKS_PER_SECOND // 28
        tokens.take(now)
        tokens.answered(ChatId(number), now, shown=True, counted=True)
        assert tokens.known() <= 2 * CHATS_SWEPT_AT_LEAST
    assert tokens.chat_due(GROUP, now, shown=True) == ticks(10**9)


def test_who_begins_after_others_begins_without_tokens() -> None:
    tokens, now = Tokens(Limits()), ticks(100.0)
    tokens.assume_spent(now)

    assert tokens.left(now) == 0
    assert tokens.due(now) == now + TICKS_PER_SECOND + 1
    assert tokens.chat_due(USER, now, shown=True) == now + TICKS_PER_SECOND + 1
    assert tokens.chat_due(USER, now, shown=False) == 0
    assert tokens.chat_due(GROUP, now, shown=True) == now + 60 * TICKS_PER_SECOND + 1


def test_a_burst_before_and_after_a_failure_is_one_burst() -> None:
    """What a chat gets from two dispatchers is what it may get from one."""
    limits = Limits()
    sent: list[float] = []
    for seconds in (100.0, 100.3, 101.9):
        tokens = Tokens(limits)
        if sent:
            tokens.assume_spent(ticks(seconds))
        now = ticks(seconds)
        for _ in range(2):
            now = max(now, tokens.chat_due(USER, now, shown=True), tokens.due(now) or 0)
            tokens.take(now)
            tokens.answered(USER, now, shown=True, counted=True)
            sent.append(now / TICKS_PER_SECOND)
    for place, first in enumerate(sent):
        for count, last in enumerate(sent[place:], start=1):
            assert count <= limits.chat_burst + (last - first) * limits.chat_per_second + 1e-6


def test_long_after_a_failure_it_is_forgotten() -> None:
    tokens, now = Tokens(Limits()), ticks(100.0)
    tokens.assume_spent(now)
    later = now + 61 * TICKS_PER_SECOND
    assert tokens.left(later) == Limits().overall_burst
    assert tokens.chat_due(USER, later, shown=True) <= later
    assert tokens.chat_due(GROUP, later, shown=True) <= later
    for left in (2, 1, 0):
        tokens.take(later)
        tokens.answered(USER, later, shown=True, counted=True)
        assert (tokens.chat_due(USER, later, shown=True) <= later) == (left > 0)
