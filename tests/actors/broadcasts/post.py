"""A dispatcher that a test works by hand, and a broadcaster with a database around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import trio

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.actor import Broadcaster
from actors.broadcasts.model import Audience, Broadcast, Content, Outcome, Reach, State
from actors.broadcasts.panel_reader import IN_ENGLISH, Reader
from actors.kernel.failures import Unavailable
from actors.kernel.ids import BroadcastId, ChatId, LetterId, MessageId
from actors.kernel.language import Language
from actors.operations import messages as operations
from actors.sessions.model import Session
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.database import MemoryConnection
from adapters.memory.sessions import MemorySessions
from runtime import ActorRef, VirtualWorld, ask
from runtime.testing import Probe, TestSystem, running

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = ChatId(99)

Bulk = broadcast.Say | broadcast.Edit | broadcast.Erase
Fate = Literal["sent", "blocked", "gone", "refused", "unknown", "silence"]


class FlakyBroadcasts(MemoryBroadcasts):
    """A store that can be away."""

    away = False
    forgets = False
    """What it creates is there, and nobody is told."""
    pages = 0
    """How often it was asked for recipients."""
    looks = 0
    """How often it was asked for an audience that is `too_large`."""
    too_large: frozenset[BroadcastId] = frozenset()
    slow: trio.Event | None = None
    """Recipients are written down when this has happened."""

    async def create(self, broadcast: Broadcast, **told: Any) -> Broadcast:
        created = await super().create(broadcast, **told)
        if self.forgets:
            raise Unavailable("the answer got lost")
        return created

    async def reach(self, broadcast: Broadcast) -> Reach:
        if broadcast.broadcast_id in self.too_large:
            self.looks += 1
            raise Unavailable("the statement took too long")
        return await super().reach(broadcast)

    async def prepare(self, broadcast: Broadcast) -> None:
        if broadcast.broadcast_id in self.too_large:
            self.looks += 1
            raise Unavailable("the statement took too long")
        if self.slow is not None:
            await self.slow.wait()
        await super().prepare(broadcast)

    async def page(self, *told: Any, **named: Any) -> Any:
        self.pages += 1
        return await super().page(*told, **named)

    def __getattribute__(self, name: str) -> Any:
        if name != "away" and self.away and not name.startswith("_") and name != "connection":
            return _away
        return super().__getattribute__(name)


async def _away(*told: object, **named: object) -> None:
    raise Unavailable("the database is away")


@dataclass
class Post:
    """Letters wait until a test lets so many of them go; a letter that is told twice is one."""

    store: MemoryBroadcasts
    waiting: dict[LetterId, Bulk] = field(default_factory=dict)
    begun: list[ChatId] = field(default_factory=list)
    """Whose requests were made, in order."""
    others: Probe = field(default_factory=Probe)
    """What is not for recipients."""
    fates: dict[ChatId, Fate] = field(default_factory=dict)
    shows: bool = True
    """The administrators see what is told them."""
    refusal: str = ""
    _message_ids: int = 1_000

    def tell(self, letter: broadcast.Command, /) -> None:
        if isinstance(letter, Bulk) and letter.lane == "bulk":
            assert letter.letter_id is not None
            self.waiting[letter.letter_id] = letter
            return
        self.others.tell(letter)
        notify = getattr(letter, "notify", None)
        if notify is None or not self.shows or not isinstance(letter, broadcast.Say):
            return
        if self.refusal:
            notify.tell(self._lost(letter.letter_id, letter.chat_id, "refused", self.refusal))
        else:
            notify.tell(self._delivered(letter.letter_id, letter.chat_id))

    async def carry(self, count: int) -> list[ChatId]:
        """So many letters leave, or are withdrawn; whose requests were made."""
        made = []
        for letter_id, letter in list(self.waiting.items())[:count]:
            if letter_id not in self.waiting:
                continue
            begins = await self.store.starting(letter_id)
            self.waiting.pop(letter_id, None)
            assert letter.notify is not None
            if not begins:
                letter.notify.tell(self._lost(letter_id, letter.chat_id, "withdrawn", "no"))
                continue
            made.append(letter.chat_id)
            self.begun.append(letter.chat_id)
            fate = self.fates.get(letter.chat_id, "sent")
            if fate == "sent":
                letter.notify.tell(self._delivered(letter_id, letter.chat_id))
            elif fate != "silence":
                letter.notify.tell(self._lost(letter_id, letter.chat_id, fate, "why"))
        return made

    def _delivered(self, letter_id: LetterId, chat_id: ChatId) -> broadcast.Delivered:
        self._message_ids += 1
        return broadcast.Delivered(
            letter_id=letter_id, chat_id=chat_id, message_id=MessageId(self._message_ids)
        )

    @staticmethod
    def _lost(letter_id: LetterId, chat_id: ChatId, reason: Any, why: str) -> broadcast.Undelivered:
        return broadcast.Undelivered(
            letter_id=letter_id, chat_id=chat_id, reason=reason, detail=why
        )


class Bureau:
    """What outlives a process, and one life of it."""

    def __init__(
        self,
        *,
        admin_chat_id: ChatId | None = ADMIN,
        reader: Reader = IN_ENGLISH,
        paid: bool = True,
    ) -> None:
        self.admin_chat_id, self.reader, self.paid = admin_chat_id, reader, paid
        self.store = FlakyBroadcasts()
        self.sessions = MemorySessions(self.connection)
        self.post = Post(self.store)
        self.reports = Probe()
        self.world = VirtualWorld(epoch=EPOCH)
        self.ref: ActorRef[Any]
        self.system: TestSystem

    @property
    def connection(self) -> MemoryConnection:
        return self.store.connection

    async def people(self, count: int, **fields: Any) -> None:
        """So many have talked to the bot; their chats are 1, 2, 3 and so on."""
        for number in range(1, count + 1):
            named: dict[str, Any] = {"first_name": f"P{number}", "language": Language.EN} | fields
            await self.sessions.save(Session(chat_id=ChatId(number), **named))

    @asynccontextmanager
    async def open(self, *, begin: int = 0) -> AsyncIterator[Bureau]:
        """One life of the process, in which the post has nothing of the one before."""
        self.post.waiting.clear()
        async with running(world=self.world) as system:
            system.events.subscribe(operations.Reported, self.reports)
            self.system = system
            self.ref = system.spawn(
                lambda: Broadcaster(
                    store=self.store,
                    dispatcher=self.post,
                    pause=trio.sleep,
                    admin_chat_id=self.admin_chat_id,
                    reader=self.reader,
                    paid=self.paid,
                ),
                name="broadcaster",
            )
            await system.settle()
            yield self
        self.world = VirtualWorld(epoch=self.world.now())

    async def create(self, text: str = "Hello", **asked: Any) -> Any:
        """An operator asks for a broadcast."""
        content = asked.pop("content", Content(text=text))
        told: dict[str, Any] = {"audience": Audience(), "who": "ann"} | asked
        answer = await ask(self.ref, broadcasts.Create(content=content, **told))
        await self.system.settle()
        return answer

    async def started(self, text: str = "Hello", **asked: Any) -> BroadcastId:
        """The same, until it runs."""
        answer = await self.create(text, **asked)
        assert isinstance(answer, broadcasts.Shown), answer
        await self.passes(1.1)
        kept = await self.kept(answer.broadcast.broadcast_id)
        assert kept.state is State.RUNNING, kept
        return kept.broadcast_id

    async def act(self, broadcast_id: BroadcastId, what: Any) -> Any:
        answer = await ask(
            self.ref, broadcasts.Act(broadcast_id=broadcast_id, what=what, who="ann")
        )
        assert answer is not None
        await self.system.settle()
        return answer

    async def passes(self, seconds: float) -> None:
        """Time goes by."""
        await trio.sleep(seconds)
        await self.system.settle()

    async def carry(self, count: int = 1_000_000) -> list[ChatId]:
        """So many letters leave, and everybody hears of it."""
        made = await self.post.carry(count)
        await self.system.settle()
        return made

    async def kept(self, broadcast_id: BroadcastId) -> Broadcast:
        kept = await self.store.find(broadcast_id)
        assert kept is not None
        return kept

    async def outcomes(self, broadcast_id: BroadcastId) -> Mapping[ChatId, Outcome]:
        found = await self.store.recipients(broadcast_id, outcomes=(), limit=1_000_000)
        return {each.chat_id: each.outcome for each in found}
