"""One report at the till: what is known of the charge and its order decides, once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, EventId, OrderId, PaymentId
from actors.kernel.ledger import KeyReused
from actors.kernel.money import Money
from actors.tracker import messages as tracker
from actors.tracker.settlement import Incomparable, Observation
from actors.tracker.till import ATTEMPTS_MAX, Queue, Till, why_refused
from tests.actors.tracker.shop import FlakyPayments, Orders

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDER = OrderId("a" * 32)


def told(
    amount: str = "10", *, number: int = 1, event_id: int | None = None, **more: object
) -> tracker.Observed:
    fields = {"standing": Standing.PAID, "order_id": ORDER} | more
    report = PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId(f"pi_{number}"),
        amount=Money.of(amount, "USD"),
        live=True,
        **fields,  # type: ignore[arg-type]
    )
    event = None if event_id is None else EventId(event_id)
    return tracker.Observed(report=report, event_id=event)


@pytest.fixture
def payments() -> FlakyPayments:
    return FlakyPayments()


@pytest.fixture
def till(payments: FlakyPayments) -> Till:
    orders = Orders()
    orders.known[ORDER] = ChatId(7)
    return Till(payments=payments, orders=orders, live=True, now=lambda: NOON)


async def test_the_order_is_looked_up_by_what_the_charge_carries(till: Till) -> None:
    seen = await till.settle(told())
    assert isinstance(seen, Observation)
    assert (seen.news, seen.after.chat_id) == (True, 7)


async def test_a_later_report_need_not_name_the_order(till: Till) -> None:
    await till.settle(told("4", standing=Standing.PARTIAL))
    seen = await till.settle(told(order_id=None))
    assert isinstance(seen, Observation)
    assert (seen.news, seen.after.chat_id) == (True, 7)


async def test_an_order_that_was_not_known_at_first_is_looked_up_again(
    till: Till, payments: FlakyPayments
) -> None:
    nobody = Till(payments=payments, orders=Orders(), live=True, now=lambda: NOON)
    first = await nobody.settle(told())
    assert isinstance(first, Observation)
    assert first.after.chat_id is None
    seen = await till.settle(told(order_id=None))
    assert isinstance(seen, Observation)
    assert (seen.news, seen.after.chat_id) == (True, 7)


async def test_nothing_new_is_not_written(till: Till, payments: FlakyPayments) -> None:
    await till.settle(told())
    payments.conflicts = 1
    await till.settle(told())
    assert payments.conflicts == 1
    await till.settle(told(event_id=3))
    assert payments.conflicts == 0


async def test_who_was_slower_looks_again(till: Till, payments: FlakyPayments) -> None:
    payments.conflicts = 1
    seen = await till.settle(told())
    assert isinstance(seen, Observation)
    assert seen.news, "the faster one may have been this very report, and nobody published it"
    again = await till.settle(told())
    assert isinstance(again, Observation)
    assert not again.news


async def test_a_race_without_an_end_is_an_outage(till: Till, payments: FlakyPayments) -> None:
    payments.conflicts = ATTEMPTS_MAX
    with pytest.raises(Unavailable, match="keeps changing"):
        await till.settle(told(event_id=1))


async def test_refusals_say_why(till: Till) -> None:
    await till.settle(told())
    seen = await till.settle(told(fee=Money.of("-1", "USD")))
    assert isinstance(seen, Incomparable)
    assert why_refused(seen) == "a total is negative"
    assert "another transfer under key" in why_refused(KeyReused("key"))
    fine = await till.settle(told())
    assert why_refused(fine) == ""


def test_reports_on_one_charge_wait_for_each_other_and_on_others_do_not() -> None:
    queue = Queue()
    first, second, third, other = told("1"), told("2"), told("3"), told(number=2)
    assert [queue.add(each) for each in (first, second, other, third)] == [True, False, True, False]
    assert len(queue) == 2
    assert queue.next(first) is second
    assert queue.next(other) is None
    assert queue.next(second) is third
    assert queue.next(third) is None
    assert len(queue) == 0
    assert queue.add(first)
