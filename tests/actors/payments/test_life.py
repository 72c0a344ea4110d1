"""The life of an order, as it is declared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel import ledger
from actors.kernel.charges import Payment, Rail, Standing
from actors.kernel.money import Money
from actors.payments.life import (
    DELIVERY_SECONDS,
    LIFE,
    OPENING_SECONDS,
    PROCESSING_SECONDS,
    UNDERPAID_SECONDS,
    heard_of,
    step,
)
from actors.payments.orders import ALIVE, DONE, ENDED, Concern, Order, State
from actors.payments.rules import OVERTIME_SECONDS, Effect, Event, Occurrence, Remark
from tests.actors.payments.orders import NOON, NOTHING, ORDER, PRICE, charge, order, payment, usd

EURO = Money.of("10", "EUR")


def moved(before: Order, event: Event, **came: object) -> Order:
    return step(before, Occurrence(event=event, **came), now=NOON).order  # type: ignore[arg-type]


def told(before: Order, *payments: Payment) -> Order:
    """The order after it heard of these."""
    for each in payments:
        known, event = heard_of(before, each)
        before = step(known, Occurrence(event=event), now=NOON, before=before).order
    return before


@pytest.mark.parametrize("event", Event)
def test_whatever_happens_there_is_a_row_for_it(event: Event) -> None:
    for state in State:
        after = step(order(state, charge()), Occurrence(event=event), now=NOON)
        assert after.order.state in State


def test_every_row_can_be_reached() -> None:
    """No row stands behind one without a guard that catches all it is for."""
    for number, row in enumerate(LIFE):
        caught = {
            (state, event)
            for earlier in LIFE[:number]
            if earlier.when is None
            for state in earlier.states
            for event in earlier.events
        }
        assert {(state, event) for state in row.states for event in row.events} - caught, row


def test_no_state_leads_back_to_life() -> None:
    """So that a chat has never two orders alive for the same."""
    for row in LIFE:
        if row.to in ALIVE:
            assert set(row.states) <= set(ALIVE)


def test_only_a_checkout_makes_an_order_payable() -> None:
    opening = order(State.OPENING, checkout_id=None, url=None)
    opened = moved(opening, Event.OPENED, checkout_id="cs", url="https://x")
    assert (opened.state, opened.checkout_id, opened.url) == (State.WAITING, "cs", "https://x")
    assert moved(order(State.CANCELLED), Event.OPENED, checkout_id="b", url="b").checkout_id != "b"


@pytest.mark.parametrize(
    ("standing", "how", "state"),
    [
        (Standing.WAITING, {}, State.WAITING),
        (Standing.PROCESSING, {}, State.PROCESSING),
        (Standing.PARTIAL, {"received": usd("9.99")}, State.UNDERPAID),
        (Standing.PAID, {"received": usd("9.99")}, State.UNDERPAID),
        (Standing.PAID, {}, State.PAID),
        (Standing.PAID, {"received": usd("10.01")}, State.PAID),
        (Standing.PARTIAL, {}, State.PAID),
        (Standing.PAID, {"received": EURO}, State.HELD),
        (Standing.PAID, {"live": False}, State.HELD),
        (Standing.PAID, {"parent": "a"}, State.HELD),
        (Standing.EXPIRED, {}, State.EXPIRED),
        (Standing.FAILED, {}, State.FAILED),
        (Standing.REFUNDED, {"refunded": usd("10")}, State.REFUNDED),
        (Standing.DISPUTED, {"disputed": usd("10")}, State.DISPUTED),
    ],
)
def test_what_one_charge_makes_of_an_order_that_waits(
    standing: Standing, how: dict[str, object], state: State
) -> None:
    assert told(order(), payment(standing, **how)).state is state  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ENDED)
def test_money_for_an_order_that_has_ended_grants_nothing(state: State) -> None:
    assert told(order(state), payment()).state is State.LATE
    assert told(order(state), payment(received=usd("1"))).state is State.HELD
    assert told(order(state), payment(Standing.PROCESSING)).state is state
    assert told(order(state), payment(received=EURO)).state is State.HELD


@pytest.mark.parametrize("state", DONE)
def test_what_was_granted_stays_granted(state: State) -> None:
    sold = order(state, charge(), sold=usd("10"), paid_at=NOON)
    for more in (
        payment(name="b"),
        payment(name="b", received=EURO),
        payment(name="b", parent="charge"),
        payment(Standing.FAILED, name="b"),
        payment(Standing.REFUNDED, refunded=usd("1"), version=2),
    ):
        after = told(sold, more)
        assert after.state is state
        assert len(after.charges) == len({more.payment_id, "charge"})
        assert step(sold, Occurrence(event=heard_of(sold, more)[1]), now=NOON).transfers == ()


COIN = order(State.PROCESSING, charge(Standing.PROCESSING), rail=Rail.NOWPAYMENTS)
"""Somebody pays with one of the coins of an invoice."""


@pytest.mark.parametrize(
    ("ends", "state"), [(Standing.EXPIRED, State.EXPIRED), (Standing.FAILED, State.FAILED)]
)
def test_one_coin_that_ends_leaves_time_for_another(ends: Standing, state: State) -> None:
    known, event = heard_of(COIN, payment(ends, version=2))
    again = step(known, Occurrence(event=event), now=NOON).order
    assert again.state is State.WAITING
    assert again.deadline == COIN.expires_at + timedelta(seconds=OVERTIME_SECONDS)
    assert told(again, payment(name="other coin")).state is State.PAID
    assert told(again, payment(ends, name="third coin")).state is State.WAITING
    known, event = heard_of(again, payment(ends, name="last coin"))
    assert step(known, Occurrence(event=event), now=COIN.expires_at).order.state is state
    card, event = heard_of(replace(COIN, rail=Rail.STRIPE), payment(ends, version=2))
    assert step(card, Occurrence(event=event), now=NOON).order.state is state


def test_a_coin_that_failed_pays_nothing_with_what_came() -> None:
    failed = payment(Standing.FAILED, received=usd("10"), name="coin")
    for before in (COIN, order(State.WAITING), order(State.EXPIRED)):
        held = told(before, failed)
        assert (held.state, held.concern) == (State.HELD, Concern.HELD)
        assert told(held, payment(Standing.PARTIAL, received=usd("1"), name="b")).sold is None
    granted = told(order(State.GRANTED, charge(), sold=usd("10")), failed)
    assert (granted.state, granted.concern) == (State.GRANTED, Concern.SURPLUS)


def test_several_charges_add_up() -> None:
    half = order(State.UNDERPAID, charge(received=usd("4")))
    assert told(half, payment(received=usd("5.99"), name="b")).state is State.UNDERPAID
    assert told(half, payment(received=usd("6"), name="b")).state is State.PAID


def test_one_charge_that_fails_leaves_the_others() -> None:
    two = order(State.PROCESSING, charge(Standing.PROCESSING))
    assert told(two, payment(Standing.FAILED, name="b")).state is State.PROCESSING
    assert told(two, payment(Standing.EXPIRED, version=2)).state is State.EXPIRED


@pytest.mark.parametrize(
    "reports",
    [
        (payment(Standing.WAITING), payment(Standing.PROCESSING, version=2), payment(version=3)),
        (payment(Standing.FAILED, name="a"), payment()),
        (payment(received=usd("4")), payment(received=usd("6"), name="b")),
    ],
)
def test_the_order_of_reports_decides_at_most_whether_it_was_late(
    reports: tuple[Payment, ...],
) -> None:
    ends = set()
    for each in permutations(reports):
        after = told(order(), *each)
        assert not after.missing
        ends.add(after.state)
    assert ends <= {State.PAID, State.LATE}


def test_what_is_known_is_nothing_new() -> None:
    once = told(order(), payment(version=2))
    for version in (1, 2):
        again, event = heard_of(once, payment(Standing.FAILED, version=version))
        assert (again, event) == (once, Event.NOTHING_NEW)


def test_an_order_held_for_a_while_is_paid_in_time_or_late() -> None:
    strange = told(order(), payment(received=EURO, name="euro"))
    known, event = heard_of(strange, payment())
    for seconds, state in ((0, State.PAID), (3_600 + OVERTIME_SECONDS, State.LATE)):
        later = NOON + timedelta(seconds=seconds)
        assert step(known, Occurrence(event=event), now=later).order.state is state


def test_a_late_payment_is_taken_only_at_a_price_that_still_holds() -> None:
    late = order(State.LATE, charge())
    refused = step(late, Occurrence(event=Event.TAKE), now=NOON)
    assert (refused.order.state, refused.bubble) == (State.LATE, Remark.NOT_SOLD_ANY_MORE)
    taken = step(late, Occurrence(event=Event.TAKE, still_sold=True), now=NOON)
    assert (taken.order.state, taken.effect) == (State.PAID, Effect.DELIVER)
    half = order(State.LATE, charge(refunded=usd("5")))
    assert moved(half, Event.TAKE, still_sold=True).state is State.LATE


@pytest.mark.parametrize("state", sorted(set(State) - {State.LATE}))
def test_nothing_but_a_late_order_can_be_taken(state: State) -> None:
    assert moved(order(state, charge()), Event.TAKE, still_sold=True).state is state


@pytest.mark.parametrize("state", State)
def test_only_what_waits_can_be_cancelled(state: State) -> None:
    after = step(order(state), Occurrence(event=Event.CANCEL), now=NOON)
    cancels = state in {State.OPENING, State.WAITING}
    assert after.order.state is (State.CANCELLED if cancels else state)
    assert after.bubble is not None


@pytest.mark.parametrize("state", State)
def test_an_operator_accepts_what_waits_for_a_person(state: State) -> None:
    after = moved(order(state, charge(received=usd("4"))), Event.ACCEPT)
    if state in {State.LATE, State.HELD, State.UNDERPAID}:
        assert (after.state, after.sold) == (State.PAID, usd("4"))
    else:
        assert after.state is state


def test_a_sale_is_booked_once_for_what_it_was_sold_for() -> None:
    known, event = heard_of(order(), payment(received=usd("12")))
    sold = step(known, Occurrence(event=event), now=NOON)
    assert sold.transfers == (ledger.sale(ORDER.order_id, ORDER.chat_id, usd("10")),)
    assert (sold.order.sold, sold.order.paid_at) == (usd("10"), NOON)
    assert step(sold.order, Occurrence(event=Event.DELIVERED), now=NOON).transfers == ()


def test_nothing_is_booked_for_a_gift_of_the_operator() -> None:
    gift = step(order(State.HELD, charge(received=EURO)), Occurrence(event=Event.ACCEPT), now=NOON)
    assert (gift.order.state, gift.transfers) == (State.PAID, ())
    assert gift.order.sold == NOTHING


def test_money_that_went_back_unsold_is_not_owed_any_more() -> None:
    late = order(State.LATE, charge())
    known, event = heard_of(late, payment(Standing.REFUNDED, refunded=usd("10"), version=2))
    back = step(known, Occurrence(event=event), now=NOON, before=late)
    assert back.order.state is State.REFUNDED
    fact = "USD:10.00:10.00:0.00"
    assert back.transfers == (ledger.returned(ORDER.order_id, ORDER.chat_id, usd("10"), fact=fact),)
    sold = order(State.GRANTED, charge(), sold=usd("10"), paid_at=NOON)
    known, event = heard_of(sold, payment(Standing.REFUNDED, refunded=usd("10"), version=2))
    assert step(known, Occurrence(event=event), now=NOON, before=sold).transfers == ()


@pytest.mark.parametrize(
    ("before", "event", "seconds"),
    [
        (order(State.OPENING), Event.OPENED, 3_600 + OVERTIME_SECONDS),
        (order(State.OPENING), Event.TIMED_OUT, OPENING_SECONDS),
        (order(State.WAITING), Event.ON_THE_WAY, PROCESSING_SECONDS),
        (order(State.WAITING), Event.PAID_SHORT, UNDERPAID_SECONDS),
        (order(State.WAITING, charge()), Event.PAID_IN_FULL, None),
        (order(State.WAITING), Event.CANCEL, None),
    ],
)
def test_each_state_has_its_time(before: Order, event: Event, seconds: int | None) -> None:
    after = moved(before, event)
    assert after.deadline == (None if seconds is None else NOON + timedelta(seconds=seconds))


def test_a_state_does_not_begin_its_time_anew() -> None:
    deadline = NOON + timedelta(seconds=5)
    waiting = order(State.WAITING, deadline=deadline)
    assert moved(waiting, Event.NOTHING_NEW).deadline == deadline
    short = order(State.UNDERPAID, charge(received=usd("1")), deadline=deadline)
    assert told(short, payment(received=usd("2"), name="b")).deadline == deadline


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (State.WAITING, State.EXPIRED),
        (State.PROCESSING, State.EXPIRED),
        (State.UNDERPAID, State.HELD),
        (State.GRANTED, State.GRANTED),
    ],
)
def test_time_ends_what_waits(state: State, ends: State) -> None:
    assert moved(order(state), Event.TIMED_OUT).state is ends


def test_a_checkout_is_asked_for_again_until_it_is_too_late() -> None:
    opening = order(State.OPENING)
    again = step(opening, Occurrence(event=Event.TIMED_OUT), now=NOON)
    assert (again.order.state, again.effect) == (State.OPENING, Effect.OPEN)
    over = step(opening, Occurrence(event=Event.TIMED_OUT), now=ORDER.expires_at)
    assert (over.order.state, over.effect) == (State.EXPIRED, None)
    retry_at = NOON + timedelta(seconds=7)
    postponed = moved(opening, Event.POSTPONED, retry_at=retry_at)
    assert (postponed.attempts, postponed.deadline) == (1, retry_at)


def test_goods_are_brought_until_telegram_has_confirmed_them() -> None:
    paid = told(order(), payment())
    assert paid.deliver_by == NOON + timedelta(seconds=DELIVERY_SECONDS)
    again = step(paid, Occurrence(event=Event.TIMED_OUT), now=ORDER.expires_at)
    assert again.effect is Effect.DELIVER
    assert again.order.deliver_by == ORDER.expires_at + timedelta(seconds=DELIVERY_SECONDS)
    granted = moved(paid, Event.DELIVERED)
    assert (granted.state, granted.deliver_by) == (State.GRANTED, None)


AMOUNTS = st.sampled_from([usd("0"), usd("4"), usd("6"), usd("10"), usd("12"), EURO])
REPORTS = st.builds(
    payment,
    st.sampled_from(Standing),
    AMOUNTS,
    name=st.sampled_from(["a", "b"]),
    refunded=st.sampled_from([None, None, usd("4"), usd("10")]),
    live=st.sampled_from([True, True, True, False]),
    parent=st.sampled_from([None, None, None, "a"]),
    version=st.integers(1, 9),
)
DEEDS = st.builds(
    Occurrence,
    event=st.sampled_from([Event.TIMED_OUT, Event.CANCEL, Event.TAKE, Event.DELIVERED]),
    still_sold=st.booleans(),
)


@given(st.lists(REPORTS | DEEDS, max_size=12))
def test_whatever_comes_in_whichever_order_nothing_is_given_away(
    course: list[Payment | Occurrence],
) -> None:
    now, seen, sales = order(), {State.WAITING}, 0
    for each in course:
        if isinstance(each, Payment):
            if each.received.currency != each.refunded.currency:
                continue  # the tracker refuses such a report
            known, event = heard_of(now, each)
            moved_on = step(known, Occurrence(event=event), now=NOON)
        else:
            known, moved_on = now, step(now, each, now=NOON)
        after = moved_on.order
        if after.state is State.PAID and now.state is not State.PAID:
            assert not known.missing
            assert after.sold == PRICE
        if after.state in ALIVE:
            assert seen <= set(ALIVE)
        if now.state is State.DISPUTED:
            assert after.state is State.DISPUTED
        sales += len([each for each in moved_on.transfers if each.key.endswith(":sale")])
        assert {c.payment_id for c in now.charges} <= {c.payment_id for c in after.charges}
        seen.add(after.state)
        now = after
    assert sales <= 1
    assert sales == (now.sold is not None)
