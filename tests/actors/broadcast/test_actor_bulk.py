"""The dispatcher beside its outbox and its book."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.actor import DRAIN_SECONDS, STORE_AGAIN_SECONDS, BroadcastDispatcher
from actors.broadcast.model import Flooded, NotSent
from actors.broadcast.ports import Page
from actors.broadcast.tokens import Limits
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId
from actors.operations import messages as operations
from adapters.memory.broadcast import MemoryMessenger
from adapters.memory.dispatch import MemoryPostBook
from runtime import ActorFailed, ActorRef, ActorSuspended, VirtualWorld
from runtime.testing import Probe, TestSystem, running
from tests.actors.broadcast.outbox import Outbox

ANNA, BORIS = ChatId(1), ChatId(2)
STARS = Limits(paid_per_second=200, stars_budget=10)


class Book(MemoryPostBook):
    """A book that can be away."""

    away = False
    asked = 0

    async def read(self) -> Page:
        if self.away:
            raise Unavailable("the database is away")
        return await super().read()

    async def write(self, page: Page) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("the database is away")
        await super().write(page)


class House:
    """What outlives a dispatcher, and the one that is running."""

    def __init__(self, *, latency_seconds: float = 0.05, limits: Limits | None = None) -> None:
        self.messenger = MemoryMessenger(
            clock=trio.current_time, pause=trio.sleep, latency_seconds=latency_seconds
        )
        self.book, self.outbox, self.probe = Book(), Outbox(), Probe()
        self.reports = Probe()
        self._limits = limits or Limits()
        self._replies = itertools.count()
        self._world = VirtualWorld()
        self.system: TestSystem
        self.ref: ActorRef[BroadcastDispatcher]

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        """One life of the process, which stops in an orderly way."""
        async with running(world=self._world) as self.system:
            self.system.events.subscribe(operations.Reported, self.reports)
            self.ref = self.system.spawn(self._dispatcher, name="dispatcher")
            await self.system.settle()
            yield
        self._world = VirtualWorld(epoch=self._world.now())

    def _dispatcher(self) -> BroadcastDispatcher:
        return BroadcastDispatcher(
            messenger=self.messenger,
            book=self.book,
            outbox=self.outbox,
            pause=trio.sleep,
            limits=self._limits,
        )

    def bulk(self, number: int, *, source: str = "1", paid: bool = False) -> None:
        self.ref.tell(
            broadcast.Say(
                letter_id=LetterId(f"{source}:{number}"),
                chat_id=ChatId(number),
                text=f"news {source}",
                repeat=False,
                lane="bulk",
                source=source,
                paid=paid,
                notify=self.probe,
            )
        )

    def reply(self, chat_id: ChatId) -> None:
        self.ref.tell(
            broadcast.Say(
                letter_id=LetterId(f"reply {next(self._replies)}"),
                chat_id=chat_id,
                text="reply",
                notify=self.probe,
            )
        )

    def times(self, text: str) -> list[float]:
        """When requests with this text arrived."""
        return [
            one.at for one in self.messenger.received if getattr(one.letter, "text", "") == text
        ]

    def figures(self) -> dict[str, float]:
        """The newest report's."""
        report = self.reports.told[-1]
        return {measured.name: measured.value for measured in report.measurements}


# The outbox


async def test_the_outbox_knows_each_letter_before_it_leaves() -> None:
    home = House()
    async with home.process():
        home.bulk(1)
        await home.probe.expect(broadcast.Delivered)
        assert home.outbox.calls == ["starting 1:1"]


async def test_a_letter_that_was_withdrawn_is_told_as_such_and_not_sent() -> None:
    home = House()
    home.outbox.withdrawn.add(LetterId("1:1"))
    async with home.process():
        home.bulk(1)
        assert (await home.probe.expect(broadcast.Undelivered)).reason == "withdrawn"
        assert home.messenger.received == []


async def test_withdrawing_a_whole_broadcast_takes_no_time_of_the_lane() -> None:
    home = House()
    home.outbox.withdrawn = {LetterId(f"1:{number}") for number in range(1, 1001)}
    async with home.process():
        for number in range(1, 1001):
            home.bulk(number)
        home.bulk(1, source="2")
        for _ in range(1000):
            await home.probe.fish(broadcast.Undelivered, within=1)
        assert trio.current_time() < 1


async def test_a_flooded_letter_is_no_longer_under_way_for_the_outbox() -> None:
    home = House()
    async with home.process():
        home.messenger.fail(Flooded(60), NotSent("no route"))
        home.bulk(1)
        await trio.sleep(1)
        assert home.outbox.calls == ["starting 1:1", "postponed 1:1"]
        await trio.sleep(59.3)
        assert len(home.messenger.received) == 2
        assert home.outbox.sending == set()
        await home.probe.expect(broadcast.Delivered, within=5)
        assert home.outbox.calls == ["starting 1:1", "postponed 1:1"] * 2 + ["starting 1:1"]


async def test_a_letter_is_not_tried_again_before_the_outbox_knows_that_it_was_not_sent() -> None:
    home = House()
    async with home.process():
        home.messenger.fail(Flooded(1))
        home.bulk(1)
        await trio.sleep(0.04)
        home.outbox.away = Unavailable("away")
        await trio.sleep(30)
        assert len(home.messenger.received) == 1
        home.outbox.away = None
        await home.probe.expect(broadcast.Delivered, within=2 * STORE_AGAIN_SECONDS)
        assert home.outbox.calls == ["starting 1:1", "postponed 1:1", "starting 1:1"]


async def test_while_the_outbox_is_away_broadcasts_wait_and_replies_do_not() -> None:
    home = House()
    home.outbox.away = Unavailable("away")
    async with home.process():
        for number in range(1, 50):
            home.bulk(number)
        await trio.sleep(20)
        home.reply(ANNA)
        await home.probe.expect(broadcast.Delivered, within=0.1)
        assert home.times("news 1") == []
        home.outbox.away = None
        for _ in range(49):
            await home.probe.expect(broadcast.Delivered, within=40)
        assert home.outbox.sending == {LetterId(f"1:{number}") for number in range(1, 50)}


# Lanes


async def test_replies_go_out_at_once_beside_a_broadcast_that_is_flooded_again_and_again() -> None:
    home = House()
    async with home.process():
        for number in range(1, 400):
            home.bulk(number)
            if number % 9 == 0:
                home.messenger.close(ChatId(number), 40)
        told = []
        for number in range(60):
            await trio.sleep(0.5)
            told.append(trio.current_time())
            home.reply(ChatId(10_000 + number))
        await trio.sleep(2_000)
        waits = [at - before - 0.05 for before, at in zip(told, home.times("reply"), strict=True)]
        assert max(waits) < 0.1
        assert home.messenger.too_early == 0
        assert len(home.outbox.sending) == 399


async def test_a_dispatcher_that_stops_leaves_what_goes_to_many_to_its_outbox() -> None:
    home = House()
    async with home.process():
        for number in range(1, 300):
            home.bulk(number)
        await trio.sleep(1)
        for number in range(5):
            home.reply(ChatId(10_000 + number))
        began = trio.current_time()
        assert await home.ref.stop()
        assert trio.current_time() - began < DRAIN_SECONDS
    assert len(home.times("reply")) == 5
    assert 28 <= len(home.times("news 1")) <= 40
    assert home.outbox.sending == {
        LetterId(f"1:{one.letter.chat_id}")
        for one in home.messenger.received
        if one.letter.chat_id < 10_000
    }


# The book


async def test_a_flood_wait_outlives_the_process() -> None:
    home = House()
    async with home.process():
        home.messenger.close(ANNA, 100)
        home.reply(ANNA)
        await trio.sleep(1)
    async with home.process():
        home.reply(ANNA)
        home.bulk(7)
        home.reply(BORIS)
        assert (await home.probe.expect(broadcast.Delivered, within=1)).chat_id == BORIS
        await trio.sleep(100)
    assert home.messenger.too_early == 0
    assert home.times("news 1")[0] >= 100
    assert len(home.times("reply")) == 3


async def test_who_blocked_the_bot_is_not_asked_again_by_the_next_process() -> None:
    home = House()
    home.messenger.blocked[ANNA] = "Forbidden: bot was blocked by the user"
    async with home.process():
        home.bulk(ANNA)
        await home.probe.expect(broadcast.Undelivered)
        await trio.sleep(1)
    async with home.process():
        assert home.figures()["unreachable_chats"] == 1
        home.bulk(ANNA, source="2")
        told = await home.probe.expect(broadcast.Undelivered)
        assert (told.reason, told.closed) == ("blocked", "blocked")
        assert len(home.messenger.received) == 1
        home.messenger.blocked.clear()
        home.reply(ANNA)
        await home.probe.expect(broadcast.Delivered)
        home.bulk(ANNA, source="3")
        await home.probe.expect(broadcast.Delivered)


async def test_without_its_book_it_lets_nothing_leave_and_does_not_fail() -> None:
    home = House()
    home.book.away = True
    async with home.process():
        home.reply(ANNA)
        await trio.sleep(30)
        assert home.messenger.received == []
        assert [one for one in home.system.incidents if isinstance(one, ActorSuspended)]
        assert not [one for one in home.system.incidents if isinstance(one, ActorFailed)]
        home.book.away = False
        await home.probe.expect(broadcast.Delivered, within=60)


async def test_what_the_book_could_not_be_told_it_is_told_later_and_somebody_hears_of_it() -> None:
    home = House()
    async with home.process():
        home.book.away = True
        home.messenger.close(ANNA, 600)
        home.reply(ANNA)
        for _ in range(110):
            await trio.sleep(0.1)
            home.reply(BORIS)
        assert home.book.asked <= 11 / STORE_AGAIN_SECONDS + 2
        assert "would not survive a restart" in home.reports.told[-1].output
        home.book.away = False
        await trio.sleep(6)
        assert home.reports.told[-1].status == "pass"
        closings = (await home.book.read()).closings
        now = home.book.connection.tables.now()
        assert timedelta(seconds=580) < closings[ANNA] - now < timedelta(seconds=600)


# Paid broadcasts


async def test_a_paid_broadcast_is_faster_until_its_stars_are_spent_which_it_says() -> None:
    home = House(latency_seconds=0.01, limits=STARS)
    async with home.process():
        await trio.sleep(1)
        for number in range(1, 400):
            home.bulk(number, paid=True)
        await trio.sleep(2)
        assert len(home.times("news 1")) > 140
        await trio.sleep(4)
        assert "all 10 Stars" in home.reports.told[-1].output
        await trio.sleep(60)
        assert len(home.times("news 1")) == 399
        assert home.messenger.refused_for_pace() == 0
        assert home.messenger.billed <= home.figures()["letters_billed_total"] == 100
        assert home.figures()["stars_spent"] == 10


async def test_what_was_spent_outlives_the_process_however_it_ends() -> None:
    home = House(latency_seconds=0.01, limits=STARS)
    for number in range(1, 8):
        async with home.process():
            for letter in range(1, 60):
                home.bulk(letter, source=str(number), paid=True)
            await trio.sleep(0.2)
            if number % 2:
                home.ref.kill(RuntimeError("struck"))
            await trio.sleep(5)
    assert home.messenger.billed <= 100
    assert (await home.book.read()).stars_tenths == 100


async def test_a_reply_beside_a_paid_broadcast_is_let_through() -> None:
    home = House(latency_seconds=0.01, limits=Limits(paid_per_second=500, stars_budget=1000))
    async with home.process():
        await trio.sleep(1)
        for number in range(1, 1000):
            home.bulk(number, paid=True)
        for number in range(20):
            await trio.sleep(0.1)
            home.reply(ChatId(10_000 + number))
        await trio.sleep(5)
        assert home.messenger.refused_for_pace() == 0
        assert len(home.times("reply")) == 20
        assert len(home.times("news 1")) == 999


async def test_without_a_budget_nothing_is_billed_whatever_a_sender_allows() -> None:
    home = House()
    async with home.process():
        for number in range(1, 60):
            home.bulk(number, paid=True)
        await trio.sleep(5)
        assert home.messenger.billed == 0
        assert not any(getattr(one.letter, "paid", False) for one in home.messenger.received)
