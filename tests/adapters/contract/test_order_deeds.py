"""What every store of orders knows of those that a person looks after, and of what he did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from actors.kernel.failures import Conflict
from actors.kernel.ids import OrderId
from actors.payments.deeds import Deed, What
from actors.payments.orders import DONE, Order, State
from tests.adapters.contract.stores import KINDS, Stores, stores_of
from tests.adapters.contract.test_orders import (
    BARE,
    CHARGE,
    FIRST,
    NOON,
    PRICE,
    SECOND,
    later,
    other,
)


async def test_what_waits_is_counted_with_the_oldest(stores: Stores) -> None:
    nothing = await stores.orders.counts()
    assert (nothing.ungranted, nothing.ungranted_since) == (0, None)
    assert (nothing.for_a_person, nothing.for_a_person_since) == (0, None)
    for number, state in enumerate(State, start=1):
        paid = {"sold": PRICE, "paid_at": NOON + timedelta(seconds=number)}
        await stores.orders.save(other(number, state=state, **(paid if state in DONE else {})))
    older = other(99, state=State.PAID, sold=PRICE, paid_at=NOON - timedelta(days=1))
    await stores.orders.save(older)
    counts = await stores.orders.counts()
    assert (counts.ungranted, counts.ungranted_since) == (2, older.paid_at)
    assert counts.for_a_person == 3
    assert counts.for_a_person_since is not None


async def test_what_concerns_a_person_is_listed_page_by_page_the_oldest_first(
    stores: Stores,
) -> None:
    twice = (replace(CHARGE, live=True, parent=None, disputed=PRICE, refunded=PRICE),)
    assert await stores.orders.concerning(limit=9) == ()
    several: tuple[dict[str, object], ...] = (
        {"state": State.LATE, "created_at": NOON + timedelta(seconds=1)},
        {"state": State.GRANTED, "sold": PRICE, "paid_at": NOON},
        {"state": State.DISPUTED, "charges": twice},
        {"state": State.HELD, "dismissed": True},
        {"state": State.HELD, "created_at": NOON - timedelta(days=1)},
        {"state": State.LATE},
    )
    for number, changes in enumerate(several):
        await stores.orders.save(other(number, **changes))
    found: list[Order] = []
    while page := await stores.orders.concerning(
        limit=2, after=found[-1].order_id if found else None
    ):
        found += page
    assert [order.order_id[-1] for order in found] == ["4", "2", "5", "0"]
    assert await stores.orders.load(found[1].order_id) == found[1]
    assert await stores.orders.concerning(limit=9, after=OrderId("f" * 32)) == ()
    assert (await stores.orders.counts()).for_a_person == 4


async def test_what_an_operator_did_is_kept_with_the_order_and_once(stores: Stores) -> None:
    deeds = [
        Deed(
            deed_id=UUID(int=number),
            order_id=FIRST,
            what=what,
            who="olga",
            why="sie hat gefragt, ü",
            at=NOON + timedelta(seconds=number),
        )
        for number, what in enumerate(What)
    ]
    await stores.orders.save(BARE)
    version = BARE
    for deed in reversed(deeds):
        version = later(version)
        await stores.orders.save(version, deed=deed)
    assert await stores.orders.deeds(FIRST) == tuple(deeds)
    assert await stores.orders.deeds(SECOND) == ()
    with pytest.raises(Conflict):
        await stores.orders.save(version, deed=replace(deeds[0], deed_id=UUID(int=9)))
    assert len(await stores.orders.deeds(FIRST)) == len(deeds)


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)
