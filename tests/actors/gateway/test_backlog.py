"""How many updates sessions are told at once, and in which order."""

from __future__ import annotations

from actors.gateway.backlog import RELEASED_MAX, TOLD_MAX, TOLD_OF_CHAT_MAX, Backlog
from actors.kernel.ids import ChatId, UpdateId

CHAT = ChatId(7)


def ids(*numbers: int) -> tuple[UpdateId, ...]:
    return tuple(UpdateId(number) for number in numbers)


def busy(told: int) -> Backlog:
    """So many are in the hands of as many chats, with ids and chats from a million on."""
    backlog = Backlog()
    for number in range(1_000_000, 1_000_000 + told):
        assert backlog.admits(UpdateId(number), ChatId(number))
    return backlog


def test_as_many_are_admitted_as_there_is_room_for() -> None:
    backlog = busy(TOLD_MAX - 2)
    assert [backlog.admits(each, ChatId(each)) for each in ids(1, 2, 3, 4)] == [True] * 2 + [
        False
    ] * 2
    assert len(backlog) == 2
    assert backlog.admitted() == ()


def test_what_is_handled_makes_room_for_those_that_wait_in_order() -> None:
    backlog = busy(TOLD_MAX)
    assert not any(backlog.admits(each, ChatId(each)) for each in ids(3, 1, 2))
    backlog.handled(ids(1_000_000, 1_000_001, 77))
    assert backlog.admitted() == ids(3, 1)
    backlog.told()
    assert len(backlog) == 1
    backlog.handled(backlog.in_hands)
    assert backlog.admitted() == ids(2)


def test_of_one_chat_only_so_many_are_told_and_the_others_of_it_wait() -> None:
    backlog = Backlog()
    told = [backlog.admits(UpdateId(number), CHAT) for number in range(TOLD_OF_CHAT_MAX + 2)]
    assert told == [True] * TOLD_OF_CHAT_MAX + [False] * 2
    assert backlog.admits(UpdateId(9_999), ChatId(8))
    assert backlog.admitted() == ()
    backlog.handled(ids(0))
    assert backlog.admitted() == ids(TOLD_OF_CHAT_MAX)


def test_chats_that_wait_take_turns() -> None:
    backlog = busy(TOLD_MAX)
    for number in (1, 2, 3, 21, 31, 22):
        assert not backlog.admits(UpdateId(number), ChatId(number // 10))
    backlog.handled(backlog.in_hands[:4])
    assert backlog.admitted() == ids(1, 21, 31, 2)
    backlog.handled(backlog.in_hands[:4])
    assert backlog.admitted() == ids(22, 3), "whose turn it was is remembered"


def test_what_comes_while_the_last_of_its_chat_is_on_its_way_waits() -> None:
    backlog = busy(TOLD_MAX)
    assert not backlog.admits(UpdateId(1), CHAT)
    backlog.handled(backlog.in_hands[:100])
    assert backlog.admitted() == ids(1)
    assert not backlog.admits(UpdateId(2), CHAT)
    assert backlog.admits(UpdateId(3), ChatId(8))
    backlog.told()
    assert backlog.admitted() == ids(2)
    backlog.told()
    assert backlog.admits(UpdateId(4), CHAT)


def test_only_so_many_are_released_at_once() -> None:
    backlog = busy(TOLD_MAX)
    for number in range(3 * RELEASED_MAX):
        assert not backlog.admits(UpdateId(number), ChatId(number))
    backlog.handled(backlog.in_hands)
    assert backlog.admitted() == ids(*range(RELEASED_MAX))
    assert backlog.admitted() == ids(*range(RELEASED_MAX, 2 * RELEASED_MAX))


def test_it_says_how_far_sessions_are_behind() -> None:
    backlog = busy(TOLD_MAX)
    assert backlog.said == ""
    backlog.admits(UpdateId(1), CHAT)
    assert backlog.said == "1 update waits in the store: sessions are behind"
