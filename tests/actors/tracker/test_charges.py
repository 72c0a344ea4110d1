"""What providers report goes through the tracker: kept, booked, published once, settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import ChatId, EventId, OrderId, PaymentId
from actors.kernel.money import Money
from actors.tracker import messages as tracker
from actors.tracker.actor import PaymentTracker
from actors.tracker.charges import PAGE_MAX, PAGE_SECONDS, REPEAT_SECONDS
from runtime import ActorRef, ActorStarted
from runtime.testing import Probe, TestSystem
from tests.actors.tracker.shop import HOUR, Shop

ORDER = OrderId("a" * 32)
ANNA = ChatId(7)


def report(
    amount: str = "10", standing: Standing = Standing.PAID, *, number: int = 1, **more: object
) -> PaymentReport:
    fields = {"order_id": ORDER, "live": True} | more
    return PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId(f"pi_{number}"),
        standing=standing,
        amount=Money.of(amount, "USD"),
        **fields,  # type: ignore[arg-type]
    )


@dataclass
class Desk:
    """A shop, one life of its tracker, and who hears it."""

    shop: Shop = field(default_factory=Shop)
    published: Probe = field(default_factory=Probe)
    settled: Probe = field(default_factory=Probe)

    def __post_init__(self) -> None:
        self.shop.orders.known[ORDER] = ANNA

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TestSystem]:
        async with self.shop.open() as (system, ref):
            self.ref: ActorRef[PaymentTracker] = ref
            system.events.subscribe(tracker.OrderPaymentChanged, self.published)
            await trio.sleep(0.1)
            yield system

    def tell(self, told: PaymentReport, event_id: int | None = None) -> None:
        self.ref.tell(
            tracker.Observed(
                report=told,
                event_id=None if event_id is None else EventId(event_id),
                notify=self.settled,
            )
        )

    async def hear(self, told: PaymentReport, event_id: int | None = None) -> None:
        self.tell(told, event_id)
        await trio.sleep(0.1)

    def record(self, number: int = 1, version: int = 99) -> None:
        """The order has recorded it."""
        self.shop.payments.connection.tables.mark_charge_recorded(
            Rail.STRIPE, PaymentId(f"pi_{number}"), version
        )

    @property
    def news(self) -> list[tuple[str, str]]:
        """What was published, in short."""
        return [(each.payment.payment_id, each.payment.standing) for each in self.published.told]

    @property
    def ended(self) -> list[int]:
        assert all(not each.refused for each in self.settled.told)
        return [each.event_id for each in self.settled.told]

    async def received(self) -> list[str]:
        trial = await self.shop.payments.trial_balance(thorough=True)
        assert (trial.imbalance, trial.drift) == ((), ())
        return [str(each.amount) for each in trial.balances if each.account == "provider:stripe"]


async def test_a_payment_is_kept_booked_published_and_settled() -> None:
    desk = Desk()
    async with desk.open():
        await desk.hear(report(), 5)
        (told,) = desk.published.told
        payment = await desk.shop.payments.load(Rail.STRIPE, PaymentId("pi_1"))
        assert payment is not None
        assert told == tracker.OrderPaymentChanged(order_id=ORDER, chat_id=ANNA, payment=payment)
        assert desk.ended == [5]
        assert await desk.received() == ["10.00 USD"]


async def test_told_again_it_is_settled_and_no_news() -> None:
    desk = Desk()
    async with desk.open():
        for event_id in (1, 2, 3):
            await desk.hear(report(), event_id)
        await desk.hear(report())
        await desk.hear(report(standing=Standing.PROCESSING), 4)
        assert desk.news == [("pi_1", "paid")]
        assert desk.ended == [1, 2, 3, 4]
        assert await desk.received() == ["10.00 USD"]


async def test_one_charge_goes_forward_in_the_order_in_which_it_was_told() -> None:
    desk = Desk()
    desk.shop.payments.latency_seconds = 0.5
    async with desk.open():
        desk.tell(report("0", Standing.WAITING), 1)
        desk.tell(report("4", Standing.PARTIAL), 2)
        desk.tell(report("10"), 3)
        await trio.sleep(5)
        assert desk.news == [("pi_1", "waiting"), ("pi_1", "partial"), ("pi_1", "paid")]
        assert [each.payment.version for each in desk.published.told] == [1, 2, 3]
        assert desk.ended == [1, 2, 3]
        assert desk.shop.payments.at_once_max == 1


async def test_different_charges_do_not_wait_for_each_other() -> None:
    desk = Desk()
    desk.shop.payments.latency_seconds = 1.0
    async with desk.open():
        for number in range(1, 51):
            desk.tell(report(number=number), number)
        await desk.shop.register(desk.ref, 1)
        await trio.sleep(1.1)
        assert sorted(desk.ended) == list(range(1, 51))
        assert desk.shop.payments.at_once_max == 50


async def test_what_the_order_does_not_record_is_published_again() -> None:
    desk = Desk()
    async with desk.open():
        await desk.hear(report())
        await desk.hear(report(number=2))
        desk.record(2)
        await trio.sleep(2 * REPEAT_SECONDS)
        assert 2 <= len(desk.news) - 1 <= 3
        assert desk.news.count(("pi_2", "paid")) == 1
        desk.record(1)
        before = len(desk.news)
        await trio.sleep(HOUR)
        assert len(desk.news) == before


async def test_what_was_not_recorded_is_published_after_a_restart() -> None:
    desk = Desk()
    async with desk.open():
        await desk.hear(report())
    desk.published = Probe()
    async with desk.shop.open() as (system, _):
        system.events.subscribe(tracker.OrderPaymentChanged, desk.published)
        await trio.sleep(1)
        assert desk.news == [("pi_1", "paid")]
        desk.record()
        await trio.sleep(HOUR)
    assert desk.news == [("pi_1", "paid")]


async def test_an_order_that_takes_its_time_is_not_told_twice() -> None:
    desk = Desk()
    async with desk.open():
        await trio.sleep(REPEAT_SECONDS - 2)
        await desk.hear(report())
        await trio.sleep(REPEAT_SECONDS - 5)
        assert desk.news == [("pi_1", "paid")]


async def test_news_of_many_charges_come_page_by_page() -> None:
    desk = Desk()
    async with desk.open():
        for number in range(PAGE_MAX + 10):
            desk.tell(report(number=number))
        await trio.sleep(5)
    desk.published = Probe()
    async with desk.shop.open() as (system, _):
        system.events.subscribe(tracker.OrderPaymentChanged, desk.published)
        await trio.sleep(PAGE_SECONDS / 2)
        assert len(desk.published.told) == PAGE_MAX
        await trio.sleep(PAGE_SECONDS)
        assert len(set(desk.news)) == len(desk.news) == PAGE_MAX + 10


async def test_money_without_an_order_is_booked_and_nobody_hears_of_it() -> None:
    desk = Desk()
    async with desk.open():
        await desk.hear(report(order_id=OrderId("b" * 32)), 1)
        await desk.hear(report(number=2, order_id=None), 2)
        assert (desk.news, desk.ended) == ([], [1, 2])
        assert await desk.received() == ["20.00 USD"]
        unmatched = await desk.shop.payments.unmatched(limit=9)
        assert [each.payment_id for each in unmatched] == ["pi_1", "pi_2"]


async def test_test_money_is_told_and_not_booked() -> None:
    desk = Desk()
    async with desk.open():
        await desk.hear(report(live=False), 1)
        assert desk.news == [("pi_1", "paid")]
        assert not desk.published.told[0].payment.live
        assert await desk.received() == []


async def test_a_contradiction_is_refused_and_the_others_go_on() -> None:
    desk = Desk()
    async with desk.open() as system:
        await desk.hear(report(), 1)
        desk.tell(report(live=False), 2)
        await desk.hear(report("12"), 3)
        refused = {each.event_id: each.refused for each in desk.settled.told}
        assert refused == {1: "", 2: "real money and test money in one charge", 3: ""}
        assert system.dead_letters == []


async def test_a_report_that_breaks_us_is_refused_and_the_others_go_on() -> None:
    desk = Desk()
    async with desk.open() as system:
        desk.tell(_poison(), 1)
        await desk.hear(report(), 2)
        refused = {each.event_id: each.refused for each in desk.settled.told}
        assert refused[1] == "a fault of ours, see the log: ValueError"
        assert refused[2] == ""
        assert system.dead_letters == []
        assert {type(each) for each in system.incidents} == {ActorStarted}


def _poison() -> PaymentReport:
    """Its id does not fit into a key of the ledger, and not into a text of PostgreSQL."""
    return PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId("\0" * 400),
        standing=Standing.PAID,
        amount=Money.of("1", "USD"),
        live=True,
    )


@pytest.mark.parametrize("away", [1, 3])
async def test_while_the_store_is_away_nothing_is_settled(away: int) -> None:
    desk = Desk()
    async with desk.open() as system:
        desk.shop.payments.away = away
        await desk.hear(report(), 1)
        assert (desk.ended, desk.news) == ([], [])
        await trio.sleep(HOUR)
        await desk.hear(report(), 1)
        assert (desk.ended, desk.news) == ([1], [("pi_1", "paid")])
        assert system.dead_letters == []


async def test_an_answer_that_got_lost_books_and_publishes_once() -> None:
    desk = Desk()
    async with desk.open():
        desk.shop.payments.lost_answers = 1
        await desk.hear(report(), 1)
        await trio.sleep(30)
        assert desk.news == [("pi_1", "paid")]  # found unrecorded by the tracker that came back
        await desk.hear(report(), 1)
        assert (desk.ended, desk.news) == ([1], [("pi_1", "paid")])
        assert await desk.received() == ["10.00 USD"]


async def test_who_was_slower_publishes_what_he_found() -> None:
    desk = Desk()
    async with desk.open():
        desk.shop.payments.conflicts = 1
        await desk.hear(report(), 1)
        assert (desk.ended, desk.news) == ([1], [("pi_1", "paid")])
        assert await desk.received() == ["10.00 USD"]
