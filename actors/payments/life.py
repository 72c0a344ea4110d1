"""The life of an order, declared: from which state what leads where, and when. Pure.

`LIFE` is read from top to bottom: the first row that names the state and the event, and whose
guard holds, is taken. `step` is the only place where an order moves. What a charge means for its
order is decided by `heard_of`, from everything the order knows, so that reports may come late,
twice and out of order. docs/orders.md shows the same rows as a table and as a graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actors.kernel import transitions
from actors.kernel.charges import Payment, Standing
from actors.kernel.ledger import Transfer
from actors.payments import booking
from actors.payments.orders import ALIVE, DONE, ENDED, Charge, Order, State
from actors.payments.rules import (
    OVERTIME_SECONDS,
    Effect,
    Event,
    Occurrence,
    Remark,
    all_here,
    book_sale,
    count_attempt,
    dismiss,
    in_time,
    may_be_tried_again,
    never_sold,
    note_state,
    nothing_left,
    past_expiry,
    still_sold,
    take_checkout,
    was_granted,
    was_paid,
)

Transition = transitions.Transition[
    State, Event, Order, Effect, Remark, [Order, Occurrence, datetime]
]
"""One row of the life."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where an occurrence led, what has to be booked with it, and what follows from it."""

    order: Order
    transfers: tuple[Transfer, ...] = ()
    effect: Effect | None = None
    bubble: Remark | None = None


PROCESSING_SECONDS = 7 * 86_400
"""A chain or a delayed method may take days to confirm (NOWPayments: seven)."""
UNDERPAID_SECONDS = 86_400
"""The rest may follow for a day; then a person has to look."""
OPENING_SECONDS = 60
"""An attempt to open a checkout is given up for lost after this, and made again."""
DELIVERY_SECONDS = 60
"""What was bought is told again when nobody has confirmed it for so long."""


S, E = State, Event
ANY = tuple(State)
UNDER_WAY = (S.OPENING, S.WAITING, S.PROCESSING)
OPEN_QUESTIONS = (S.LATE, S.HELD)
ACCEPTABLE = (*OPEN_QUESTIONS, S.UNDERPAID)
"""States in which an operator may say that an order counts as paid."""
CHARGE_ENDS = (E.CHARGE_FAILED, E.CHARGE_EXPIRED)
INSIDE = tuple(event for event in Event if event not in {E.CANCEL, E.TAKE})


_row = Transition.of

LIFE: tuple[Transition, ...] = (
    # the checkout
    _row(S.OPENING, E.OPENED, S.WAITING, does=take_checkout),
    _row(S.OPENING, E.DECLINED, S.FAILED),
    _row(S.OPENING, E.POSTPONED, does=count_attempt),
    _row(S.OPENING, E.TIMED_OUT, S.EXPIRED, when=past_expiry),
    _row(S.OPENING, E.TIMED_OUT, effect=Effect.OPEN),
    # the money
    _row(ALIVE, E.PAID_IN_FULL, S.PAID, does=book_sale, effect=Effect.DELIVER),
    _row(S.HELD, E.PAID_IN_FULL, S.PAID, when=in_time, does=book_sale, effect=Effect.DELIVER),
    _row((*ENDED, S.HELD), E.PAID_IN_FULL, S.LATE, when=never_sold),
    _row(UNDER_WAY, E.PAID_SHORT, S.UNDERPAID),
    _row(ENDED, E.PAID_SHORT, S.HELD),
    _row((*ALIVE, *ENDED, S.LATE), E.STRANGE, S.HELD),
    _row((S.OPENING, S.WAITING), E.ON_THE_WAY, S.PROCESSING),
    _row(S.PROCESSING, CHARGE_ENDS, S.WAITING, when=may_be_tried_again),
    _row(UNDER_WAY, CHARGE_ENDS, when=may_be_tried_again),
    _row(UNDER_WAY, E.CHARGE_FAILED, S.FAILED),
    _row(UNDER_WAY, E.CHARGE_EXPIRED, S.EXPIRED),
    # the money goes back
    _row(S.DISPUTED, E.TAKEN_BACK),
    _row(ANY, E.TAKEN_BACK, S.DISPUTED, does=note_state),
    _row(S.DISPUTED, E.REINSTATED, S.REFUNDED, when=nothing_left),
    _row(S.DISPUTED, E.REINSTATED, S.GRANTED, when=was_granted),
    _row(S.DISPUTED, E.REINSTATED, S.PAID, when=was_paid, effect=Effect.DELIVER),
    _row(S.DISPUTED, E.REINSTATED, S.LATE, when=all_here),
    _row(S.DISPUTED, E.REINSTATED, S.HELD),
    _row(S.REFUNDED, E.PAID_IN_FULL, S.LATE, when=never_sold),
    _row(S.REFUNDED, (E.PAID_IN_FULL, E.PAID_SHORT, E.STRANGE), S.HELD),
    _row((*ALIVE, *ENDED, *DONE, *OPEN_QUESTIONS), E.WHOLLY_REFUNDED, S.REFUNDED),
    # time
    _row((S.WAITING, S.PROCESSING), E.TIMED_OUT, S.EXPIRED),
    _row(S.UNDERPAID, E.TIMED_OUT, S.HELD),
    # the customer
    _row((S.OPENING, S.WAITING), E.CANCEL, S.CANCELLED, says=Remark.CANCELLED),
    _row((S.PROCESSING, S.UNDERPAID), E.CANCEL, says=Remark.TOO_LATE_TO_CANCEL),
    _row(
        S.LATE,
        E.TAKE,
        S.PAID,
        when=still_sold,
        does=book_sale,
        effect=Effect.DELIVER,
        says=Remark.TAKEN,
    ),
    _row(S.LATE, E.TAKE, says=Remark.NOT_SOLD_ANY_MORE),
    _row(ANY, (E.CANCEL, E.TAKE), says=Remark.STALE),
    # a person
    _row(ACCEPTABLE, E.ACCEPT, S.PAID, does=book_sale, effect=Effect.DELIVER),
    _row(ANY, E.DISMISS, does=dismiss),
    # what was bought
    _row(S.PAID, E.TIMED_OUT, effect=Effect.DELIVER),
    _row(S.PAID, E.DELIVERED, S.GRANTED),
    _row(ANY, INSIDE),
)


def heard_of(order: Order, payment: Payment) -> tuple[Order, Event]:
    """The order that knows the present state of one of its charges, and what that means."""
    if order.knows(payment.payment_id, payment.version):
        return order, Event.NOTHING_NEW
    charge = Charge.of(payment)
    after = order.with_charge(charge)
    return after, _meaning(after, charge)


def step(order: Order, heard: Occurrence, *, now: datetime, before: Order | None = None) -> Step:
    """Where `heard` leads the order. `before` is the order as it was kept, where `order` knows
    more already (`heard_of`).
    """
    row = transition(order, heard, now=now)
    after = order if row.does is None else row.does(order, heard, now)
    after = replace(after, state=row.to or after.state)
    after = replace(after, deadline=_deadline(order, after, heard, now))
    deliver_by = now + timedelta(seconds=DELIVERY_SECONDS) if after.state is S.PAID else None
    if after.state is not order.state or heard.event is Event.TIMED_OUT:
        after = replace(after, deliver_by=deliver_by)
    return Step(after, booking.transfers(before or order, after), row.effect, row.says)


def objection(order: Order, event: Event) -> str:
    """Why an operator cannot decide so of this order, in one sentence; empty when he can."""
    if event is Event.ACCEPT and order.state not in ACCEPTABLE:
        *most, last = ACCEPTABLE
        return (
            f"only an order that is {', '.join(most)} or {last} can be accepted, "
            f"and this one is {order.state}"
        )
    if event is Event.DISMISS and order.concern is None:
        return "nobody has to look at this order"
    return ""


def has_come_of(order: Order, event: Event) -> bool:
    """The order stands as such a decision leaves it."""
    return order.dismissed if event is Event.DISMISS else order.state in DONE


def transition(order: Order, heard: Occurrence, *, now: datetime) -> Transition:
    """The row that applies. There always is one: the last rows of `LIFE` catch everything."""
    return transitions.first(LIFE, order.state, heard.event, order, heard, now)


_BARE: Mapping[Standing, Event] = {
    Standing.WAITING: Event.NOTHING_NEW,
    Standing.PROCESSING: Event.ON_THE_WAY,
    Standing.EXPIRED: Event.CHARGE_EXPIRED,
    Standing.FAILED: Event.CHARGE_FAILED,
}
"""What a charge without money means."""


def _meaning(order: Order, charge: Charge) -> Event:
    if charge.taken or charge.standing is Standing.DISPUTED:
        return Event.TAKEN_BACK if order.counts(charge) else Event.STRANGE
    if charge.won and order.state is State.DISPUTED:
        others = any(each.taken for each in order.counted)
        return Event.NOTHING_NEW if others else Event.REINSTATED
    if not charge.received:
        others = any(each.received for each in order.charges)
        ends = charge.standing in {Standing.EXPIRED, Standing.FAILED}
        still_open = any(
            each.standing in {Standing.WAITING, Standing.PROCESSING} for each in order.charges
        )
        if ends and (others or still_open):
            return Event.NOTHING_NEW
        return _BARE.get(charge.standing, Event.NOTHING_NEW)
    if charge.refunded and not any(each.kept for each in order.charges):
        return Event.WHOLLY_REFUNDED
    if charge.refunded and order.sold is not None:
        return Event.PARTLY_REFUNDED
    if not order.counts(charge):
        return Event.STRANGE
    return Event.PAID_SHORT if order.missing else Event.PAID_IN_FULL


def _deadline(before: Order, after: Order, heard: Occurrence, now: datetime) -> datetime | None:
    """When the state's time is up. Only `opening` begins its time anew by itself."""
    if after.state is before.state and after.state is not State.OPENING and before.version:
        return before.deadline
    match after.state:
        case State.OPENING:
            return heard.retry_at or now + timedelta(seconds=OPENING_SECONDS)
        case State.WAITING:
            return after.expires_at + timedelta(seconds=OVERTIME_SECONDS)
        case State.PROCESSING:
            return now + timedelta(seconds=PROCESSING_SECONDS)
        case State.UNDERPAID:
            return now + timedelta(seconds=UNDERPAID_SECONDS)
        case _:
            return None
