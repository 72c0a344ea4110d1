"""The places of reading and the roster: pure decisions, so mostly properties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId, RecordId
from actors.tracker.model import (
    ABSENCES_UNTIL_MISSING,
    FIRST_LOOK_BACK_SECONDS,
    OVERLAP_SECONDS,
    Page,
    Place,
    Roster,
    Row,
    Watch,
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


def roster(*record_ids: int) -> Roster:
    made = Roster()
    for record_id in record_ids:
        made.add(RecordId(record_id), ChatId(record_id * 10))
    return made


# --- Place -----------------------------------------------------------------------------------


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


# --- Roster ----------------------------------------------------------------------------------


def test_told_twice_one_waits_once() -> None:
    waiting = roster(1)
    assert not waiting.add(RecordId(1), ChatId(10))
    assert len(waiting) == 1
    for _ in range(2):
        waiting.remove(RecordId(1))
        assert len(waiting) == 0
    assert waiting.take(5) == ()


def row(record_id: int, chat_id: int | None, *, paid: bool = True) -> Row:
    named = None if chat_id is None else ChatId(chat_id)
    return Row(record_id=RecordId(record_id), paid=paid, chat_id=named)


def watch(record_id: int, chat_id: int) -> Watch:
    return Watch(record_id=RecordId(record_id), chat_id=ChatId(chat_id))


def test_a_chat_waits_for_the_record_it_named_last() -> None:
    waiting = roster(1)
    assert waiting.add(RecordId(2), ChatId(10))
    assert waiting.take(5) == (2,)
    assert waiting.paid_by([row(2, None)]) == (watch(2, 10),)
    assert waiting.paid_by([row(1, None)]) == ()


def test_the_person_in_the_row_decides_and_the_id_only_without_one() -> None:
    waiting = roster(3)  # chat 30
    assert waiting.paid_by([row(3, 30), row(4, 30)]) == (watch(3, 30),)
    assert waiting.paid_by([row(4, 30)]) == (watch(3, 30),)
    assert waiting.paid_by([row(3, None)]) == (watch(3, 30),)
    assert waiting.paid_by([row(3, 31), row(4, None), row(3, 30, paid=False)]) == ()


def test_two_may_wait_for_one_id_and_only_its_owner_has_a_row() -> None:
    waiting = roster(3)
    assert waiting.add(RecordId(3), ChatId(31))
    assert (len(waiting), waiting.take(5)) == (2, (3,))
    for _ in range(ABSENCES_UNTIL_MISSING):
        waiting.answered((RecordId(3),), [row(3, 31, paid=False)])
    assert (waiting.missing, waiting.nameless) == (1, 0)
    waiting.answered((RecordId(3),), [row(3, None)])
    assert (waiting.missing, waiting.nameless) == (0, 2)
    assert waiting.paid_by([row(3, 31)]) == (watch(3, 31),)
    waiting.remove(RecordId(3), ChatId(31))
    assert (len(waiting), waiting.nameless, waiting.take(5)) == (1, 1, (3,))


def test_a_pass_visits_everybody_then_begins_anew() -> None:
    waiting = roster(1, 2, 3)
    assert [waiting.take(2), waiting.take(2), waiting.take(2)] == [(1, 2), (3, 1), (2,)]


def test_newcomers_are_next_and_do_not_stop_the_pass() -> None:
    waiting = roster(*range(1, 9))
    waiting.take(8)
    assert waiting.take(4) == (1, 2, 3, 4)
    for record_id in range(100, 108):
        waiting.add(RecordId(record_id), ChatId(record_id * 10))
    assert waiting.take(4) == (100, 101, 102, 5)


def test_the_restored_do_not_keep_newcomers_waiting() -> None:
    waiting = Roster()
    for record_id in range(1, 9):
        waiting.add(RecordId(record_id), ChatId(record_id * 10), restored=True)
    waiting.add(RecordId(100), ChatId(1_000))
    assert waiting.take(4) == (100, 1, 2, 3)
    assert waiting.take(9) == (4, 5, 6, 7, 8)


def test_what_was_put_back_is_next() -> None:
    waiting = roster(1, 2, 3, 4)
    taken = waiting.take(3)
    waiting.put_back(taken)
    assert waiting.take(3) == taken


def test_a_row_absent_once_may_be_an_accident_twice_it_is_missing() -> None:
    waiting = roster(1, 2)
    for _ in range(ABSENCES_UNTIL_MISSING):
        assert waiting.missing == 0
        waiting.answered((RecordId(1), RecordId(2)), [row(2, 20)])
    assert waiting.missing == 1
    assert len(waiting) == 2
    waiting.answered((RecordId(1),), [row(1, 10)])
    assert waiting.missing == 0


STEP = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 12)),
    st.tuples(st.just("remove"), st.integers(1, 12)),
    st.tuples(st.just("take"), st.integers(1, 5)),
    st.tuples(st.just("put back"), st.integers(1, 5)),
)


@given(st.lists(STEP, max_size=60))
def test_whatever_happens_everybody_who_waits_gets_his_turn(steps: list[tuple[str, int]]) -> None:
    waiting, expected = Roster(), set[RecordId]()
    for step, number in steps:
        match step:
            case "add":
                waiting.add(RecordId(number), ChatId(number))
                expected.add(RecordId(number))
            case "remove":
                waiting.remove(RecordId(number))
                expected.discard(RecordId(number))
            case "take":
                taken = waiting.take(number)
                assert len(set(taken)) == len(taken) <= number
                assert expected.issuperset(taken)
            case _:
                waiting.put_back(waiting.take(number))
    assert len(waiting) == len(expected)
    seen: set[RecordId] = set()
    for _ in range(3 * len(expected) + len(steps)):
        seen.update(waiting.take(2))
    assert seen == expected
