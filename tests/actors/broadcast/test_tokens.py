"""The limits of Telegram, against counters that share no code with the tokens."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast.buckets import TICKS_PER_SECOND, ticks
from actors.broadcast.tokens import CHATS_SWEPT_AT_LEAST, Fare, Limits, Tokens
from actors.kernel.ids import ChatId
from tests.actors.broadcast.post import most_within

USER = ChatId(7)
GROUP = ChatId(-7)


@pytest.mark.parametrize("name", list(Limits.__slots__))
def test_a_limit_below_its_least_is_refused(name: str) -> None:
    least = 0 if name in {"paid_per_second", "stars_budget"} else 1
    assert getattr(Limits(**{name: least}), name) == least
    with pytest.raises(ValueError, match=name):
        Limits(**{name: least - 1})


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
            tokens.answered(USER, ticks(ended), Fare(), shown=False, counted=True)
        due = tokens.due(ticks(clock))
        if due is not None and due <= ticks(clock):
            tokens.take(ticks(clock), Fare())
            latency = chance.random() * slowest
            counted.append(clock + latency * chance.choice([0.0, chance.random(), 1.0]))
            open_until.append(clock + latency)
    assert most_within(counted, 1.0) <= 30


def test_while_the_ceiling_is_open_only_an_answer_helps() -> None:
    tokens = Tokens(Limits(overall_ceiling=2))
    tokens.take(0, Fare())
    tokens.take(0, Fare())
    assert tokens.due(ticks(3600)) is None
    assert tokens.left(ticks(3600)) == 0
    tokens.answered(USER, ticks(3600), Fare(), shown=False, counted=True)
    assert tokens.due(ticks(3600)) == ticks(3601) + 1


def test_what_never_reached_telegram_costs_the_chat_nothing() -> None:
    tokens = Tokens(Limits())
    for _ in range(10):
        tokens.take(0, Fare())
        tokens.answered(USER, 0, Fare(), shown=True, counted=False)
    assert tokens.chat_due(USER, 0, shown=True) == 0
    assert tokens.known() == 0


def test_a_chat_gets_three_at_once_and_then_one_a_second() -> None:
    tokens, now, sent = Tokens(Limits()), 0, []
    for _ in range(6):
        now = max(now, tokens.chat_due(USER, now, shown=True))
        tokens.take(now, Fare())
        tokens.answered(USER, now, Fare(), shown=True, counted=True)
        sent.append(now // TICKS_PER_SECOND)
    assert sent == [0, 0, 0, 1, 2, 3]


def test_a_group_gets_twenty_a_minute_and_the_pace_of_any_chat() -> None:
    tokens, now, sent = Tokens(Limits()), 0, []
    for _ in range(60):
        now = max(now, tokens.chat_due(GROUP, now, shown=True))
        tokens.take(now, Fare())
        tokens.answered(GROUP, now, Fare(), shown=True, counted=True)
        sent.append(now / TICKS_PER_SECOND)
    assert most_within(sent, 60.0) == 20
    assert most_within(sent, 1.0) <= 4
    assert sent[-1] < 140


def test_callback_answers_and_deletions_cost_no_message_token() -> None:
    tokens = Tokens(Limits())
    for _ in range(3):
        tokens.answered(USER, 0, Fare(), shown=True, counted=True)
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
    for number in range(1, 40_000):
        now += TICKS_PER_SECOND // 28
        tokens.take(now, Fare())
        tokens.answered(ChatId(number), now, Fare(), shown=True, counted=True)
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
            tokens.take(now, Fare())
            tokens.answered(USER, now, Fare(), shown=True, counted=True)
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
        tokens.take(later, Fare())
        tokens.answered(USER, later, Fare(), shown=True, counted=True)
        assert (tokens.chat_due(USER, later, shown=True) <= later) == (left > 0)


def test_the_bulk_lane_has_a_rate_of_its_own_within_that_of_all() -> None:
    tokens, now, sent = Tokens(Limits()), 0, 0
    while now < 10 * TICKS_PER_SECOND:
        now = max(now, tokens.bulk_due(now) or 0)
        tokens.take(now, Fare(bulk=True))
        tokens.answered(ChatId(sent + 1), now, Fare(bulk=True), shown=True, counted=True)
        sent += 1
    assert 280 <= sent <= 284
    assert tokens.due(now) == 0 or (tokens.due(now) or 0) <= now, "a reply may go at once"


def test_what_was_not_sent_to_many_is_not_missing_from_their_rate() -> None:
    tokens, fare = Tokens(Limits()), Fare(bulk=True)
    for _ in range(100):
        tokens.take(0, fare)
        tokens.answered(USER, 0, fare, shown=True, counted=False)
    assert tokens.bulk_left(0) == 3


def test_what_may_be_billed_has_a_rate_of_its_own_beside_that_of_all() -> None:
    tokens, now, sent = Tokens(Limits(paid_per_second=1000)), 0, 0
    fare = Fare(bulk=True, paid=True, extra=True)
    while now < 3 * TICKS_PER_SECOND:
        now = max(now, tokens.paid_due(now) or 0)
        tokens.take(now, fare)
        tokens.answered(ChatId(sent + 1), now, fare, shown=True, counted=True)
        sent += 1
    assert 2_990 <= sent <= 3_101
    assert tokens.paying(now)
    assert not tokens.paying(now + TICKS_PER_SECOND + 1)
    assert tokens.due(now) == 0


def test_without_a_paid_rate_nothing_may_be_billed() -> None:
    tokens = Tokens(Limits())
    assert tokens.paid_due(0) is None
    assert tokens.paid_left(0) == 0
    assert not tokens.paying(0)


def test_whoever_is_in_no_hurry_leaves_the_last_token_of_a_chat() -> None:
    tokens = Tokens(Limits())
    for _ in range(2):
        tokens.answered(USER, 0, Fare(), shown=True, counted=True)
    assert tokens.chat_due(USER, 0, shown=True) <= 0
    assert tokens.chat_due(USER, 0, shown=True, spare=1) > 0
    for _ in range(19):
        tokens.answered(GROUP, 0, Fare(), shown=True, counted=True)
    later = ticks(30.0)
    assert tokens.chat_due(GROUP, later, shown=True) <= later
    assert tokens.chat_due(GROUP, later, shown=True, spare=1) > later


def test_the_longest_flood_wait_is_known() -> None:
    tokens = Tokens(Limits())
    assert tokens.longest_seconds(0) == 0.0
    tokens.close_chat(USER, 0, until=ticks(30))
    tokens.close_chat(GROUP, 0, until=ticks(5))
    assert tokens.longest_seconds(ticks(10)) == 20.0
