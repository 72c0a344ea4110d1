"""What every store of refunds keeps its word about, in memory and in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import PaymentId
from actors.kernel.money import Money
from actors.payments.deeds import OPEN, UNSHOWN, Deed, Refund, RefundState, What
from actors.tracker.settlement import Observation, observe
from tests.adapters.contract.stores import KINDS, Stores, stores_of
from tests.adapters.contract.test_orders import ANNA, BARE, FIRST, NOON, PRICE, SECOND, other

A_MINUTE = timedelta(minutes=1)
HALF = Refund(
    rail=Rail.YOOKASSA,
    payment_id=PaymentId("22e12f66"),
    order_id=FIRST,
    chat_id=ANNA,
    received=PRICE,
    total=Money.of("400.000000001", "RUB"),
    amount=Money.of("300.000000001", "RUB"),
    wanted_at=NOON,
    due_at=NOON,
)
WHOLE = replace(HALF, total=PRICE, amount=Money.of("590", "RUB"), wanted_at=NOON + A_MINUTE)


def deed(number: int = 1, **changes: object) -> Deed:
    """What olga did."""
    bare = Deed(
        deed_id=UUID(int=number),
        order_id=FIRST,
        what=What.REFUND,
        who="olga",
        why="просила 🔥",
        at=NOON,
    )
    return replace(bare, **changes)  # type: ignore[arg-type]


def report_of_refund(refunded: Money) -> PaymentReport:
    """The charge of `HALF`, as its provider tells of it."""
    return PaymentReport(
        rail=HALF.rail,
        payment_id=HALF.payment_id,
        standing=Standing.REFUNDED,
        amount=PRICE,
        live=True,
        refunded=refunded,
    )


async def test_a_refund_comes_back_as_it_was_wanted(stores: Stores) -> None:
    await stores.orders.save(BARE)
    assert await stores.refunds.want(HALF, deed())
    assert await stores.refunds.of_order(FIRST) == (HALF,)
    assert await stores.refunds.pending(limit=9) == (HALF,)
    assert await stores.refunds.of_order(SECOND) == ()
    assert await stores.orders.deeds(FIRST) == (deed(),)


async def test_wanted_again_it_is_the_same_and_nothing_begins_anew(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    await stores.refunds.asking(HALF, again_at=NOON + A_MINUTE)
    assert await stores.refunds.want(HALF, deed())
    (kept,) = await stores.refunds.of_order(FIRST)
    assert (kept.asked, kept.due_at) == (1, NOON + A_MINUTE)
    assert await stores.orders.deeds(FIRST) == (deed(),)


@pytest.mark.parametrize("state", RefundState)
async def test_of_one_charge_one_is_open_at_a_time(stores: Stores, state: RefundState) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    if state is not RefundState.PENDING:
        await stores.refunds.end(HALF, state, detail="said")
    kept = await stores.refunds.want(WHOLE, deed(2))
    assert kept is (state not in OPEN)
    assert len(await stores.refunds.of_order(FIRST)) == 1 + kept
    assert len(await stores.orders.deeds(FIRST)) == 1 + kept
    elsewhere = replace(WHOLE, payment_id=PaymentId("another"))
    assert await stores.refunds.want(elsewhere, deed(3))


async def test_each_time_the_provider_is_asked_counts_once(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    for _ in range(2):
        await stores.refunds.asking(HALF, again_at=NOON + A_MINUTE)
    (kept,) = await stores.refunds.pending(limit=9)
    assert kept == replace(HALF, asked=1, due_at=NOON + A_MINUTE)
    await stores.refunds.asking(kept, again_at=NOON + 2 * A_MINUTE)
    (kept,) = await stores.refunds.pending(limit=9)
    assert kept.asked == 2


async def test_the_providers_id_is_kept_until_it_is_wanted_anew(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    await stores.refunds.under_way(replace(HALF, round=2), "another round's")
    for _ in range(2):
        await stores.refunds.under_way(HALF, "r-7")
    kept = replace(HALF, refund_id="r-7")
    assert await stores.refunds.pending(limit=9) == (kept,)
    await stores.refunds.asking(kept, again_at=NOON + A_MINUTE)
    (asked,) = await stores.refunds.pending(limit=9)
    assert asked == replace(kept, asked=1, due_at=NOON + A_MINUTE)
    await stores.refunds.end(asked, RefundState.DECLINED, detail="no")
    await stores.refunds.under_way(asked, "too late")
    assert (await stores.refunds.of_order(FIRST))[0].refund_id == "r-7"
    await stores.refunds.want(replace(HALF, round=2), deed(2))
    assert await stores.refunds.pending(limit=9) == (replace(HALF, round=2),)


async def test_what_is_done_and_shown_by_no_report_is_counted_after_a_day(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    late = NOON + UNSHOWN + A_MINUTE
    assert await stores.refunds.unshown(now=late) == 0  # it is pending
    await stores.refunds.end(HALF, RefundState.DONE, detail="")
    assert await stores.refunds.unshown(now=NOON + UNSHOWN) == 0
    assert await stores.refunds.unshown(now=late) == 1
    for refunded, count in (("400", 1), ("400.000000001", 0)):
        seen = report_of_refund(Money.of(refunded, "RUB"))
        before = await stores.payments.load(HALF.rail, HALF.payment_id)
        observed = observe(before, seen, None, live=True)
        assert isinstance(observed, Observation)
        await stores.payments.record(observed, event_id=None, at=NOON)
        assert await stores.refunds.unshown(now=late) == count


async def test_the_longest_due_come_first(stores: Stores) -> None:
    await stores.orders.save(BARE)
    for number, minutes in enumerate((2, 0, 1)):
        due_at = NOON + minutes * A_MINUTE
        wanted = replace(HALF, payment_id=PaymentId(f"p{number}"), due_at=due_at)
        await stores.refunds.want(wanted, deed(number))
    found = await stores.refunds.pending(limit=2)
    assert [each.payment_id for each in found] == ["p1", "p2"]


async def test_what_has_ended_stays_as_it_ended(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    await stores.refunds.end(HALF, RefundState.DONE, detail="")
    await stores.refunds.end(HALF, RefundState.DECLINED, detail="too late")
    await stores.refunds.asking(HALF, again_at=NOON + A_MINUTE)
    await stores.refunds.want(HALF, deed())
    assert await stores.refunds.of_order(FIRST) == (replace(HALF, state=RefundState.DONE),)
    assert await stores.refunds.pending(limit=9) == ()


async def test_what_was_declined_begins_a_new_round_which_old_answers_leave_alone(
    stores: Stores,
) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    await stores.refunds.end(HALF, RefundState.DECLINED, detail="no money")
    again = replace(HALF, round=2, wanted_at=NOON + A_MINUTE, amount=Money.of("1", "RUB"))
    assert await stores.refunds.want(again, deed(2))
    await stores.refunds.end(HALF, RefundState.DONE, detail="of the first round")
    assert await stores.refunds.pending(limit=9) == (again,)


async def test_what_nobody_knows_is_counted_and_can_be_tried_again(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.refunds.want(HALF, deed())
    assert await stores.refunds.unknown() == 0
    await stores.refunds.end(HALF, RefundState.UNKNOWN, detail="no answer")
    assert await stores.refunds.unknown() == 1
    again = replace(HALF, asked=5, wanted_at=NOON + A_MINUTE)
    assert await stores.refunds.want(again, deed(2))
    assert await stores.refunds.pending(limit=9) == (again,)


async def test_a_text_that_cannot_be_stored_keeps_nothing(stores: Stores) -> None:
    await stores.orders.save(BARE)
    with pytest.raises(ValueError, match="NUL"):
        await stores.refunds.want(HALF, deed(why="\0"))
    assert await stores.refunds.of_order(FIRST) == ()


async def test_the_refunds_of_an_order_come_in_the_order_of_the_wish(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.orders.save(other(7))
    await stores.refunds.want(WHOLE, deed())
    await stores.refunds.want(replace(HALF, payment_id=PaymentId("b")), deed(2))
    found = await stores.refunds.of_order(FIRST)
    assert [each.payment_id for each in found] == ["b", WHOLE.payment_id]


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)
