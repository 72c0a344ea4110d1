"""Where letters go."""

from __future__ import annotations

from actors.broadcast.addresses import Addresses
from actors.broadcast.notes import Notes
from actors.broadcast.ports import Page, Unreachable
from actors.kernel.ids import ChatId
from tests.actors.broadcast.post import wall

ANNA, GROUP = ChatId(1), ChatId(-5)


def test_a_chat_that_cannot_be_written_to_is_noted_once_and_until_it_can() -> None:
    notes = Notes()
    addresses = Addresses(notes)
    assert addresses.closed(ANNA) is None
    addresses.close(ANNA, "blocked", "bot was blocked")
    assert (addresses.closed(ANNA), addresses.unreachable) == ("blocked", 1)
    noted = Unreachable(reason="blocked", detail="bot was blocked")
    assert notes.take(0, wall(0)) == Page(unreachable={ANNA: noted})
    notes.taken(written=True)
    addresses.close(ANNA, "blocked", "once more")
    assert notes.take(0, wall(0)) is None
    addresses.close(ANNA, "deactivated", "user is deactivated")
    assert notes.take(0, wall(0)) is not None
    notes.taken(written=True)
    addresses.reopen(ANNA)
    addresses.reopen(ANNA)
    assert (addresses.closed(ANNA), addresses.unreachable) == (None, 0)
    assert notes.take(0, wall(0)) == Page(unreachable={ANNA: None})


def test_what_telegram_says_is_kept_as_the_database_can_hold_it() -> None:
    notes = Notes()
    Addresses(notes).close(ANNA, "blocked", "a\0b\ud800c")
    page = notes.take(0, wall(0))
    assert page is not None
    assert page.unreachable[ANNA] == Unreachable(reason="blocked", detail="ab?c")


def test_a_group_that_moved_is_followed_as_often_as_it_did() -> None:
    notes = Notes()
    addresses = Addresses(notes)
    addresses.move(GROUP, ChatId(-6))
    addresses.move(ChatId(-6), ChatId(-7))
    assert addresses.of(GROUP) == ChatId(-7)
    assert addresses.of(ANNA) == ANNA
    assert addresses.moved == 2
    assert notes.take(0, wall(0)) == Page(moved={GROUP: ChatId(-6), ChatId(-6): ChatId(-7)})


def test_groups_that_move_in_circles_lead_somewhere() -> None:
    addresses = Addresses(Notes())
    addresses.move(GROUP, ChatId(-6))
    addresses.move(ChatId(-6), GROUP)
    assert addresses.of(GROUP) in {GROUP, ChatId(-6)}


def test_what_the_book_knows_is_known() -> None:
    notes = Notes()
    addresses = Addresses(notes)
    gone = Unreachable(reason="unknown", detail="chat not found")
    addresses.restore({GROUP: ChatId(-6)}, {ANNA: gone, ChatId(2): None})
    assert (addresses.closed(ANNA), addresses.closed(ChatId(2))) == ("unknown", None)
    assert addresses.of(GROUP) == ChatId(-6)
    assert notes.take(0, wall(0)) is None
