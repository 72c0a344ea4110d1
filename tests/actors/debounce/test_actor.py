"""The batcher in virtual time: what users write leaves as batches, also over restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import trio

from actors.broadcast import messages as broadcast
from actors.debounce import messages as debounce
from actors.debounce.actor import COMPONENT, SWEEP_SECONDS, DebounceBatcher
from actors.debounce.flood import BURST_MESSAGES
from actors.debounce.model import Patience
from actors.debounce.ports import Batch
from actors.debounce.texts import TOO_MUCH
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, MessageId, UpdateId
from actors.kernel.language import Language
from actors.operations.messages import Reported
from actors.relay import messages as relay
from actors.sessions.model import Session
from adapters.memory.debounce import MemoryBatches
from adapters.memory.sessions import MemorySessions
from runtime import ActorRef, ChildSpec, SupervisorSpec, VirtualWorld
from runtime.testing import Probe, TestSystem, running
from tests.adapters.contract.test_debounce import NOON

ANNA, BOB = ChatId(1), ChatId(2)


class Store(MemoryBatches):
    """A store that can be away."""

    away = False

    async def close(self, batches: Sequence[Batch], *, at: datetime) -> None:
        if self.away:
            raise Unavailable("the store is away")
        await super().close(batches, at=at)


class Chats:
    """What outlives the process, and one process at a time."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.store = Store()
        self.sessions = MemorySessions(self.store.connection)
        self.patience = patience or Patience()
        self.relay: Probe = Probe()
        self.dispatcher: Probe = Probe()
        self.reports: Probe = Probe()
        self.clock = NOON
        self.numbers = 0
        self.batcher: ActorRef[DebounceBatcher]
        self.system: TestSystem

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TestSystem]:
        tree = SupervisorSpec(
            name="root", children=(ChildSpec(name="batcher", factory=self._batcher),)
        )
        async with running(tree, world=VirtualWorld(epoch=self.clock)) as self.system:
            self.system.events.subscribe(Reported, self.reports)
            self.batcher = self.system.ref("root/batcher")
            await self.system.settle()
            yield self.system
            self.clock = self.system.world.now()

    def _batcher(self) -> DebounceBatcher:
        return DebounceBatcher(
            store=self.store,
            relay=self.relay,
            dispatcher=self.dispatcher,
            patience=self.patience,
        )

    async def write(
        self, chat_id: ChatId = ANNA, text: str = "", *, told: bool = True, album: str = ""
    ) -> debounce.Collect:
        self.numbers += 1
        collect = debounce.Collect(
            chat_id=chat_id,
            received_at=self.system.world.now(),
            language=Language.RU,
            passed=debounce.Passed(
                update_id=UpdateId(self.numbers),
                message_id=MessageId(self.numbers),
                kind="text",
                text=text or f"message {self.numbers}",
                media_group_id=album,
            ),
        )
        await self.sessions.save(Session(chat_id=chat_id), passed=collect)
        if told:
            self.batcher.tell(collect)
            await self.system.settle()
        return collect

    async def rest(self, seconds: float) -> None:
        await trio.sleep(seconds)
        await self.system.settle()

    @property
    def batches(self) -> list[list[int]]:
        """The update ids of every event, in their order."""
        rows = self.store.connection.tables.relay.events.values()
        return [[int(m.passed.update_id) for m in row.members if not m.flooded] for row in rows]

    @property
    def typing(self) -> int:
        return sum(isinstance(letter, broadcast.Typing) for letter in self.dispatcher.told)

    def figure(self, name: str) -> float:
        told: list[Reported] = [r for r in self.reports.told if r.component == COMPONENT]
        return next(m.value for m in told[-1].measurements if m.name == name)


async def test_a_batch_leaves_when_its_user_is_quiet() -> None:
    chats = Chats()
    async with chats.open():
        await chats.write()
        await chats.rest(3.0)
        await chats.write()
        await chats.write(BOB)
        await chats.rest(3.9)
        assert chats.batches == []
        await chats.rest(0.2)
        assert chats.batches == [[1, 2], [3]]
        assert chats.relay.told
        row = next(iter(chats.store.connection.tables.relay.events.values()))
        assert isinstance(row.event_id, UUID)


async def test_told_twice_it_is_collected_once() -> None:
    chats = Chats()
    async with chats.open():
        told = await chats.write()
        chats.batcher.tell(told)
        await chats.rest(5)
        chats.batcher.tell(told)
        await chats.rest(30)
        assert chats.batches == [[1]]


async def test_of_what_is_not_stored_there_is_no_batch() -> None:
    chats = Chats()
    async with chats.open():
        stored = await chats.write()
        never = replace(stored, passed=replace(stored.passed, update_id=UpdateId(99)))
        chats.batcher.tell(never)
        await chats.rest(5)
        assert chats.batches == [[1]]
        chats.batcher.tell(never)
        await chats.rest(30)
        assert chats.batches == [[1]]


async def test_an_album_waits_for_its_members_however_short_the_quiet_is() -> None:
    chats = Chats(Patience(quiet_seconds=0.1, max_seconds=0.2, window_seconds=0.0))
    async with chats.open():
        for _ in range(3):
            await chats.write(album="a")
            await chats.rest(0.9)
        assert chats.batches == []
    async with chats.open():
        await chats.write(album="a")
        await chats.rest(1.9)
        assert chats.batches == []
        await chats.rest(0.2)
        assert chats.batches == [[1, 2, 3, 4]]
        await chats.write()
        await chats.rest(0.15)
        assert chats.batches == [[1, 2, 3, 4], [5]]


async def test_open_batches_are_made_anew_with_their_original_times() -> None:
    chats = Chats()
    async with chats.open():
        await chats.write()
        await chats.rest(2)
        await chats.write(BOB)
    async with chats.open():
        await chats.rest(1.9)
        assert chats.batches == []
        await chats.rest(0.2)
        assert chats.batches == [[1]]
        await chats.rest(2)
        assert chats.batches == [[1], [2]]


async def test_what_was_due_while_nobody_was_there_leaves_at_once() -> None:
    chats = Chats()
    async with chats.open():
        await chats.write()
        await chats.write()
    chats.clock += timedelta(hours=1)
    async with chats.open():
        await chats.write()
        await chats.rest(0.1)
        assert chats.batches[0] == [1, 2]


async def test_a_crash_between_saving_and_telling_loses_nothing() -> None:
    chats = Chats()
    async with chats.open():
        await chats.write(told=False)
        await chats.rest(chats.patience.max_seconds + 2 * SWEEP_SECONDS + 5)
        assert chats.batches == [[1]]


async def test_a_store_that_is_away_loses_nothing_and_doubles_nothing() -> None:
    chats = Chats()
    async with chats.open():
        await chats.write()
        chats.store.away = True
        await chats.rest(5)
        await chats.write(BOB)
        assert chats.batches == []
        chats.store.away = False
        await chats.rest(60)
        assert sorted(chats.batches) == [[1], [2]]


async def test_somebody_types_until_the_answer_is_there() -> None:
    chats = Chats()
    async with chats.open() as system:
        await chats.write()
        await chats.rest(4.5)
        assert chats.typing == 1
        await chats.rest(5)
        assert chats.typing == 2
        await chats.rest(2)
        assert chats.typing == 3
        await chats.rest(4)
        assert chats.typing == 4
        system.events.publish(relay.Answered(chat_id=ANNA))
        await chats.rest(60)
        assert chats.typing == 4


async def test_an_answer_ends_the_window() -> None:
    chats = Chats()
    async with chats.open() as system:
        await chats.write()
        await chats.rest(4.1)
        system.events.publish(relay.Answered(chat_id=ANNA))
        await chats.write()
        await chats.rest(4.1)
        assert chats.batches == [[1], [2]]
        await chats.write()
        await chats.rest(9)
        assert len(chats.batches) == 2
        await chats.rest(1)
        assert chats.batches == [[1], [2], [3]]


async def test_too_much_is_counted_told_as_a_number_and_said_once() -> None:
    chats = Chats()
    async with chats.open():
        for _ in range(BURST_MESSAGES + 5):
            await chats.write()
        await chats.write(BOB)
        await chats.rest(20)
        flooded, other = chats.store.connection.tables.relay.events.values()
        assert sum(member.flooded for member in flooded.members) == 5
        assert len(flooded.members) == BURST_MESSAGES + 5
        assert not any(member.flooded for member in other.members)
        said = [letter for letter in chats.dispatcher.told if isinstance(letter, broadcast.Say)]
        assert [(say.chat_id, say.text, say.lane) for say in said] == [
            (ANNA, TOO_MUCH[Language.RU], "notice")
        ]
        assert chats.figure("flooded_total") == 5


async def test_it_says_how_it_is() -> None:
    chats = Chats()
    async with chats.open():
        await chats.rest(3)
        await chats.write()
        await chats.write(BOB)
        await chats.write(BOB)
        await chats.rest(2.5)
        assert chats.figure("active_batches") == 2
        assert chats.figure("timers") == 2
        assert chats.figure("oldest_batch_seconds") == 2.0
        await chats.rest(5)
        assert chats.figure("active_batches") == 0
        assert chats.figure("batches_total") == 2
        assert chats.figure("messages_total") == 3
        assert chats.figure("typing_chats") == 2


async def test_one_timer_serves_everybody() -> None:
    chats = Chats()
    async with chats.open():
        for number in range(200):
            await chats.write(ChatId(number + 1))
        timers = chats.batcher._cell.timers
        assert timers is not None
        assert len(timers) == 3  # due, the sweep and the report
        await chats.rest(4.1)
        assert len(chats.batches) == 200
        assert len(timers) == 3


async def test_a_clock_that_jumps_back_holds_nobody_up() -> None:
    chats = Chats()
    async with chats.open():
        await chats.write()
    chats.clock -= timedelta(hours=5)
    async with chats.open():
        await chats.rest(chats.patience.max_seconds + 0.1)
        assert chats.batches == [[1]]


async def test_receipts_of_notices_are_nobodys_business() -> None:
    chats = Chats()
    async with chats.open() as system:
        chats.batcher.tell(
            broadcast.Undelivered(
                letter_id=LetterId("x"), chat_id=ANNA, reason="blocked", detail=""
            )
        )
        await chats.rest(1)
        assert system.dead_letters == []
