"""How updates are kept, who is suspected, and how long a poll waits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.model import (
    ATTEMPTS_MAX,
    COMPONENT,
    Arrival,
    Counts,
    Entry,
    Ignored,
    Malformed,
    Routed,
    Stored,
    Totals,
    entry,
    judged,
    reported,
    suspects,
    wait_seconds,
)
from actors.kernel.ids import ChatId, UpdateId
from actors.sessions import messages as sessions

ARRIVAL = Arrival(UpdateId(1), "{}")


def stored(update_id: int, chat_id: int | None) -> Stored:
    return Stored(UpdateId(update_id), "{}", None if chat_id is None else ChatId(chat_id))


def test_a_routed_update_waits_for_its_session() -> None:
    heard = sessions.BotBlocked(update_id=UpdateId(1), blocked=True)
    assert entry(ARRIVAL, Routed(ChatId(7), heard)) == Entry(UpdateId(1), "{}", chat_id=ChatId(7))


def test_an_ignored_update_is_kept_as_handled() -> None:
    assert entry(ARRIVAL, Ignored("poll")) == Entry(UpdateId(1), "{}", handled=True)


def test_a_malformed_update_is_parked_on_arrival() -> None:
    assert entry(ARRIVAL, Malformed("no")) == Entry(
        UpdateId(1), "{}", parked_reason="malformed: no"
    )


def test_only_the_first_update_of_a_chat_can_have_been_in_work() -> None:
    queue = [stored(9, 1), stored(3, 2), stored(4, 1), stored(5, None), stored(6, 2)]
    assert [update.update_id for update in suspects(queue)] == [9, 3, 5]


def test_who_was_first_at_too_many_deaths_is_guilty_and_the_others_are_accused_once_more() -> None:
    told = [
        Stored(UpdateId(1), "", ChatId(1), attempts=ATTEMPTS_MAX),
        Stored(UpdateId(2), "", ChatId(2), attempts=ATTEMPTS_MAX - 1),
        Stored(UpdateId(3), "", ChatId(2), attempts=ATTEMPTS_MAX),
        Stored(UpdateId(4), "", ChatId(3)),
    ]
    guilty, accused = judged(told)
    assert guilty == {1}
    assert accused == {2: ATTEMPTS_MAX, 4: 1}


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.5, 1.0), (2, 1.0, 2.0), (5, 8.0, 16.0), (99, 15.0, 30.0)]
)
def test_the_wait_doubles_up_to_half_a_minute(failures: int, least: float, most: float) -> None:
    assert wait_seconds(failures, jitter=0.0) == least
    assert wait_seconds(failures, jitter=1.0) == most


def test_what_telegram_asks_for_is_never_undercut_below_five_minutes() -> None:
    assert wait_seconds(1, jitter=0.0, retry_after_seconds=17) == 17
    assert wait_seconds(1, jitter=0.0, retry_after_seconds=300) == 300


@pytest.mark.parametrize("asked", [301.0, 10_072.0, 1e12, math.inf])
def test_no_figure_makes_the_bot_deaf_for_longer_than_five_minutes(asked: float) -> None:
    assert wait_seconds(1, jitter=0.0, retry_after_seconds=asked) == 300


@given(st.integers(), st.floats(0, 1), st.none() | st.floats())
def test_no_input_makes_it_wait_for_ever_or_not_at_all(
    failures: int, jitter: float, asked: float | None
) -> None:
    wait = wait_seconds(failures, jitter=jitter, retry_after_seconds=asked)
    assert math.isfinite(wait)
    assert 0.5 <= wait <= 301


def test_every_figure_has_a_name() -> None:
    totals = Totals(polls=1, updates=2, duplicates=3, ignored=4, parked=5, last_update_id=6)
    told = reported("warn", "why", totals, Counts(unhandled=7, parked=8))
    assert (told.component, told.status, told.output) == (COMPONENT, "warn", "why")
    figures = {m.name: m.value for m in told.measurements}
    assert figures == {
        "polls_total": 1,
        "updates_total": 2,
        "duplicates_total": 3,
        "ignored_total": 4,
        "parked_total": 5,
        "last_update_id": 6,
        "unhandled": 7,
        "parked": 8,
    }
