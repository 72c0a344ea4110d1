"""The guards and changes of an order's life."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.payments import rules
from actors.payments.orders import State
from actors.payments.rules import OVERTIME_SECONDS, Event, Occurrence
from tests.actors.payments.orders import NOON, charge, order, usd

ANY = Occurrence(event=Event.TAKE)


@pytest.mark.parametrize(
    ("seconds", "past", "in_time"),
    [
        (3_599, False, True),
        (3_600, True, True),
        (3_600 + OVERTIME_SECONDS - 1, True, True),
        (3_600 + OVERTIME_SECONDS, True, False),
    ],
)
def test_an_order_expires_before_money_for_it_is_late(
    seconds: int, past: bool, in_time: bool
) -> None:
    now = NOON + timedelta(seconds=seconds)
    assert rules.past_expiry(order(), ANY, now) is past
    assert rules.in_time(order(), ANY, now) is in_time


def test_what_is_taken_late_is_still_sold_and_still_paid() -> None:
    sold = Occurrence(event=Event.TAKE, still_sold=True)
    assert rules.still_sold(order(State.LATE, charge()), sold, NOON)
    assert not rules.still_sold(order(State.LATE, charge()), ANY, NOON)
    assert not rules.still_sold(order(State.LATE, charge(refunded=usd("1"))), sold, NOON)


def test_changes_remember_what_came() -> None:
    opened = Occurrence(event=Event.OPENED, checkout_id="a", url="b")
    after = rules.take_checkout(order(), opened, NOON)
    assert (after.checkout_id, after.url) == ("a", "b")
    assert rules.count_attempt(order(attempts=1), ANY, NOON).attempts == 2


@pytest.mark.parametrize(("kept", "sold"), [("4", "4"), ("10", "10"), ("11", "10")])
def test_nothing_is_sold_for_more_than_its_price_or_than_was_paid(kept: str, sold: str) -> None:
    after = rules.book_sale(order(State.WAITING, charge(received=usd(kept))), ANY, NOON)
    assert (after.sold, after.paid_at) == (usd(sold), NOON)
