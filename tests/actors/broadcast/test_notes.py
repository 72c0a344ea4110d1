"""What the book is to be told, until it has it."""

from __future__ import annotations

from datetime import timedelta

from actors.broadcast.buckets import ticks
from actors.broadcast.model import FLOOD_MAX_SECONDS
from actors.broadcast.notes import Notes, tick_of
from actors.broadcast.ports import Page, Unreachable
from actors.kernel.ids import ChatId
from tests.actors.broadcast.post import wall

ANNA, BORIS = ChatId(1), ChatId(2)
BLOCKED = Unreachable(reason="blocked", detail="bot was blocked by the user")


def test_there_is_no_page_without_news() -> None:
    assert Notes().take(0, wall(0)) is None


def test_times_are_merged_by_maximum_and_told_by_the_wall_clock() -> None:
    notes = Notes()
    notes.close_chat(ANNA, ticks(30))
    notes.close_chat(ANNA, ticks(20))
    notes.close_bulk(ticks(40))
    notes.close_bulk(ticks(35))
    page = notes.take(ticks(10), wall(1_000))
    assert page == Page(closings={ANNA: wall(1_020)}, bulk_closed_until=wall(1_030))


def test_one_page_is_on_its_way_at_a_time() -> None:
    notes = Notes()
    notes.mark(ANNA, BLOCKED)
    assert notes.take(0, wall(0)) == Page(unreachable={ANNA: BLOCKED})
    notes.move(BORIS, ChatId(-7))
    assert notes.take(0, wall(0)) is None
    assert not notes.taken(written=True)
    assert notes.take(0, wall(0)) == Page(moved={BORIS: ChatId(-7)})


def test_a_page_that_did_not_arrive_is_told_again_under_what_is_newer() -> None:
    notes = Notes()
    notes.mark(ANNA, BLOCKED)
    notes.mark(BORIS, BLOCKED)
    notes.close_chat(ANNA, ticks(30))
    notes.close_bulk(ticks(30))
    notes.spend(50)
    notes.take(0, wall(0))
    notes.mark(ANNA, None)
    notes.close_chat(ANNA, ticks(10))
    notes.close_chat(BORIS, ticks(10))
    assert notes.taken(written=False), "it said what is spent, and postage must know"
    assert notes.take(0, wall(0)) == Page(
        closings={ANNA: wall(30), BORIS: wall(10)},
        bulk_closed_until=wall(30),
        unreachable={ANNA: None, BORIS: BLOCKED},
    )


def test_a_time_in_the_book_becomes_a_tick_that_is_never_early_and_never_absurd() -> None:
    now = ticks(5)
    assert tick_of(wall(107.25), now=now, wall=wall(100)) == ticks(12.25)
    assert tick_of(wall(90), now=now, wall=wall(100)) == now
    far = wall(100) + timedelta(days=4000)
    assert tick_of(far, now=now, wall=wall(100)) == now + ticks(FLOOD_MAX_SECONDS)
