"""A pass holds a page and a window, and knows its pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from actors.broadcasts.model import Audience, Broadcast, Content
from actors.broadcasts.running import PACE_SECONDS, WINDOW, Pass
from actors.broadcasts.template import Person
from actors.kernel.ids import BroadcastId, ChatId, MessageId

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Turn:
    person: Person
    message_id: MessageId | None = None


def turns(*numbers: int) -> list[Turn]:
    return [Turn(Person(chat_id=ChatId(number))) for number in numbers]


@pytest.fixture
def running() -> Pass:
    return Pass(
        Broadcast(
            broadcast_id=BroadcastId(1), content=Content(text="Hi"), audience=Audience(),
            created_at=NOON, starts_at=NOON,
        ),
        now=100.0,
    )  # fmt: skip


def told(running: Pass) -> list[int]:
    found: list[int] = []
    while turn := running.next():
        found.append(turn.person.chat_id)
    return found


def test_pages_are_told_in_order_and_each_recipient_once(running: Pass) -> None:
    assert (running.hungry, running.cursor, running.next()) == (True, None, None)
    running.take(turns(1, 2, 3))
    assert (running.hungry, running.cursor) == (False, 3)
    assert told(running) == [1, 2, 3]
    running.take(turns(3, 4))  # read again, while its letter is out
    assert (told(running), running.out, running.cursor) == ([4], 4, 4)


def test_a_full_window_waits_for_receipts(running: Pass) -> None:
    running.take(turns(*range(WINDOW + 5)))
    assert len(told(running)) == running.out == WINDOW
    assert not running.hungry
    running.heard(ChatId(7), now=101.0, done=True)
    assert told(running) == [WINDOW]
    assert not running.hungry


def test_it_may_be_over_when_nothing_is_left_to_read_tell_or_hear(running: Pass) -> None:
    assert (running.hungry, running.quiet) == (True, False)
    running.take(turns(1))
    told(running)
    running.take([])
    assert (running.hungry, running.quiet, running.awaits(ChatId(1))) == (False, False, True)
    running.heard(ChatId(1), now=101.0, done=True)
    assert not running.awaits(ChatId(1))
    assert (running.hungry, running.quiet) == (False, True)
    running.again()
    assert (running.hungry, running.quiet, running.cursor) == (True, False, None)


def test_its_pace_is_that_of_the_last_seconds(running: Pass) -> None:
    assert running.per_second(now=100.0) == 0.0
    for tenth in range(300):
        running.heard(ChatId(tenth), now=100.0 + tenth / 10, done=True)
    assert running.per_second(now=130.0) == pytest.approx(10.0, rel=0.06)
    assert running.per_second(now=130.0 + PACE_SECONDS + 1) == 0.0
    assert running.moved_at == pytest.approx(129.9)


def test_who_waits_again_is_no_progress(running: Pass) -> None:
    running.heard(ChatId(1), now=105.0, done=False)
    assert (running.moved_at, running.per_second(now=106.0)) == (100.0, 0.0)
