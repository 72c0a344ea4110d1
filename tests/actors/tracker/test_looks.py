"""What is asked next; the tracker's other tests play whole looks, these its decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.tracker.looks import CHANGES_OFF_SECONDS, PAGES_MAX, Changes, Chunk, Looks, ask
from actors.tracker.model import Page, Place, Row
from actors.tracker.roster import Roster
from adapters.memory.tracker import MemoryPaidRecords

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLACE = Place(after=NOON)


def looks_of(*record_ids: int, chunk_rows: int = 10) -> Looks:
    roster = Roster()
    for record_id in record_ids:
        roster.add(RecordId(record_id), ChatId(record_id))
    return Looks(roster, chunk_rows=chunk_rows, now=0.0)


def page(*record_ids: int, last: bool = True) -> Page:
    rows = tuple(
        Row(record_id=RecordId(number), paid=True, updated_at=NOON + timedelta(seconds=number))
        for number in record_ids
    )
    return Page(rows=rows, size=len(rows), last=last, server_time=NOON)


def test_changes_are_asked_about_once_it_is_known_where_they_begin() -> None:
    looks = looks_of(1)
    assert looks.begin(0.0) is None
    looks.reconciled([RecordId(1)], page(1), now=NOON, rows_max=10)
    assert looks.place == Place.first(NOON)
    assert looks.begin(0.0) == Changes(Place.first(NOON))
    looks.forget()
    assert looks.begin(0.0) is None


def test_a_look_reads_so_many_pages_and_no_more() -> None:
    looks = looks_of(1)
    looks.place = PLACE
    question = looks.begin(0.0)
    asked = 0
    while question is not None:
        asked += 1
        full = page(asked, last=False)
        question = looks.read_on(question.place, full, now=NOON, clock=0.0)
    assert asked == PAGES_MAX
    assert looks.place is not None
    assert looks.place.newest == NOON + timedelta(seconds=PAGES_MAX)
    assert looks.begin(1.0) == Changes(looks.place)


def test_an_empty_page_that_is_not_the_last_ends_the_look() -> None:
    looks = looks_of(1)
    looks.place = PLACE
    assert looks.read_on(PLACE, page(last=False), now=NOON, clock=0.0) is None


def test_a_table_that_cannot_tell_its_changes_is_not_asked_for_them_for_a_while() -> None:
    looks = looks_of(1)
    looks.place = Place(after=NOON, skip=7)
    looks.changes_off(100.0)
    looks.begin_again()
    assert looks.place == PLACE
    assert looks.begin(100.0 + CHANGES_OFF_SECONDS - 1) is None
    assert looks.begin(100.0 + CHANGES_OFF_SECONDS) == Changes(PLACE)


def test_a_chunk_is_as_large_as_both_sides_allow() -> None:
    looks = looks_of(*range(1, 30), chunk_rows=10)
    assert looks.chunk(4) == Chunk(tuple(RecordId(number) for number in (1, 2, 3, 4)))
    chunk = looks.chunk(100)
    assert chunk is not None
    assert len(chunk.record_ids) == 10
    assert looks_of().chunk(4) is None


def test_after_a_refusal_half_is_asked_and_then_more_again() -> None:
    looks = looks_of(*range(1, 30), chunk_rows=8)
    refused = looks.chunk(8)
    assert refused is not None
    looks.narrow(refused.record_ids)
    half = looks.chunk(8)
    assert half == Chunk(refused.record_ids[:4])
    assert half is not None
    looks.reconciled(half.record_ids, page(), now=NOON, rows_max=8)
    again = looks.chunk(8)
    assert again is not None
    assert len(again.record_ids) == 8


def test_what_a_small_page_left_out_was_not_read() -> None:
    looks = looks_of(1, 2, 3)
    asked = [RecordId(number) for number in (1, 2, 3)]
    assert looks.reconciled(asked, page(1, last=False), now=NOON, rows_max=9) == {1}
    assert looks.reconciled(asked, page(1), now=NOON, rows_max=9) == {1, 2, 3}


async def test_a_table_that_does_not_answer_is_an_answer() -> None:
    table = MemoryPaidRecords(now=lambda: NOON)
    away = Unavailable("away")
    table.outcomes.extend([away, None, None])
    assert await ask(table, Changes(PLACE)) is away
    assert isinstance(await ask(table, Changes(PLACE)), Page)
    assert isinstance(await ask(table, Chunk((RecordId(1),))), Page)
    assert table.questions == [PLACE, PLACE, (1,)]
