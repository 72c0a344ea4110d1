"""Who waits, in which order: pure decisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId, RecordId
from actors.tracker.model import Row, Watch
from actors.tracker.roster import ABSENCES_UNTIL_MISSING, Roster


def roster(*record_ids: int) -> Roster:
    made = Roster()
    for record_id in record_ids:
        made.add(RecordId(record_id), ChatId(record_id * 10))
    return made


def test_told_twice_one_waits_once() -> None:
    waiting = roster(1)
    assert not waiting.add(RecordId(1), ChatId(10))
    assert len(waiting) == 1
    for _ in range(2):
        waiting.remove(RecordId(1), ChatId(10))
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


def test_a_chat_that_waits_for_another_record_is_not_removed_with_this_one() -> None:
    waiting = roster(3)
    waiting.add(RecordId(4), ChatId(40))
    waiting.remove(RecordId(3), ChatId(40))
    assert (len(waiting), waiting.take(5)) == (2, (3, 4))


def test_who_cancelled_is_looked_after_and_not_missed() -> None:
    waiting = roster(1, 2)
    assert not waiting.add(RecordId(1), ChatId(10), cancelled=True)
    assert (len(waiting), waiting.waiting, waiting.take(5)) == (2, 1, (1, 2))
    for _ in range(ABSENCES_UNTIL_MISSING):
        waiting.answered((RecordId(1), RecordId(2)), [row(2, 20)])
    assert waiting.missing == 0
    assert waiting.paid_by([row(1, 10), row(1, None)]) == (watch(1, 10),)
    assert not waiting.add(RecordId(1), ChatId(10))
    assert (waiting.waiting, waiting.missing) == (2, 1)
    for again in (False, True):
        waiting.add(RecordId(1), ChatId(10), cancelled=True)
        waiting.remove(RecordId(1), ChatId(10))
        assert (len(waiting), waiting.waiting) == (1, 1), again


def test_a_row_that_names_nobody_belongs_to_who_waits_rather_than_to_who_cancelled() -> None:
    waiting = roster(3)
    waiting.add(RecordId(3), ChatId(30), cancelled=True)
    assert waiting.paid_by([row(3, None)]) == (watch(3, 30),)
    waiting.add(RecordId(3), ChatId(31))
    assert waiting.paid_by([row(3, None)]) == (watch(3, 31),)
    assert waiting.paid_by([row(3, 30)]) == (watch(3, 30),)


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
                waiting.remove(RecordId(number), ChatId(number))
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
