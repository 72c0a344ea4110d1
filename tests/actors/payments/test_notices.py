"""Administrators are told of each payment once at most, and nothing is lost without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.actor import BroadcastDispatcher
from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, MessageId, OrderId, PaymentId
from actors.kernel.money import Money
from actors.operations import messages as operations
from actors.payments.notices import (
    DRAIN_SECONDS,
    INTERVAL_SECONDS,
    LATE_SECONDS,
    LOOK_SECONDS,
    PAGE_MAX,
    REPORT_SECONDS,
    UNHEARD_SECONDS,
    AdminNotices,
    letter_of,
)
from actors.payments.ports import Notice, NoticeState
from actors.sessions.model import Session, State
from actors.tracker import messages as tracker
from actors.tracker.settlement import Observation, OrderView, observe
from adapters.memory.broadcast import MemoryMessenger
from adapters.memory.dispatch import MemoryPostBook
from adapters.memory.payments import MemoryNotices, MemoryPayments
from adapters.memory.sessions import MemorySessions
from runtime import ActorRef, ActorSystem, ChildSpec, SupervisorSpec, VirtualWorld
from runtime.testing import Probe, TestSystem, running

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = ChatId(99)
ORDER = OrderView(order_id=OrderId("a" * 32), chat_id=ChatId(7))


class FlakyNotices(MemoryNotices):
    """A store that is away for the next so many claims, before or after it did them."""

    away = 0
    lost_answers = 0
    questions = 0

    async def pending(self, *, limit: int) -> tuple[Notice, ...]:
        self.questions += 1
        return await super().pending(limit=limit)

    async def claim(self, rail: Rail, payment_id: PaymentId, *, at: datetime) -> None:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("the database is away")
        await super().claim(rail, payment_id, at=at)
        if self.lost_answers > 0:
            self.lost_answers -= 1
            raise Unavailable("the answer got lost")


@dataclass
class Office:
    """What outlives a process, and one life of it."""

    world: VirtualWorld = field(default_factory=lambda: VirtualWorld(epoch=EPOCH))
    dispatcher: Probe = field(default_factory=Probe)
    reports: Probe = field(default_factory=Probe)
    system: TestSystem | None = None

    def __post_init__(self) -> None:
        self.sessions = MemorySessions()
        self.store = FlakyNotices(self.sessions.connection)
        self.payments = MemoryPayments(self.sessions.connection)

    async def pay(
        self, number: int = 1, order: OrderView | None = ORDER, *, ago_seconds: float = 0.0
    ) -> None:
        report = PaymentReport(
            rail=Rail.STRIPE,
            payment_id=PaymentId(f"pi_{number}"),
            standing=Standing.PAID,
            amount=Money.of("19.99", "USD"),
            live=True,
            order_id=None if order is None else order.order_id,
        )
        seen = observe(None, report, order, live=True)
        assert isinstance(seen, Observation)
        at = EPOCH - timedelta(seconds=ago_seconds)
        assert await self.payments.record(seen, event_id=None, at=at) is None
        paid = seen.after
        if self.system is not None and paid.order_id is not None and paid.chat_id is not None:
            self.system.events.publish(
                tracker.OrderPaymentChanged(
                    order_id=paid.order_id, chat_id=paid.chat_id, payment=paid
                )
            )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[TestSystem, ActorRef[AdminNotices]]]:
        async with running(world=self.world) as system:
            system.events.subscribe(operations.Reported, self.reports)
            ref = system.spawn(
                lambda: AdminNotices(
                    store=self.store,
                    dispatcher=self.dispatcher,
                    pause=trio.sleep,
                    admin_chat_id=ADMIN,
                ),
                name="notices",
            )
            await trio.sleep(0.1)
            self.system = system
            yield system, ref
        self.system = None

    async def counts(self) -> dict[NoticeState, int]:
        ever = EPOCH - timedelta(days=1_000)
        return dict(await self.store.counts(since=ever))

    async def deliver(self, ref: ActorRef[AdminNotices]) -> None:
        """What was told last arrives."""
        for letter_id in self.told[-1:]:
            ref.tell(delivered(letter_id))
        await trio.sleep(0.1)

    @property
    def told(self) -> list[str]:
        return [each.letter_id for each in self.dispatcher.told]


def delivered(letter_id: str) -> broadcast.Delivered:
    return broadcast.Delivered(
        letter_id=LetterId(letter_id), chat_id=ADMIN, message_id=MessageId(5)
    )


async def test_a_payment_is_told_once_as_html() -> None:
    office = Office()
    await office.sessions.save(
        Session(chat_id=ChatId(7), state=State.SUMMARY, name="<b>Anna</b> & Co", contact="+4912345")
    )
    async with office.open():
        await office.pay()
        await trio.sleep(INTERVAL_SECONDS)
        (letter,) = office.dispatcher.told
        assert isinstance(letter, broadcast.Say)
        assert (letter.chat_id, letter.repeat) == (ADMIN, False)
        assert letter.text == (
            "<b>Payment received: 19.99 USD</b>\n"
            "by Stripe, charge <code>pi_1</code>\n"
            "Name: &lt;b&gt;Anna&lt;/b&gt; &amp; Co\n"
            "Phone: +4912345\n"
            f"Order: <code>{'a' * 32}</code>\n"
            "Chat: <code>7</code>"
        )
        assert await office.counts() == {"sending": 1}
        assert letter.notify is not None
        letter.notify.tell(delivered(letter.letter_id))
        await trio.sleep(UNHEARD_SECONDS * 2)
        assert await office.counts() == {"sent": 1}
        assert len(office.told) == 1


async def test_money_without_an_order_says_so() -> None:
    office = Office()
    async with office.open():
        await office.pay(order=None)
        await trio.sleep(LOOK_SECONDS)
        assert "No order of ours" in office.dispatcher.told[0].text


async def test_a_payment_that_nobody_spoke_of_is_told_within_a_minute() -> None:
    office = Office()
    async with office.open() as (system, _):
        office.system = None
        await office.pay()
        await trio.sleep(LOOK_SECONDS)
        assert office.told == ["notice:stripe:pi_1"]
        assert system.dead_letters == []


async def test_a_shop_without_payments_asks_for_notices_once_a_minute() -> None:
    office = Office()
    async with office.open():
        await trio.sleep(3_600)
        assert office.store.questions <= 3_600 / LOOK_SECONDS + 1


async def test_many_payments_at_once_are_looked_for_at_a_pace() -> None:
    office = Office()
    async with office.open() as (_, ref):
        before = office.store.questions
        for number in range(PAGE_MAX // 2):
            await office.pay(number)
            await trio.sleep(1)
            await office.deliver(ref)
        assert len(office.told) >= PAGE_MAX // 2 - INTERVAL_SECONDS
        assert office.store.questions - before <= PAGE_MAX / 2 / INTERVAL_SECONDS + 1


async def test_what_telegram_refused_is_kept_as_failed() -> None:
    office = Office()
    async with office.open() as (_, ref):
        for number in (1, 2):
            await office.pay(number)
        for number, reason in enumerate(("blocked", "unknown")):
            await trio.sleep(INTERVAL_SECONDS)
            ref.tell(
                broadcast.Undelivered(
                    letter_id=LetterId(office.told[number]),
                    chat_id=ADMIN,
                    reason=reason,  # type: ignore[arg-type]
                    detail="чат\0",
                )
            )
        await trio.sleep(REPORT_SECONDS + LOOK_SECONDS)
        assert await office.counts() == {"failed": 1, "unknown": 1}
        assert len(office.told) == 2
        report = office.reports.told[-1]
        assert (report.component, report.status) == ("admin_notices", "warn")
        assert "1 unknown, 1 failed" in report.output
        office.world.shift(LATE_SECONDS)
        await trio.sleep(REPORT_SECONDS + LOOK_SECONDS)
        assert office.reports.told[-1].status == "pass"


async def test_what_was_being_told_when_the_process_died_is_not_told_again() -> None:
    office = Office()
    await office.pay(1)
    async with office.open():
        assert office.told == ["notice:stripe:pi_1"]
    await office.pay(2)
    async with office.open() as (_, ref):
        assert office.told == ["notice:stripe:pi_1", "notice:stripe:pi_2"]
        assert await office.counts() == {"unknown": 1, "sending": 1}
        ref.tell(delivered("notice:stripe:pi_1"))
        await trio.sleep(1)
        assert await office.counts() == {"sent": 1, "sending": 1}


@pytest.mark.parametrize("seconds", [0.0, DRAIN_SECONDS / 2])
async def test_an_orderly_stop_waits_for_the_receipt_of_what_is_on_its_way(seconds: float) -> None:
    office = Office()
    for number in (1, 2):
        await office.pay(number)

    async def arrive() -> None:
        (letter,) = office.dispatcher.told
        assert letter.notify is not None
        await trio.sleep(seconds)
        letter.notify.tell(delivered(letter.letter_id))

    async with trio.open_nursery() as nursery, office.open() as (system, _):
        nursery.start_soon(arrive)
    assert system.dead_letters == []
    assert len(office.told) == 1
    assert await office.counts() == {"sent": 1, "pending": 1}


async def test_what_the_dispatcher_sends_when_the_shop_stops_is_known_afterwards() -> None:
    office = Office()
    await office.pay()
    messenger = MemoryMessenger(clock=trio.current_time, pause=trio.sleep, latency_seconds=1.0)
    dispatcher = ChildSpec(
        name="dispatcher",
        factory=lambda: BroadcastDispatcher(
            messenger=messenger, book=MemoryPostBook(), pause=trio.sleep
        ),
    )
    notices = ChildSpec(
        name="notices",
        factory=lambda: AdminNotices(
            store=office.store,
            dispatcher=system.ref("delivery/dispatcher"),
            pause=trio.sleep,
            admin_chat_id=ADMIN,
        ),
    )
    tree = SupervisorSpec(name="delivery", strategy="rest_for_one", children=(dispatcher, notices))
    system = ActorSystem(tree, world=office.world)
    async with system:
        while await office.counts() != {"sending": 1}:  # noqa: ASYNC110 - the store tells nobody
            await trio.sleep(0.1)
        assert messenger.received == []
    assert len(messenger.received) == 1
    assert await office.counts() == {"sent": 1}


async def test_a_stop_does_not_wait_for_ever_and_what_it_never_heard_of_is_unknown() -> None:
    office = Office()
    await office.pay()
    async with office.open():
        before = trio.current_time()
    assert trio.current_time() - before < DRAIN_SECONDS + 0.5
    async with office.open():
        assert await office.counts() == {"unknown": 1}


async def test_a_letter_that_was_lost_with_the_dispatcher_is_unknown_in_the_end() -> None:
    office = Office()
    async with office.open():
        await office.pay()
        await trio.sleep(UNHEARD_SECONDS / 2)
        assert await office.counts() == {"sending": 1}
        await trio.sleep(UNHEARD_SECONDS)
        assert await office.counts() == {"unknown": 1}


async def test_a_store_that_is_away_delays_and_never_doubles() -> None:
    office = Office()
    async with office.open() as (system, ref):
        office.store.away = 3
        await office.pay(1)
        await trio.sleep(300)
        assert office.told == ["notice:stripe:pi_1"]
        await office.deliver(ref)
        office.store.lost_answers = 1
        await office.pay(2)
        await trio.sleep(300)
        assert office.told == ["notice:stripe:pi_1"]
        assert await office.counts() == {"sent": 1, "unknown": 1}
        assert system.dead_letters == []


async def test_what_is_no_news_any_more_is_not_told() -> None:
    office = Office()
    await office.pay(1, ago_seconds=LATE_SECONDS + 1)
    await office.pay(2, ago_seconds=LATE_SECONDS - 60)
    async with office.open():
        assert office.told == ["notice:stripe:pi_2"]
        assert await office.counts() == {"late": 1, "sending": 1}


async def test_many_are_told_one_after_the_other() -> None:
    office = Office()
    for number in range(PAGE_MAX + 5):
        await office.pay(number)
    async with office.open() as (_, ref):
        for told in range(1, PAGE_MAX + 5):
            assert len(office.told) == told
            await office.deliver(ref)
            if told % PAGE_MAX == 0:
                await trio.sleep(INTERVAL_SECONDS)
        assert len(set(office.told)) == len(office.told) == PAGE_MAX + 5


def test_a_letter_says_which_notice_it_is() -> None:
    notice = Notice(
        rail=Rail.NOWPAYMENTS,
        payment_id=PaymentId("a:b:c"),
        amount=Money.of("1", "USD"),
        order_id=None,
        chat_id=None,
        name=None,
        phone=None,
        noted_at=EPOCH,
    )
    assert letter_of(notice).split(":", 2) == ["notice", "nowpayments", "a:b:c"]


async def test_a_crash_costs_the_notice_that_was_under_way_and_none_that_waited() -> None:
    office = Office()
    for number in range(10):
        await office.pay(number)
    async with office.open():
        pass  # the dispatcher waits for its chat (a group, after a kill: a minute), and dies
    before = len(office.told)
    async with office.open() as (_, ref):
        for _ in range(10):
            for letter_id in office.told[before:]:
                ref.tell(delivered(letter_id))
            await trio.sleep(INTERVAL_SECONDS)
        assert len(set(office.told)) == 10
        assert (await office.counts()).get("unknown", 0) <= 1
