"""Stars: never more than the budget, and never forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast.postage import Postage


def test_nothing_is_affordable_before_it_is_in_the_book() -> None:
    postage = Postage(budget_tenths=100, per_second=20)
    assert not postage.affordable()
    assert postage.reservation() == 10
    assert postage.reservation() is None, "one at a time"
    assert not postage.affordable()
    postage.reserved(written=True)
    assert postage.affordable()
    assert postage.reservation() is None


def test_the_next_amount_is_reserved_while_half_of_the_last_one_is_left() -> None:
    postage = Postage(budget_tenths=100, per_second=20)
    postage.reservation()
    postage.reserved(written=True)
    for _ in range(5):
        assert postage.reservation() is None
        postage.spend()
    postage.spend()
    assert postage.reservation() == 16


def test_what_could_not_be_written_is_asked_for_again() -> None:
    postage = Postage(budget_tenths=100, per_second=20)
    postage.reservation()
    postage.reserved(written=False)
    assert not postage.affordable()
    assert postage.reservation() == 10


def test_without_a_rate_or_a_budget_nothing_is_spent() -> None:
    for postage in (
        Postage(budget_tenths=100, per_second=0),
        Postage(budget_tenths=0, per_second=1000),
    ):
        assert postage.reservation() is None
        assert not postage.affordable()
        assert postage.used_up


def test_what_was_spent_before_counts_and_a_smaller_budget_is_used_up() -> None:
    postage = Postage(budget_tenths=50, per_second=1000)
    postage.restore(70)
    assert postage.used_up
    assert not postage.affordable()
    assert postage.reservation() is None
    assert postage.settlement() is None
    assert postage.spent_tenths == 70


def test_an_orderly_end_gives_back_what_was_reserved_and_not_used() -> None:
    postage = Postage(budget_tenths=1000, per_second=20)
    postage.restore(30)
    postage.reservation()
    postage.reserved(written=True)
    postage.spend()
    postage.spend()
    postage.refund()
    assert postage.settlement() == 31


@given(
    budget=st.integers(0, 300),
    per_second=st.integers(1, 1000),
    written=st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.booleans()), max_size=60),
)
def test_whatever_fails_and_crashes_the_book_is_never_below_what_was_spent(
    budget: int, per_second: int, written: list[tuple[bool, int, bool]]
) -> None:
    book, truth = 0, 0
    postage = Postage(budget_tenths=budget, per_second=per_second)
    for durable, messages, crashes in written:
        asked = postage.reservation()
        if asked is not None:
            book = asked if durable else book
            postage.reserved(written=durable)
        for _ in range(messages):
            if postage.affordable():
                postage.spend()
                truth += 1
        assert truth <= book <= budget
        if crashes:
            postage = Postage(budget_tenths=budget, per_second=per_second)
            postage.restore(book)
    assert truth <= budget
