"""The places of reading: pure decisions, so mostly properties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import RecordId
from actors.tracker.model import (
    FIRST_LOOK_BACK_SECONDS,
    OVERLAP_SECONDS,
    Page,
    Place,
    Row,
)

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def page(
    *seconds: float, first_id: int = 1, last: bool = True, server: float | None = None
) -> Page:
    rows = tuple(
        Row(record_id=RecordId(first_id + index), paid=True, updated_at=at(second))
        for index, second in enumerate(seconds)
    )
    server_time = None if server is None else at(server)
    return Page(rows=rows, size=len(rows), last=last, server_time=server_time)


def test_the_first_place_lies_before_the_servers_own_time() -> None:
    assert Place.first(at(0.7)).after == at(-FIRST_LOOK_BACK_SECONDS)


def test_an_empty_answer_moves_nothing() -> None:
    place = Place(after=at(0))
    assert place.end(page(server=60), reached=place.turn(page()), quiet=False, now=NOON) == place


def test_the_newest_changes_are_read_again_once() -> None:
    place = Place(after=at(0))
    answer = page(10, 20, server=21)
    ended = place.end(answer, reached=place.turn(answer), quiet=False, now=NOON)
    assert ended == Place(after=at(20 - OVERLAP_SECONDS), newest=at(20))
    again = page(20, server=41)
    assert ended.end(again, reached=ended.turn(again), quiet=True, now=NOON).after == at(21)


def test_changes_without_a_time_move_on_with_the_servers_clock() -> None:
    place = Place(after=at(0))
    row = Row(record_id=RecordId(1), paid=True)
    for server, after in ((60, 0), (600, 600 - FIRST_LOOK_BACK_SECONDS)):
        answer = Page(rows=(row,), size=1, last=True, server_time=at(server))
        ended = place.end(answer, reached=place.turn(answer), quiet=False, now=NOON)
        assert ended == Place(after=at(after))


def test_a_place_moves_back_only_with_the_servers_clock() -> None:
    place = Place(after=at(100), newest=at(100))
    answer = page(101, server=102)
    assert place.end(answer, reached=place.turn(answer), quiet=False, now=NOON).after == at(100)
    set_back = page(server=50)
    moved = place.end(set_back, reached=place.turn(set_back), quiet=False, now=NOON)
    assert moved == Place(after=at(50 - OVERLAP_SECONDS))


def test_a_stamp_from_the_future_does_not_hide_what_follows() -> None:
    place = Place(after=at(0))
    answer = page(10, 1_000_000, server=11)
    moved = place.end(answer, reached=place.turn(answer), quiet=False, now=NOON)
    assert moved.after < at(11)


def test_an_absurd_server_clock_corrects_nothing() -> None:
    place = Place(after=at(0))
    answer = Page(rows=(), size=0, last=True, server_time=datetime(1970, 1, 1, tzinfo=UTC))
    assert place.end(answer, reached=place, quiet=False, now=NOON) == place


def test_a_full_page_goes_on_by_time_and_within_one_second_by_count() -> None:
    place = Place(after=at(0))
    spread = page(10, 11, 12, last=False)
    assert place.turn(spread) == Place(after=at(11), newest=at(12))
    at_once = page(12, 12, 12, last=False)
    turned = Place(after=at(11), newest=at(12)).turn(at_once)
    assert turned == Place(after=at(11), skip=3, newest=at(12))
    assert turned.turn(at_once).skip == 6


def served(stamps: Sequence[int], place: Place, limit: int, *, strictly: bool) -> Page:
    """What a server answers that has these stamps, by id; not `strictly` is what sqlite does."""
    rows = sorted(
        (
            Row(record_id=RecordId(index + 1), paid=True, updated_at=at(stamp))
            for index, stamp in enumerate(stamps)
            if at(stamp) > place.after or (at(stamp) == place.after and not strictly)
        ),
        key=lambda row: (row.updated_at or NOON, row.record_id),
    )
    window = rows[place.skip : place.skip + limit]
    last = place.skip + limit >= len(rows)
    return Page(rows=tuple(window), size=len(window), last=last)


@given(
    stamps=st.lists(st.integers(1, 30), max_size=60),
    limit=st.integers(1, 20),
    quiet=st.booleans(),
    strictly=st.booleans(),
)
def test_page_after_page_nothing_is_left_out(
    stamps: list[int], limit: int, *, quiet: bool, strictly: bool
) -> None:
    start = place = Place(after=at(0))
    seen: set[RecordId] = set()
    for _ in range(2 * len(stamps) + 40):
        answer = served(stamps, place, limit, strictly=strictly)
        seen |= {row.record_id for row in answer.rows}
        if answer.last:
            break
        place = place.turn(answer)
    else:
        raise AssertionError("it never ends")
    assert seen == {RecordId(index + 1) for index in range(len(stamps))}
    ended = start.end(answer, reached=place.turn(answer), quiet=quiet, now=NOON)
    assert ended.skip == 0
    assert ended.after <= at(max(stamps, default=0) + 1)
