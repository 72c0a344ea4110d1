"""One note of a user at a time, in their order, and each until something is heard of it."""

from __future__ import annotations

from uuid import UUID

from actors.kernel.ids import ChatId
from actors.relay.ports import Unsent
from actors.relay.satchel import USER_HELD_MAX, Satchel

ANNA, BOB = ChatId(1), ChatId(2)


def note(place: int, chat_id: ChatId = ANNA) -> Unsent:
    return Unsent(place, UUID(int=place), chat_id, f"text {place}")


def test_the_first_note_of_a_user_may_be_told_and_the_others_follow_one_by_one() -> None:
    satchel = Satchel()
    assert [satchel.add(each) for each in (note(1), note(2), note(3, BOB))] == [True, False, True]
    satchel.tell(note(1), again_at=60.0)
    satchel.tell(note(3, BOB), again_at=60.0)
    assert (len(satchel), satchel.told) == (3, 2)
    assert satchel.settled(UUID(int=1)) == note(2)
    satchel.tell(note(2), again_at=60.0)
    assert satchel.settled(UUID(int=2)) is None
    assert satchel.settled(UUID(int=3)) is None
    assert (len(satchel), satchel.told) == (0, 0)
    assert satchel.add(note(4)), "and then it begins anew"


def test_what_is_settled_twice_was_settled_once() -> None:
    satchel = Satchel()
    satchel.add(note(1))
    satchel.add(note(2))
    satchel.tell(note(1), again_at=60.0)
    assert satchel.settled(UUID(int=1)) == note(2)
    assert satchel.settled(UUID(int=1)) is None
    assert len(satchel) == 1


def test_what_is_not_heard_of_is_told_again_in_its_time_and_what_was_turned_away_sooner() -> None:
    satchel = Satchel()
    for each in (note(1), note(2, BOB)):
        satchel.add(each)
        satchel.tell(each, again_at=60.0)
    satchel.postpone(UUID(int=2), until=5.0)
    satchel.postpone(UUID(int=9), until=5.0)
    assert satchel.due(4.9) == []
    assert satchel.due(5.0) == [note(2, BOB)]
    satchel.tell(note(2, BOB), again_at=65.0)
    assert satchel.due(60.0) == [note(1)]


def test_of_one_user_some_are_here_and_the_others_are_left_where_they_were() -> None:
    satchel, last = Satchel(), USER_HELD_MAX
    for place in range(1, last + 4):
        satchel.add(note(place))
    assert len(satchel) == USER_HELD_MAX
    assert satchel.add(note(last + 4, BOB))
    for place in range(1, last + 1):
        satchel.tell(note(place), again_at=60.0)
        following = satchel.settled(UUID(int=place))
        assert following == (note(place + 1) if place < last else None)
        assert not satchel.add(note(last + 9)), "those before it are left"
    assert satchel.left(ANNA) == last
    assert satchel.left(ANNA) is None
    assert satchel.add(note(last + 1))
    assert not satchel.add(note(last + 2))
    assert not satchel.add(note(last + 2)), "it is here"
    assert len(satchel) == 3
