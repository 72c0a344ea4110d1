"""The destination gets as much as it wants, a rest when it asks for one, and one request when it
may be there again.
"""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId
from actors.relay.gate import (
    ASKED_MAX_SECONDS,
    BROKEN_FIRST_SECONDS,
    BROKEN_MAX_SECONDS,
    FAILURES_MAX,
    FULL_FIRST_SECONDS,
    PROBE_SECONDS,
    REQUESTS_MAX,
    REST_FIRST_SECONDS,
    WINDOW_SECONDS,
    Gate,
)
from actors.relay.model import (
    Accepted,
    Failed,
    Gone,
    Outcome,
    QueueFull,
    Refused,
    Throttled,
)

USERS = count(1)
"""Each request is for another one."""


def end(gate: Gate, outcome: Outcome, now: float, *, began: int | None = None) -> None:
    number = gate.began(now) if began is None else began
    gate.ended(number, outcome, now, chat_id=ChatId(next(USERS)), jitter=0.0)


def test_so_many_in_a_window_and_no_more() -> None:
    gate = Gate()
    for _ in range(REQUESTS_MAX):
        assert gate.may_send(5.0)
        gate.began(5.0)
    assert not gate.may_send(5.0)
    assert gate.wake_at(5.0) == 5.0 + WINDOW_SECONDS
    assert not gate.may_send(4.99 + WINDOW_SECONDS)
    assert gate.may_send(5.0 + WINDOW_SECONDS)


@given(st.lists(st.floats(0, 3), max_size=900))
def test_no_window_of_any_pattern_has_more(pauses: list[float]) -> None:
    gate, now, starts = Gate(), 0.0, []
    for pause in pauses:
        now += pause / 30
        if gate.may_send(now):
            gate.began(now)
            starts.append(now)
    for place, at in enumerate(starts[REQUESTS_MAX:]):
        assert at - starts[place] >= WINDOW_SECONDS - 1e-9


@pytest.mark.parametrize(
    ("outcome", "state", "seconds"),
    [
        (Throttled(), "resting", REST_FIRST_SECONDS),
        (Throttled(3.0), "resting", REST_FIRST_SECONDS),
        (Throttled(60.0), "resting", 60.0),
        (Throttled(1e9), "resting", ASKED_MAX_SECONDS),
        (QueueFull(), "resting", FULL_FIRST_SECONDS),
        (Gone("x"), "paused", PROBE_SECONDS),
    ],
)
def test_one_word_is_enough_for_a_rest(outcome: Outcome, state: str, seconds: float) -> None:
    gate = Gate()
    end(gate, outcome, 100.0)
    assert gate.state == state
    assert not gate.may_send(99.9 + seconds)
    assert gate.wake_at(100.0) == 100.0 + seconds
    assert gate.may_send(100.0 + seconds)


def test_failures_in_a_row_break_it_and_others_do_not() -> None:
    gate = Gate()
    for _ in range(FAILURES_MAX - 1):
        end(gate, Failed("HTTP 503"), 0.0)
    end(gate, Refused("HTTP 400"), 0.0)
    for _ in range(FAILURES_MAX - 1):
        end(gate, Failed("HTTP 503"), 0.0)
    assert gate.state == "listening"
    end(gate, Failed("HTTP 503"), 0.0)
    assert (gate.state, gate.detail) == ("broken", "HTTP 503")
    assert gate.wake_at(0.0) == BROKEN_FIRST_SECONDS


def test_who_fails_alone_breaks_it_for_nobody_else() -> None:
    gate = Gate()
    for _ in range(3 * FAILURES_MAX):
        gate.ended(gate.began(0.0), Failed("x"), 0.0, chat_id=ChatId(1), jitter=0.0)
    assert (gate.state, gate.is_failing, gate.may_send(0.0)) == ("listening", True, True)
    gate.ended(gate.began(0.0), Failed("x"), 0.0, chat_id=ChatId(2), jitter=0.0)
    assert gate.state == "broken"
    end(gate, Accepted(), 10.0)
    assert (gate.state, gate.is_failing) == ("listening", False)


def test_one_request_finds_out_and_each_failure_doubles_the_time() -> None:
    gate, now = Gate(), 0.0
    for _ in range(FAILURES_MAX):
        end(gate, Failed("x"), now)
    waits = []
    for _ in range(8):
        waits.append(gate.until - now)
        now = gate.until
        assert gate.may_send(now)
        began = gate.began(now)
        assert not gate.may_send(now), "one request at a time finds out"
        assert gate.wake_at(now) is None
        gate.ended(began, Failed("x"), now, chat_id=ChatId(next(USERS)), jitter=0.0)
    assert waits == [10, 20, 40, 80, 160, 300, 300, BROKEN_MAX_SECONDS]
    now = gate.until
    end(gate, Accepted(), now)
    assert gate.state == "listening"
    assert gate.may_send(now)


def test_what_began_before_says_nothing_about_now() -> None:
    gate = Gate()
    early = gate.began(0.0)
    end(gate, Gone("x"), 0.0)
    end(gate, Accepted(), 1.0, began=early)
    assert gate.state == "paused"
    end(gate, Throttled(), 1.0, began=early)
    assert gate.until == PROBE_SECONDS
    gate.released(early)


def test_a_request_that_was_not_made_finds_out_nothing() -> None:
    gate = Gate()
    end(gate, Throttled(), 0.0)
    began = gate.began(20.0)
    assert not gate.may_send(20.0)
    gate.released(began)
    assert gate.may_send(20.0)


def test_a_paused_one_stays_paused_when_it_does_not_even_answer() -> None:
    gate = Gate()
    gate.pause("HTTP 410")
    assert gate.state == "paused"
    assert gate.may_send(0.0), "the first request finds out"
    end(gate, Failed("no answer"), 0.0)
    assert (gate.state, gate.until) == ("paused", PROBE_SECONDS)


def test_an_operator_opens_it() -> None:
    gate = Gate()
    end(gate, Gone("x"), 0.0)
    gate.resume()
    assert gate.state == "listening"
    assert gate.may_send(0.0)


def test_rests_are_a_little_longer_by_chance() -> None:
    gate = Gate()
    gate.ended(gate.began(0.0), Throttled(), 0.0, chat_id=ChatId(1), jitter=0.5)
    assert gate.until == REST_FIRST_SECONDS * 1.05
