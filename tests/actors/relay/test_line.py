"""Each user's events go in their order, one at a time; users take turns."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from actors.kernel.ids import ChatId
from actors.relay.line import RETRY_FIRST_SECONDS, RETRY_MAX_SECONDS, Line
from actors.relay.model import Pending
from tests.actors.relay.world import ANNA, BOB, NOON


def event(number: int, chat_id: ChatId = ANNA) -> Pending:
    return Pending(number, UUID(int=number), chat_id, NOON + timedelta(seconds=number))


def line_of(*events: Pending) -> Line:
    line = Line()
    for each in events:
        line.add(each)
    return line


def test_one_of_each_user_in_their_turns() -> None:
    line = line_of(event(1), event(2), event(3, BOB), event(4))
    first, second = line.next(0.0), line.next(0.0)
    assert (first, second) == (event(1), event(3, BOB))
    assert line.next(0.0) is None
    assert line.wake_at(0.0) is None
    line.done(event(1))
    assert line.wake_at(0.0) == 0.0
    assert line.next(0.0) == event(2)
    assert (len(line), line.users) == (3, 2)


def test_what_is_known_is_not_taken_twice() -> None:
    line = line_of(event(1), event(1))
    assert len(line) == 1
    assert line.next(0.0) == event(1)
    line.add(event(1))
    line.done(event(1))
    assert line.next(0.0) is None
    assert (len(line), line.users, line.oldest_at) == (0, 0, None)


def test_who_failed_waits_longer_each_time_and_alone() -> None:
    line = line_of(event(1), event(2, BOB))
    now, waits = 0.0, []
    line.next(now)
    for _ in range(9):
        line.failed(event(1))
        line.again(event(1), now)
        wake = line._later[0][0]
        waits.append(wake - now)
        now = wake
        line.next(now - 0.001)
        assert line.next(now) == event(1)
    assert waits[:3] == [RETRY_FIRST_SECONDS, 10.0, 20.0]
    assert waits[-1] == RETRY_MAX_SECONDS


def test_nobody_waits_when_the_destination_is_there_again() -> None:
    line = line_of(event(1), event(2, BOB))
    for each in (line.next(0.0), line.next(0.0)):
        assert each is not None
        line.failed(each)
        line.again(each, 0.0)
    assert line.next(0.0) is None
    line.hurry()
    assert (line.next(0.0), line.next(0.0), line.next(0.0)) == (event(1), event(2, BOB), None)


def test_the_oldest_one_is_known() -> None:
    line = line_of(event(5, BOB), event(3))
    assert line.oldest_at == NOON + timedelta(seconds=3)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_user_is_served_in_his_order(seed: int) -> None:
    luck = Random(seed)
    events = [event(n, ChatId(luck.randint(1, 5))) for n in range(1, 60)]
    line, now, under_way = Line(), 0.0, list[Pending]()
    served: dict[int, list[int]] = defaultdict(list)
    rest = list(events)
    while rest or len(line):
        now += luck.random() * 20
        if rest and luck.random() < 0.5:
            line.add(rest.pop(0))
        pending = line.next(now)
        if pending is not None:
            assert all(each.chat_id != pending.chat_id for each in under_way)
            under_way.append(pending)
        if under_way and luck.random() < 0.6:
            ended = under_way.pop(luck.randrange(len(under_way)))
            if luck.random() < 0.4:
                line.failed(ended)
                line.again(ended, now)
            else:
                line.done(ended)
                served[ended.chat_id].append(ended.place)
    assert sorted(place for places in served.values() for place in places) == list(range(1, 60))
    assert all(places == sorted(places) for places in served.values())
