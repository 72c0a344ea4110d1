"""The dispatcher at work, against a Telegram in memory that counts for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.actor import DRAIN_SECONDS, REPORT_SECONDS, BroadcastDispatcher
from actors.broadcast.model import Blocked, Flooded, NotSent, Refused, Unknown
from actors.broadcast.tokens import Limits
from actors.broadcast.ways import DELIVERIES_IN_FLIGHT
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, MessageId
from actors.operations import messages as operations
from adapters.memory.broadcast import MemoryMessenger
from adapters.memory.dispatch import MemoryPostBook
from runtime import ActorFailed, ActorRef
from runtime.testing import Probe, TestSystem, running

ANNA, BORIS, CLARA = ChatId(1), ChatId(2), ChatId(3)


class House:
    """A running dispatcher and what is around it."""

    def __init__(self, system: TestSystem, *, latency_seconds: float) -> None:
        self.system = system
        self.messenger = MemoryMessenger(
            clock=trio.current_time, pause=trio.sleep, latency_seconds=latency_seconds
        )
        self.book = MemoryPostBook()
        self.probe = Probe()
        self.reports = Probe()
        system.events.subscribe(operations.Reported, self.reports)
        self.ref: ActorRef[BroadcastDispatcher] = system.spawn(self.dispatcher, name="dispatcher")

    def dispatcher(self) -> BroadcastDispatcher:
        return BroadcastDispatcher(
            messenger=self.messenger, book=self.book, pause=trio.sleep, limits=Limits()
        )

    def say(self, text: str, chat_id: ChatId = ANNA, *, repeat: bool = True) -> None:
        """Tell the dispatcher a message whose receipt goes to the probe."""
        letter_id = LetterId(f"{chat_id}:{text}")
        self.ref.tell(
            broadcast.Say(
                letter_id=letter_id, chat_id=chat_id, text=text, repeat=repeat, notify=self.probe
            )
        )

    def bulk(self, text: str, chat_id: ChatId = ANNA, *, repeat: bool = False) -> None:
        """Tell the dispatcher one letter of many."""
        letter_id = LetterId(f"broadcast:1:{chat_id}")
        self.ref.tell(
            broadcast.Say(
                letter_id=letter_id,
                chat_id=chat_id,
                text=text,
                repeat=repeat,
                lane="bulk",
                source="1",
                notify=self.probe,
            )
        )

    def edit(self, text: str, message_id: MessageId, chat_id: ChatId = ANNA) -> None:
        """Tell the dispatcher a change whose receipt goes to the probe."""
        self.ref.tell(
            broadcast.Edit(
                letter_id=LetterId(f"{chat_id}:{text}"),
                chat_id=chat_id,
                message_id=message_id,
                text=text,
                notify=self.probe,
            )
        )

    def texts(self, chat_id: ChatId = ANNA) -> list[str]:
        """What a chat shows."""
        return [letter.text for letter in self.messenger.shown(chat_id).values()]


@asynccontextmanager
async def house(*, latency_seconds: float = 0.05) -> AsyncIterator[House]:
    async with running() as system:
        yield House(system, latency_seconds=latency_seconds)


async def test_a_letter_is_delivered_and_its_sender_is_told_which_message_shows_it() -> None:
    async with house() as home:
        home.say("hello")
        receipt = await home.probe.expect(broadcast.Delivered)
        assert receipt == broadcast.Delivered(
            letter_id=LetterId("1:hello"), chat_id=ANNA, message_id=MessageId(1)
        )
        home.edit("good-bye", receipt.message_id)
        assert (await home.probe.expect(broadcast.Delivered)).message_id == MessageId(1)
        assert home.texts() == ["good-bye"]


async def test_a_letter_that_nobody_waits_for_is_delivered_as_well() -> None:
    async with house() as home:
        home.say("hello")
        receipt = await home.probe.expect(broadcast.Delivered)
        home.ref.tell(broadcast.AnswerCallback(chat_id=ANNA, callback_id="1", text="yes"))
        home.ref.tell(broadcast.Erase(chat_id=ANNA, message_id=receipt.message_id))
        home.ref.tell(broadcast.Say(letter_id=LetterId("x"), chat_id=BORIS, text="x"))
        await home.probe.expect_none(within=1.0)
        assert home.texts() == []
        assert home.texts(BORIS) == ["x"]
        assert len(home.messenger.received) == 4


async def test_a_thousand_letters_end_within_three_percent_of_ideal_and_without_a_429() -> None:
    async with house() as home:
        began = trio.current_time()
        for number in range(1_000):
            home.say("news", ChatId(number + 1))
        for _ in range(1_000):
            await home.probe.expect(broadcast.Delivered, within=1)
        assert trio.current_time() - began <= 1.03 * 1_000 / 28
        assert home.messenger.refused_for_pace() == 0
        assert len(home.messenger.received) == 1_000


async def test_busy_chats_and_groups_are_never_too_fast_for_a_telegram_that_counts() -> None:
    async with house(latency_seconds=0.01) as home:
        for number in range(60):
            for chat_id in (ANNA, BORIS, ChatId(-1), ChatId(-2)):
                home.say(str(number), chat_id)
        for _ in range(240):
            await home.probe.expect(broadcast.Delivered, within=60)
        assert home.messenger.refused_for_pace() == 0
        for chat_id in (ANNA, BORIS, ChatId(-1), ChatId(-2)):
            assert home.texts(chat_id) == [str(number) for number in range(60)]


async def test_one_timer_serves_any_number_of_waiting_letters() -> None:
    async with house() as home:
        for number in range(1_000):
            home.say("news", ChatId(number + 1))
        await trio.sleep(1)
        [cell] = [cell for cell in home.system.cells() if cell.name == "dispatcher"]
        assert set(cell.timers or ()) <= {"due", "report"}
        assert len(cell.pipes or ()) <= DELIVERIES_IN_FLIGHT


async def test_a_flood_wait_is_obeyed_to_the_second_by_its_chat_and_by_whoever_sends_to_many() -> (
    None
):
    async with house() as home:
        home.messenger.fail(Flooded(7))
        home.say("flooded")
        await home.system.settle()
        await trio.sleep(1)
        home.bulk("news", CLARA)
        home.say("another chat", BORIS)
        assert (await home.probe.expect(broadcast.Delivered, within=0.1)).chat_id == BORIS
        await home.probe.expect_none(within=5.8)
        first = await home.probe.expect(broadcast.Delivered, within=0.3)
        second = await home.probe.expect(broadcast.Delivered, within=0.3)
        assert {first.chat_id, second.chat_id} == {ANNA, CLARA}
        flood, _, *others = home.messenger.received
        assert all(other.at >= flood.at + 7 for other in others)


async def test_a_port_that_is_unavailable_is_asked_again_when_it_wishes() -> None:
    async with house() as home:
        home.messenger.fail(
            Unavailable("connection refused"), Unavailable("busy", retry_after_seconds=20)
        )
        home.say("hello")
        await home.probe.expect_none(within=20)
        await home.probe.expect(broadcast.Delivered, within=2)
        assert home.texts() == ["hello"]
        assert home.system.dead_letters == []


async def test_a_message_that_must_not_double_is_sent_once_when_its_answer_is_lost() -> None:
    async with house() as home:
        home.messenger.fail(Unknown("read time-out"))
        home.say("only once", repeat=False)
        receipt = await home.probe.expect(broadcast.Undelivered)
        assert (receipt.reason, receipt.detail) == ("unknown", "read time-out")
        home.messenger.fail(Unknown("read time-out"))
        home.say("at least once")
        await home.probe.expect(broadcast.Delivered)
        assert len(home.messenger.received) == 3


async def test_a_blocked_chat_answers_for_all_its_letters_and_nobody_elses() -> None:
    async with house() as home:
        home.messenger.blocked[ANNA] = "Forbidden: bot was blocked by the user"
        for number in range(3):
            home.say(str(number))
        home.say("hello", BORIS)
        for _ in range(3):
            receipt = await home.probe.fish(broadcast.Undelivered)
            assert (receipt.chat_id, receipt.reason) == (ANNA, "blocked")
        await trio.sleep(1)
        assert home.texts(BORIS) == ["hello"]
        assert len(home.messenger.received) == 2


async def test_a_messenger_that_breaks_on_one_letter_costs_that_letter_only() -> None:
    async with house() as home:
        home.messenger.fail(KeyError("message_id"))
        home.say("poison")
        home.say("hello")
        receipt = await home.probe.expect(broadcast.Undelivered)
        assert (receipt.reason, receipt.detail) == ("unknown", "KeyError: 'message_id'")
        await home.probe.expect(broadcast.Delivered)
        assert not [event for event in home.system.incidents if isinstance(event, ActorFailed)]


async def test_restarted_it_has_forgotten_its_letters_and_delivers_what_is_told_again() -> None:
    class Broken:
        def tell(self, message: object) -> None:
            raise RuntimeError("a recipient that cannot be told")

    async with house() as home:
        home.messenger.fail(Refused("no"))
        home.ref.tell(
            broadcast.Say(letter_id=LetterId("x"), chat_id=BORIS, text="x", notify=Broken())
        )
        for text in ("1", "2", "3", "4", "5", "6"):
            home.say(text)
        await trio.sleep(5)
        assert [event for event in home.system.incidents if isinstance(event, ActorFailed)]
        missing = {"1", "2", "3", "4", "5", "6"} - set(home.texts())
        assert missing
        for text in missing:
            home.say(text)
        await trio.sleep(10)
        assert {"1", "2", "3", "4", "5", "6"} <= set(home.texts())


async def test_restarted_it_keeps_the_pace_of_its_predecessor() -> None:
    async with house() as home:
        for life in range(4):
            for number in range(3):
                home.say(f"{life} {number}")
            await trio.sleep(0.3)
            home.ref.kill(RuntimeError("struck"))
        await trio.sleep(60)
        assert home.messenger.refused_for_pace() == 0


async def test_those_who_watch_hear_of_it_every_few_seconds_however_much_there_is_to_do() -> None:
    async with house() as home:
        for number in range(500):
            home.say("news", ChatId(number + 1))
        await trio.sleep(2 * REPORT_SECONDS + 1)
        first, busy, busier = home.reports.told
        assert {report.component for report in home.reports.told} == {"telegram.dispatcher"}
        assert {report.status for report in home.reports.told} == {"pass"}
        figures = [
            {m.name: m.value for m in report.measurements} for report in (first, busy, busier)
        ]
        assert figures[0]["queued_letters"] == 0
        assert figures[1]["queued_letters"] > figures[2]["queued_letters"] > 0
        assert figures[1]["letters_delivered_total"] >= 28 * REPORT_SECONDS - 10
        assert figures[2]["oldest_letter_age_seconds"] >= 2 * REPORT_SECONDS - 0.1


async def test_trouble_is_reported_and_so_is_its_end() -> None:
    async with house() as home:
        home.messenger.fail(*[NotSent("no route to host")] * 8)
        home.say("hello")
        await trio.sleep(200)
        statuses = [report.status for report in home.reports.told]
        assert {"warn", "fail"} <= set(statuses)
        assert statuses[-1] == "pass"
        assert any("no route to host" in report.output for report in home.reports.told)


async def test_stopping_it_delivers_what_waits_and_tells_the_senders() -> None:
    async with running() as system:
        home = House(system, latency_seconds=0.1)
        for number in range(40):
            home.say("last words", ChatId(number + 1))
        await trio.sleep(0.05)
        began = trio.current_time()
        assert await home.ref.stop()
        assert trio.current_time() - began <= DRAIN_SECONDS + 0.2
        delivered = [one for one in home.probe.told if isinstance(one, broadcast.Delivered)]
        assert len(delivered) == len(home.messenger.received)
        assert len(delivered) == 40


async def test_stopping_it_ends_at_once_when_nothing_can_leave_soon() -> None:
    async with running() as system:
        home = House(system, latency_seconds=0.05)
        home.messenger.fail(Flooded(3_600))
        home.say("flooded")
        await trio.sleep(1)
        began = trio.current_time()
        assert await home.ref.stop()
        assert trio.current_time() - began < 0.1
        assert home.probe.told == []


async def test_stopping_it_waits_no_longer_than_it_may_for_letters_under_way() -> None:
    async with running() as system:
        home = House(system, latency_seconds=60)
        for number in range(40):
            home.say("slow", ChatId(number + 1))
        await trio.sleep(1)
        began = trio.current_time()
        assert await home.ref.stop()
        assert trio.current_time() - began <= DRAIN_SECONDS + 0.2


async def test_a_letter_told_again_under_its_name_is_one_letter() -> None:
    async with house() as home:
        home.say("hello")
        home.say("hello")
        await home.probe.expect(broadcast.Delivered)
        home.say("hello")
        await home.probe.expect(broadcast.Delivered)
        await home.probe.expect_none(within=5)
        assert home.texts() == ["hello"]


async def test_a_refusal_names_its_reason() -> None:
    async with house() as home:
        home.say("  ")
        receipt = await home.probe.expect(broadcast.Undelivered)
        assert (receipt.reason, receipt.detail) == ("refused", "Bad Request: message text is empty")
        home.messenger.fail(Blocked("Bad Request: chat not found"))
        home.say("hello", BORIS)
        assert (await home.probe.expect(broadcast.Undelivered)).reason == "blocked"
