"""How many updates sessions are told at once, and in which order."""

from __future__ import annotations

from actors.gateway.backlog import STORED_MAX, TOLD_MAX, Backlog
from actors.gateway.model import Arrival
from actors.kernel.ids import UpdateId


def ids(*numbers: int) -> list[UpdateId]:
    return [UpdateId(number) for number in numbers]


def test_as_many_are_admitted_as_there_is_room_for() -> None:
    backlog = Backlog()
    backlog.counted(TOLD_MAX - 2)
    assert [backlog.admits(each) for each in ids(1, 2, 3, 4)] == [True, True, False, False]
    assert len(backlog) == 2
    assert list(backlog.admitted()) == []


def test_those_that_wait_come_first_and_in_order() -> None:
    backlog = Backlog()
    backlog.counted(TOLD_MAX)
    assert not any(backlog.admits(each) for each in ids(3, 1, 2))
    backlog.counted(TOLD_MAX + 3 - 2)  # two of those that were told are handled
    assert not backlog.admits(UpdateId(9)), "others were there before it"
    assert list(backlog.admitted()) == ids(3, 1)
    backlog.counted(TOLD_MAX + 2 - 500)
    assert list(backlog.admitted()) == ids(2, 9)
    assert backlog.admits(UpdateId(10))


def test_what_waits_takes_no_room() -> None:
    backlog = Backlog()
    backlog.counted(TOLD_MAX)
    for number in range(STORED_MAX - TOLD_MAX):
        assert not backlog.admits(UpdateId(number))
    backlog.counted(STORED_MAX - 1)
    assert len(list(backlog.admitted())) == 1


def test_of_a_batch_that_comes_again_only_what_is_urgent_is_taken_and_that_once() -> None:
    backlog = Backlog()

    def taken(*numbers: int, full: bool) -> list[int]:
        batch = [Arrival(each, "") for each in ids(*numbers)]
        urgent = backlog.taken(batch, full=full, urgent=lambda update: update.update_id % 2 == 0)
        return [update.update_id for update in urgent]

    assert taken(1, 2, 3, full=True) == [2]
    assert taken(1, 2, 3, 4, full=True) == [4]
    assert taken(1, 2, 3, 4, 5, full=True) == []
    assert taken(1, 2, 3, 4, 5, 6, full=False) == [1, 3, 5, 6]
    assert taken(2, 7, full=False) == [2, 7], "it counts anew: nothing of the past is confirmed"


def test_it_says_how_far_sessions_are_behind() -> None:
    backlog = Backlog()
    assert backlog.said == ""
    backlog.counted(TOLD_MAX)
    backlog.admits(UpdateId(1))
    assert backlog.said == "1 updates wait in the store: sessions are behind"
