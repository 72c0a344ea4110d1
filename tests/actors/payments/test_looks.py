"""How often a provider is asked about one checkout."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from actors.kernel.charges import Rail
from actors.payments.looks import (
    LATE_SECONDS,
    LOOK_MAX_SECONDS,
    SETTLED_SECONDS,
    OpenCheckout,
    again_at,
    look_seconds,
)
from actors.payments.orders import State
from tests.actors.payments.orders import NOON, ORDER

CHECKOUT = OpenCheckout(
    order_id=ORDER.order_id,
    rail=Rail.STRIPE,
    checkout_id="cs",
    state=State.WAITING,
    expires_at=NOON,
    looks=0,
    look_at=NOON - timedelta(hours=1),
)
SETTLED = replace(CHECKOUT, state=State.GRANTED)
LATE = timedelta(seconds=LATE_SECONDS)


def looks_at(checkout: OpenCheckout) -> list[OpenCheckout]:
    """Each look until there are no more."""
    looks = [checkout]
    while (at := again_at(looks[-1], now=looks[-1].look_at)) is not None:
        looks.append(replace(looks[-1], look_at=at, looks=looks[-1].looks + 1))
    return looks


def test_a_checkout_that_nobody_pays_is_looked_at_a_dozen_times_in_eight_days() -> None:
    looks = looks_at(CHECKOUT)
    assert 11 <= len(looks) <= 13
    assert NOON + timedelta(days=5) < looks[-1].look_at < NOON + LATE


def test_what_may_still_come_is_looked_for_until_it_is_too_late() -> None:
    expired = replace(CHECKOUT, state=State.EXPIRED)
    pause = timedelta(seconds=look_seconds(0))
    almost = NOON + LATE - pause - timedelta(seconds=1)
    assert again_at(expired, now=almost) == almost + pause
    assert again_at(expired, now=NOON + LATE - pause) is None


def test_pauses_grow_up_to_two_days() -> None:
    assert look_seconds(0) == 60
    assert look_seconds(1) == 150
    assert look_seconds(1_000_000) == LOOK_MAX_SECONDS
    assert again_at(CHECKOUT, now=NOON, jitter=1.5) == NOON + timedelta(seconds=90)


def test_a_settled_order_is_looked_at_each_time_when_it_is_twice_as_old() -> None:
    looks = looks_at(replace(SETTLED, look_at=NOON))
    assert [(look.look_at - NOON).days for look in looks] == [0, 1, 3, 7, 15, 31, 63, 125]


def test_a_settled_order_is_looked_at_until_its_charge_cannot_be_disputed() -> None:
    last = NOON + timedelta(seconds=SETTLED_SECONDS)
    assert again_at(SETTLED, now=last - timedelta(seconds=1)) == last
    assert again_at(SETTLED, now=last) is None


def test_who_was_paid_before_its_time_was_up_is_looked_at_after_a_day() -> None:
    paid = NOON - timedelta(minutes=59)
    assert again_at(SETTLED, now=paid) == paid + timedelta(days=1)
