"""When an alarm clock looks: at the time somebody is due, not too often, and never too late."""

from __future__ import annotations

import pytest

from actors.kernel.rounds import GRAIN_SECONDS, Rounds


def rounds() -> Rounds[str]:
    return Rounds(pace_seconds=5, look_seconds=60, again_seconds=30)


def test_who_was_woken_is_woken_again_only_after_a_while() -> None:
    known = rounds()
    assert known.fresh(["a", "b"], now=0) == ["a", "b"]
    assert known.fresh(["a", "c"], now=29) == ["c"]
    assert known.fresh(["a", "c"], now=30) == ["a"]


def test_the_next_look_is_when_the_next_one_is_due() -> None:
    known = rounds()
    known.fresh([], now=100)
    assert known.next_look(now=100, due_in=20) == pytest.approx(20 + GRAIN_SECONDS)


def test_with_nobody_due_there_is_a_look_all_the_same() -> None:
    known = rounds()
    known.fresh([], now=100)
    assert known.next_look(now=100, due_in=None) == 60
    assert known.next_look(now=100, due_in=1_000) == 60


def test_whoever_was_woken_is_looked_after() -> None:
    known = rounds()
    known.fresh(["a"], now=100)
    assert known.next_look(now=100, due_in=None) == pytest.approx(30 + GRAIN_SECONDS)
    known.fresh([], now=130)
    assert known.next_look(now=130, due_in=None) == 60


def test_between_two_looks_there_is_a_pause() -> None:
    known = rounds()
    known.fresh([], now=100)
    assert known.next_look(now=101, due_in=0) == 4
    known.fresh([], now=100)
    assert known.sooner(now=102, due_in=-7) == 3


def test_only_word_of_an_earlier_time_moves_the_look() -> None:
    known = rounds()
    known.fresh([], now=100)
    known.next_look(now=100, due_in=20)
    assert known.sooner(now=110, due_in=11) is None
    assert known.sooner(now=110, due_in=10) is None
    assert known.sooner(now=110, due_in=3) == pytest.approx(3 + GRAIN_SECONDS)
    assert known.sooner(now=110, due_in=4) is None
    assert known.sooner(now=112, due_in=-99) == 0


def test_word_that_comes_before_the_first_look_waits_for_it() -> None:
    assert rounds().sooner(now=0, due_in=7) == pytest.approx(7 + GRAIN_SECONDS)
