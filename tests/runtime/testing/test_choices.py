"""Decisions are written down, played back, and typed by people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.testing.choices import Choices, as_text, from_text


def test_what_was_drawn_is_written_down_by_stream() -> None:
    choices = Choices()
    assert choices.take("tasks", 5, lambda: 3) == 3
    assert choices.take("reset", 2, lambda: 0) == 0
    assert choices.take("tasks", 5, lambda: 1) == 1
    assert choices.taken == {"tasks": [3, 1], "reset": [0]}


def test_what_is_played_back_is_not_drawn() -> None:
    def draw() -> int:
        raise AssertionError("nothing is left to luck")

    choices = Choices({"tasks": [3, 1]})
    assert [choices.take("tasks", 5, draw) for _ in range(4)] == [3, 1, 0, 0]
    assert choices.take("other", 5, draw) == 0


def test_a_run_with_fewer_options_than_the_recorded_one_takes_one_that_exists() -> None:
    assert Choices({"tasks": [7]}).take("tasks", 3, lambda: 0) == 1


def test_only_what_is_not_plain_is_typed() -> None:
    taken = {"tasks": [0, 2, 0, 1], "reset": [0, 0], "a: b": [1]}
    assert as_text(taken) == "a: b:0=1;tasks:1=2,3=1"


@given(st.dictionaries(st.text("ab :", min_size=1), st.lists(st.integers(0, 9)), max_size=3))
def test_what_was_typed_plays_the_same(taken: dict[str, list[int]]) -> None:
    read = from_text(as_text(taken))
    for stream, row in taken.items():
        replayed = Choices(read)
        assert [replayed.take(stream, 10, lambda: 0) for _ in row] == row


@pytest.mark.parametrize("text", ["tasks", "tasks:", "tasks:1", "tasks:x=1"])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever number is broken
        from_text(text)
