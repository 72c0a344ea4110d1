"""Which checkouts are to be looked at, as every store of orders keeps its word about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId, PaymentId
from actors.payments.looks import LOOK_FIRST_SECONDS, OpenCheckout
from actors.payments.orders import UNSETTLED, Order, State
from tests.adapters.contract.stores import KINDS, Stores, stores_of
from tests.adapters.contract.test_orders import BARE, CHARGE, FIRST, NOON, PRICE, later, other

FAR = datetime(2100, 1, 1, tzinfo=UTC)
RAILS = tuple(Rail)
DAY = timedelta(days=1)
OPENED: dict[str, Any] = {"state": State.WAITING, "checkout_id": "cs_1", "url": "https://x"}
SOLD: dict[str, Any] = {"sold": PRICE, "paid_at": NOON}


async def found(stores: Stores, order_id: OrderId) -> OpenCheckout:
    """One checkout, as it is to be looked at next."""
    page = await stores.orders.checkouts(RAILS, now=FAR, limit=999)
    return next(each for each in page if each.order_id == order_id)


async def opened(stores: Stores, number: int, *, look_at: datetime, **changes: object) -> None:
    """An order with a checkout that is to be looked at then."""
    await stores.orders.save(other(number, **{**OPENED, **SOLD, **changes}))
    known = await found(stores, other(number).order_id)
    await stores.orders.looked(known, again_at=look_at)


async def numbers(stores: Stores, *rails: Rail, now: datetime, limit: int = 99) -> list[int]:
    """Which are due."""
    page = await stores.orders.checkouts(rails, now=now, limit=limit)
    return [int(each.order_id, 16) for each in page]


async def test_a_checkout_is_looked_at_until_it_never_is_again(stores: Stores) -> None:
    await stores.orders.save(BARE)
    assert await stores.orders.checkouts(RAILS, now=FAR, limit=9) == ()
    order = later(BARE, **OPENED)
    await stores.orders.save(order)
    (checkout,) = await stores.orders.checkouts(RAILS, now=FAR, limit=9)
    assert (checkout.order_id, checkout.rail, checkout.checkout_id) == (FIRST, BARE.rail, "cs_1")
    assert (checkout.state, checkout.looks, checkout.charges) == (State.WAITING, 0, ())
    assert checkout.expires_at == BARE.expires_at
    await stores.orders.looked(checkout, again_at=NOON + DAY, answered=False)
    checkout = await found(stores, FIRST)
    assert (checkout.look_at, checkout.looks) == (NOON + DAY, 0)
    for _ in range(2):  # carried out twice, it counts once
        await stores.orders.looked(checkout, again_at=NOON)
    await stores.orders.save(later(order, state=State.EXPIRED))
    (checkout,) = await stores.orders.checkouts(RAILS, now=NOON, limit=9)
    assert (checkout.state, checkout.looks, checkout.look_at) == (State.EXPIRED, 1, NOON)
    assert await stores.orders.checkouts(RAILS, now=NOON - DAY, limit=9) == ()
    await stores.orders.looked(checkout, again_at=None)
    assert await stores.orders.checkouts(RAILS, now=FAR, limit=9) == ()


async def test_a_checkout_knows_the_charges_that_its_order_has_heard_of(stores: Stores) -> None:
    charges = (CHARGE, replace(CHARGE, payment_id=PaymentId('ї:"2')))
    await stores.orders.save(replace(BARE, **OPENED, charges=charges))
    assert (await found(stores, FIRST)).charges == tuple(each.payment_id for each in charges)


async def test_checkouts_wait_a_little_before_the_first_look(stores: Stores) -> None:
    for number in (1, 2, 3):
        await stores.orders.save(other(number, **OPENED))
    assert LOOK_FIRST_SECONDS > 1
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert await stores.orders.checkouts(RAILS, now=long_ago, limit=9) == ()
    third = await found(stores, other(3).order_id)
    await stores.orders.looked(third, again_at=long_ago)
    assert await numbers(stores, BARE.rail, now=FAR, limit=2) == [3, 1]


@pytest.mark.parametrize("state", [state for state in State if state not in UNSETTLED])
@pytest.mark.parametrize("dropped", [False, True])
async def test_whoever_is_settled_is_looked_at_anew(
    stores: Stores, state: State, *, dropped: bool
) -> None:
    order = other(1, **OPENED)
    await stores.orders.save(order)
    first = await found(stores, order.order_id)
    await stores.orders.looked(first, again_at=None if dropped else NOON + 999 * DAY)
    settled = later(order, state=state, **SOLD)
    await stores.orders.save(settled)
    seen = await found(stores, order.order_id)
    assert first.look_at <= seen.look_at < first.look_at + DAY
    assert seen.state is state
    await stores.orders.looked(seen, again_at=NOON + 3 * DAY)
    await stores.orders.save(later(settled, view_version=9))
    assert (await found(stores, order.order_id)).look_at == NOON + 3 * DAY


async def test_who_was_settled_during_a_look_keeps_his_time(stores: Stores) -> None:
    order = other(1, **OPENED)
    await stores.orders.save(order)
    seen = await found(stores, order.order_id)
    await stores.orders.looked(seen, again_at=NOON)
    looked_at = await found(stores, order.order_id)
    await stores.orders.save(later(order, state=State.PAID, **SOLD))
    settled = await found(stores, order.order_id)
    for again_at in (None, NOON + DAY):
        await stores.orders.looked(looked_at, again_at=again_at)
        assert await found(stores, order.order_id) == settled


async def test_without_a_checkout_there_is_nothing_to_look_at(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.orders.save(later(BARE, state=State.HELD))
    assert await stores.orders.next_look() is None


async def test_each_rail_has_a_page_and_the_unsettled_come_first(stores: Stores) -> None:
    stripe: dict[str, Any] = {"rail": Rail.STRIPE}
    yookassa: dict[str, Any] = {"rail": Rail.YOOKASSA}
    await opened(stores, 1, look_at=NOON, state=State.GRANTED, **stripe)
    await opened(stores, 2, look_at=NOON + 2 * DAY, **stripe)
    await opened(stores, 3, look_at=NOON + DAY, state=State.EXPIRED, **stripe)
    await opened(stores, 4, look_at=NOON - DAY, state=State.LATE, **stripe)
    await opened(stores, 5, look_at=NOON - 2 * DAY, **yookassa)
    await opened(stores, 6, look_at=FAR - DAY, **stripe)
    due = NOON + 9 * DAY
    assert await numbers(stores, Rail.STRIPE, now=due) == [3, 2, 4, 1]
    assert await numbers(stores, Rail.STRIPE, now=due, limit=3) == [3, 2, 4]
    assert sorted(await numbers(stores, *Rail, now=due, limit=1)) == [3, 5]
    assert await numbers(stores, Rail.STARS, now=due) == []
    assert await numbers(stores, now=due) == []


async def test_many_are_dropped_at_once(stores: Stores) -> None:
    for number in (1, 2, 3):
        await opened(stores, number, look_at=NOON + number * DAY)
    page = await stores.orders.checkouts(RAILS, now=NOON + 2 * DAY, limit=9)
    await stores.orders.looked(*page, again_at=None, answered=False)
    assert await numbers(stores, BARE.rail, now=FAR) == [3]


async def test_the_next_look_is_the_earliest_of_those_to_come(stores: Stores) -> None:
    assert await stores.orders.next_look() is None
    assert await stores.orders.next_look(after=NOON) is None
    for number in (1, 2, 3):
        await opened(stores, number, look_at=NOON + number * DAY)
    assert await stores.orders.next_look() == NOON + DAY
    assert await stores.orders.next_look(after=NOON) == NOON + DAY
    assert await stores.orders.next_look(after=NOON + DAY) == NOON + 2 * DAY
    await stores.orders.looked(await found(stores, _id(2)), again_at=None)
    assert await stores.orders.next_look(after=NOON + DAY) == NOON + 3 * DAY


def _id(number: int) -> OrderId:
    order: Order = other(number)
    return order.order_id


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)
