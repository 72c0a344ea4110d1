"""What an order knows about the money that came for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.kernel.charges import Standing
from actors.kernel.ids import MessageId, PaymentId
from actors.kernel.money import Money
from actors.payments.orders import ALIVE, DONE, ENDED, Charge, Order, State
from tests.actors.payments.orders import NOON, NOTHING, ORDER, charge, order, payment, usd


def test_an_order_without_charges_misses_its_price() -> None:
    assert (ORDER.kept, ORDER.missing, ORDER.surplus) == (NOTHING, ORDER.price, NOTHING)
    assert not ORDER.coming
    assert ORDER.strange == ()


@pytest.mark.parametrize(
    ("charges", "kept", "missing", "surplus"),
    [
        ([charge()], "10", "0", "0"),
        ([charge(received=usd("4"))], "4", "6", "0"),
        ([charge(received=usd("4")), charge(received=usd("7"), name="b")], "11", "0", "1"),
        ([charge(refunded=usd("3"))], "7", "3", "0"),
        ([charge(Standing.DISPUTED, disputed=usd("10"))], "0", "10", "0"),
        ([charge(parent="a")], "0", "10", "10"),
        ([charge(Standing.FAILED, received=usd("10"))], "0", "10", "10"),
        ([charge(), charge(received=usd("2"), parent="charge", name="b")], "10", "0", "2"),
        ([charge(live=False)], "0", "10", "0"),
        ([charge(received=Money.of("10", "EUR"))], "0", "10", "0"),
        ([charge(Standing.PROCESSING)], "0", "10", "0"),
    ],
)
def test_what_counts_is_what_fits(
    charges: list[Charge], kept: str, missing: str, surplus: str
) -> None:
    paid = order(State.WAITING, *charges)
    assert (paid.kept, paid.missing, paid.surplus) == (usd(kept), usd(missing), usd(surplus))


def test_what_can_never_fit_is_strange() -> None:
    euros, test = charge(received=Money.of("1", "EUR")), charge(live=False, name="test")
    empty = charge(Standing.WAITING, live=False, name="empty")
    again = charge(parent="charge", name="again")
    assert order(State.HELD, euros, test, empty, again, charge()).strange == (euros, test)


def test_what_went_back_is_the_sum_of_both_ways() -> None:
    back = charge(refunded=usd("3"), disputed=usd("2"))
    assert order(State.GRANTED, back).given_back == usd("5")
    assert back.kept == usd("5")


def test_money_on_its_way_is_seen() -> None:
    assert order(State.WAITING, charge(Standing.PROCESSING)).coming
    assert not order(State.WAITING, charge()).coming


def test_an_order_remembers_the_newest_of_each_charge() -> None:
    first, other = charge(Standing.WAITING), charge(name="other")
    newest = charge(version=2)
    after = order(State.WAITING, first, other).with_charge(newest)
    assert after.charges == (other, newest)
    assert after.knows(PaymentId("charge"), 2)
    assert after.knows(PaymentId("charge"), 1)
    assert not after.knows(PaymentId("charge"), 3)
    assert not after.knows(PaymentId("stranger"), 1)


def test_a_charge_is_what_the_tracker_knows_of_it() -> None:
    told = payment(Standing.REFUNDED, refunded=usd("1"), parent="p", version=4)
    known = Charge.of(told)
    for name in ("payment_id", "version", "standing", "received", "refunded", "live", "parent"):
        assert getattr(known, name) == getattr(told, name)
    assert known.kept == told.received - told.refunded - told.disputed


@pytest.mark.parametrize(
    "names", [("deadline",), ("deliver_by", "deadline"), ("show_by", "deadline")]
)
def test_the_first_of_its_times_wakes_an_order(names: tuple[str, ...]) -> None:
    times = {name: NOON + timedelta(seconds=n) for n, name in enumerate(names)}
    assert order(State.WAITING, **times).due_at == NOON
    assert order().due_at is None


def test_an_unconfirmed_panel_is_unshown() -> None:
    assert order(view_version=2, shown_version=1).unshown
    assert not order(view_version=2, shown_version=2, panel_message_id=MessageId(1)).unshown


def test_states_are_grouped_without_overlap() -> None:
    groups = [*ALIVE, *ENDED, *DONE]
    assert len(set(groups)) == len(groups)
    assert set(State) - set(groups) == {State.LATE, State.HELD, State.REFUNDED, State.DISPUTED}
    assert isinstance(ORDER, Order)
