"""Which refund an operator's wish is, and which it cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.kernel.charges import Standing
from actors.kernel.ids import PaymentId
from actors.kernel.money import Money
from actors.payments.deeds import Impossible, Refund, RefundState, is_going_back, refund_of
from actors.payments.orders import Charge, Order, State
from tests.actors.payments.orders import NOON, charge, order, usd

PAID = order(State.GRANTED, charge(), sold=usd("10"), paid_at=NOON)
LATER = NOON + timedelta(days=1)


def wanted(
    of: Order = PAID,
    *known: Refund,
    total: str | None = None,
    payment_id: str | None = None,
) -> Refund | Impossible:
    return refund_of(
        of,
        known,
        payment_id=None if payment_id is None else PaymentId(payment_id),
        total=None if total is None else usd(total),
        now=LATER if known else NOON,
    )


def refund(state: RefundState = RefundState.PENDING, total: str | None = None) -> Refund:
    found = wanted(total=total)
    assert isinstance(found, Refund)
    return replace(found, state=state)


def test_without_a_word_all_of_the_only_charge_goes_back() -> None:
    found = refund()
    assert (found.total, found.amount, found.whole) == (usd("10"), usd("10"), True)
    assert (found.payment_id, found.chat_id, found.rail) == ("charge", PAID.chat_id, PAID.rail)
    assert (found.state, found.round, found.asked) == (RefundState.PENDING, 1, 0)


def test_a_total_tells_how_much_is_to_have_gone_back_in_all() -> None:
    assert refund(total="4").amount == usd("4")
    assert not refund(total="4").whole
    half = order(State.GRANTED, charge(Standing.REFUNDED, refunded=usd("4")), sold=usd("10"))
    rest = wanted(half)
    assert isinstance(rest, Refund)
    assert (rest.total, rest.amount) == (usd("10"), usd("6"))


def test_what_its_provider_has_taken_on_counts_before_it_reports_it() -> None:
    rest = wanted(PAID, refund(RefundState.DONE, "4"))
    assert isinstance(rest, Refund)
    assert rest.amount == usd("6")
    assert isinstance(wanted(PAID, refund(RefundState.DONE), total="4"), Impossible)


@pytest.mark.parametrize("state", [RefundState.PENDING, RefundState.DONE])
def test_the_same_total_is_the_same_refund(state: RefundState) -> None:
    known = refund(state, "4")
    assert wanted(PAID, known, total="4.00") == known


@pytest.mark.parametrize("shown", ["0", "3.99", "4"])
def test_what_is_done_is_asked_for_anew_after_a_day_without_a_report(shown: str) -> None:
    known = replace(refund(RefundState.DONE, "4"), due_at=NOON - timedelta(seconds=1))
    paid = order(State.GRANTED, charge(refunded=usd(shown)), sold=usd("10"), paid_at=NOON)
    again = wanted(paid, known, total="4")
    if shown == "4":
        assert again == known
    else:
        assert isinstance(again, Refund)
        assert (again.state, again.round, again.amount) == (RefundState.PENDING, 2, usd("4"))
        other = replace(refund(RefundState.PENDING, "9"), due_at=LATER)
        assert isinstance(wanted(paid, known, other, total="4"), Impossible)


def test_a_refund_that_its_provider_has_stays_as_he_has_it() -> None:
    known = replace(refund(RefundState.UNKNOWN, "10"), refund_id="r-7")
    paid = order(State.GRANTED, charge(refunded=usd("1")), sold=usd("10"), paid_at=NOON)
    again = wanted(paid, known)
    assert isinstance(again, Refund)
    assert (again.refund_id, again.amount, again.key) == ("r-7", usd("10"), known.key)


def test_a_refund_that_was_declined_is_another_one_under_another_name() -> None:
    declined = replace(refund(RefundState.DECLINED), detail="no money", asked=3)
    again = wanted(PAID, declined)
    assert isinstance(again, Refund)
    assert (again.round, again.asked, again.state) == (2, 0, RefundState.PENDING)
    assert again.key != declined.key
    assert isinstance(wanted(PAID, declined, total="4"), Refund)


@pytest.mark.parametrize(
    ("state", "shown", "going"),
    [
        (RefundState.PENDING, "0", True),
        (RefundState.UNKNOWN, "10", True),
        (RefundState.DONE, "9.99", True),
        (RefundState.DONE, "10", False),
        (RefundState.DECLINED, "0", False),
    ],
)
def test_money_is_on_its_way_back_until_its_provider_shows_it(
    state: RefundState, shown: str, *, going: bool
) -> None:
    late = order(State.LATE, charge(refunded=usd(shown)))
    assert is_going_back(late, [refund(state)]) is going
    assert not is_going_back(late, [])


def test_a_refund_of_which_nobody_knows_keeps_its_name() -> None:
    lost = replace(refund(RefundState.UNKNOWN), asked=9)
    again = wanted(PAID, lost)
    assert isinstance(again, Refund)
    assert (again.state, again.asked, again.wanted_at) == (RefundState.PENDING, 9, LATER)
    assert again.key == lost.key


def test_of_a_refund_of_which_nobody_knows_goes_back_what_somebody_has_not_given_by_hand() -> None:
    lost = replace(refund(RefundState.UNKNOWN, "5"), asked=9)
    by_hand = order(State.GRANTED, charge(Standing.REFUNDED, refunded=usd("3")), sold=usd("10"))
    again = wanted(by_hand, lost, total="5")
    assert isinstance(again, Refund)
    assert (again.total, again.amount, again.asked) == (usd("5"), usd("2"), 9)
    assert again.key != lost.key  # a key with another amount is refused
    whole = order(State.GRANTED, charge(Standing.REFUNDED, refunded=usd("5")), sold=usd("10"))
    assert wanted(whole, lost, total="5") == wanted(PAID, lost, total="5")  # reading it ends it


def test_names_differ_wherever_refunds_do() -> None:
    same = refund()
    others = [
        replace(same, payment_id=PaymentId("other")),
        replace(same, total=usd("4")),
        replace(same, round=2),
    ]
    assert len({each.key for each in [same, *others]}) == 4
    assert len(same.key) <= 64  # YooKassa's longest


@pytest.mark.parametrize("state", [RefundState.PENDING, RefundState.UNKNOWN])
def test_of_one_charge_one_refund_is_open_at_a_time(state: RefundState) -> None:
    assert isinstance(wanted(PAID, refund(state, "4"), total="6"), Impossible)


TWO = order(State.GRANTED, charge(), charge(name="b"), sold=usd("10"))
TAKEN = charge(Standing.DISPUTED, disputed=usd("10"))
PART = charge(Standing.DISPUTED, disputed=usd("4"))


@pytest.mark.parametrize(
    ("of", "total", "payment_id", "why"),
    [
        (PAID, "10.01", None, "at most 10.00 USD"),
        (PAID, "0", None, "more than nothing"),
        (PAID, "-1", None, "more than nothing"),
        (PAID, "9.999", None, "it has 2 decimals"),
        (PAID, None, "other", "no such charge"),
        (order(), None, None, "nothing was paid"),
        (TWO, None, None, "say which: charge, b"),
        (order(State.DISPUTED, TAKEN), None, None, "the payer's bank"),
        (order(State.DISPUTED, PART), "7", None, "at most 6.00 USD"),
        (order(State.REFUNDED, charge(refunded=usd("10"))), None, None, "10.00 USD of this"),
    ],
)
def test_what_cannot_go_back_is_said(
    of: Order, total: str | None, payment_id: str | None, why: str
) -> None:
    found = wanted(of, total=total, payment_id=payment_id)
    assert isinstance(found, Impossible)
    assert why in found.why


def test_a_charge_is_given_back_in_its_own_currency() -> None:
    euro: Charge = charge(received=Money.of("5", "EUR"))
    assert isinstance(wanted(order(State.HELD, euro), total="5"), Impossible)
    whole = wanted(order(State.HELD, euro))
    assert isinstance(whole, Refund)
    assert whole.total == Money.of("5", "EUR")
