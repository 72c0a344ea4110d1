"""Typing is shown in the rhythm of somebody who types, and ends with the answer."""

from __future__ import annotations

from actors.debounce.courses import AWAITED_SECONDS, Courses
from actors.kernel.ids import ChatId

ANNA, BOB = ChatId(1), ChatId(2)


def play(courses: Courses, until: float) -> list[tuple[float, ChatId]]:
    shown: list[tuple[float, ChatId]] = []
    while (wake := courses.wake_at) is not None and wake <= until:
        shown += [(wake, chat_id) for chat_id in courses.due(wake)]
    return shown


def test_three_seconds_typing_two_of_rest_two_typing_then_every_four() -> None:
    courses = Courses()
    courses.begin(ANNA, 0.1)
    times = [round(at - 0.1, 6) for at, _ in play(courses, 1_000.0)]
    assert times == [0, 5, 7, 11, 15, 19, 23, 27]
    assert len(courses) == 0
    assert times[-1] < AWAITED_SECONDS


def test_the_answer_ends_it_at_once() -> None:
    courses = Courses()
    courses.begin(ANNA, 0.0)
    courses.begin(BOB, 1.0)
    assert len(play(courses, 1.0)) == 2
    courses.end(ANNA)
    assert [chat_id for _, chat_id in play(courses, 9.0)] == [BOB, BOB]
    courses.end(ANNA)


def test_the_next_batch_begins_anew() -> None:
    courses = Courses()
    courses.begin(ANNA, 0.0)
    play(courses, 4.0)
    courses.begin(ANNA, 4.0)
    assert [at for at, _ in play(courses, 12.0)] == [4.0, 9.0, 11.0]


def test_what_was_missed_is_shown_once() -> None:
    courses = Courses()
    courses.begin(ANNA, 0.0)
    assert courses.due(12.0) == [ANNA]
    assert courses.wake_at == 15.0
    assert courses.due(500.0) == []
    assert len(courses) == 0
