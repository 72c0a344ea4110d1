"""A running shop around one user: his session, the alarm clock, and what they talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import trio

from actors.debounce import messages as debounce
from actors.gateway.model import Entry
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.sessions import messages as sessions
from actors.sessions.actor import UserSession
from actors.sessions.alarms import SessionAlarms
from actors.sessions.model import Registration, Session, State
from actors.sessions.views import view_of
from actors.tracker import messages as tracker
from adapters.memory.gateway import MemoryInbox
from adapters.memory.sessions import MemoryRecords, MemorySessions
from runtime import KeyedSpec, SupervisorSpec, VirtualWorld
from runtime.testing import Probe, TestSystem, running
from tests.actors.sessions.chat import Chat

ANNA = ChatId(1)
ENGLISH = sessions.Profile(first_name="Anna", language_code="en")
IDLE_SECONDS = 300.0

Act = Callable[[], Awaitable[None]]


class Records(MemoryRecords):
    """A record table that can be slow, away, or broken."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.slow_seconds = 0.0
        self.attempts = 0
        self.looked = 0

    async def find(self, chat_id: ChatId) -> RecordId | None:
        self.looked += 1
        if self.failure is not None:
            raise self.failure
        return await super().find(chat_id)

    async def create(self, registration: Registration) -> RecordId:
        self.attempts += 1
        await trio.sleep(self.slow_seconds)
        if self.failure is not None:
            raise self.failure
        return await super().create(registration)


class Store(MemorySessions):
    """A store that can be away, and after which a session can crash."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.lost_answer: Exception | None = None
        """The next save happens, and this is heard of it. A `Conflict` comes of trying it again,
        which only saves that handle an update can tell from the first time.
        """
        self.crashes_in: int | None = None
        """The session crashes right after so many more saves."""
        self.saves = 0

    def crash_is_due(self) -> bool:
        return self.crashes_in is not None

    async def load(self, chat_id: ChatId) -> Session | None:
        if self.away:
            raise Unavailable("the store is away")
        return await super().load(chat_id)

    async def save(
        self,
        session: Session,
        *,
        handled: UpdateId | None = None,
        passed: debounce.Collect | None = None,
    ) -> None:
        if self.away:
            raise Unavailable("the store is away")
        await super().save(session, handled=handled, passed=passed)
        self.saves += 1
        lost, self.lost_answer = self.lost_answer, None
        if lost is not None and not (isinstance(lost, Conflict) and handled is None):
            raise lost
        if self.crashes_in is not None:
            self.crashes_in -= 1
            if self.crashes_in < 0:
                self.crashes_in = None
                raise RuntimeError("crashed after saving")


class Shop:
    """What outlives the process (store, table, chat), and one process at a time."""

    def __init__(self) -> None:
        self.store, self.records, self.chat = Store(), Records(), Chat()
        self.tracker = Probe()
        self.batcher: Probe | None = None
        """Who is passed what no form awaits, if anybody."""
        self.sells = False
        """There is something to `/buy`."""
        self.inbox = MemoryInbox(self.store.connection)
        self.heard: list[sessions.Heard] = []
        """What was told; like the gateway, the next process tells again what is unhandled."""
        self.clock = datetime(2026, 11, 21, 12, tzinfo=UTC)
        """The wall clock between two processes."""
        self._system: TestSystem | None = None
        self._updates = 0

    @property
    def system(self) -> TestSystem:
        assert self._system is not None
        return self._system

    @asynccontextmanager
    async def open(self, *, alarms: bool = True) -> AsyncIterator[TestSystem]:
        """A process, from its start to its end."""
        tree = SupervisorSpec(
            name="root",
            children=(
                KeyedSpec(name="sessions", factory=self._session_of, idle_seconds=IDLE_SECONDS),
            ),
        )
        async with running(tree, world=VirtualWorld(epoch=self.clock)) as self._system:
            if alarms:
                region = self.system.region("root/sessions")
                self.system.spawn(lambda: SessionAlarms(store=self.store, sessions=region))
            await self.system.settle()
            unhandled = {update.update_id for update in await self.inbox.unhandled()}
            for heard in self.heard:
                if heard.update_id in unhandled:
                    await self.tell(heard)
            yield self.system
            self.clock = self.system.world.now()
        self.chat.restart()

    def _session_of(self, chat_id: ChatId) -> UserSession:
        return UserSession(
            chat_id=chat_id,
            store=self.store,
            records=self.records,
            dispatcher=self.chat,
            tracker=self.tracker,
            batcher=self.batcher,
            sells=self.sells,
        )

    @property
    def session(self) -> Session:
        return self.store.connection.tables.sessions[ANNA]

    def state(self) -> State:
        return self.session.state

    async def hear(self, message: sessions.Heard) -> None:
        self.heard.append(message)
        await self.tell(message)

    async def tell(self, message: sessions.Command) -> None:
        if isinstance(message, sessions.Heard):
            entry = Entry(message.update_id, "{}", chat_id=ANNA)
            batch_id = UUID(int=message.update_id)
            await self.inbox.add([entry], batch_id=batch_id, at=self.clock)
        self.system.region("root/sessions").tell(ANNA, message)
        await self.system.settle()

    async def command(self, name: str, argument: str = "") -> None:
        self.chat.user_wrote()
        await self.hear(
            sessions.CommandReceived(
                update_id=self.update_id(), profile=ENGLISH, name=name, argument=argument
            )
        )

    async def type(self, text: str) -> None:
        await self.hear(self.typed(text))

    def typed(self, text: str) -> sessions.TextReceived:
        return sessions.TextReceived(
            update_id=self.update_id(),
            profile=ENGLISH,
            text=text,
            message_id=self.chat.user_wrote(),
        )

    async def share(self, phone_number: str, *, own: bool = True) -> None:
        await self.hear(
            sessions.ContactReceived(
                update_id=self.update_id(),
                profile=ENGLISH,
                phone_number=phone_number,
                own=own,
                message_id=self.chat.user_wrote(),
            )
        )

    async def press(self, label: str) -> None:
        await self.hear(self.pressed(label))

    def pressed(self, label: str) -> sessions.ButtonPressed:
        return sessions.ButtonPressed(
            update_id=self.update_id(),
            profile=ENGLISH,
            callback_id="callback",
            message_id=self.chat.panel_id,
            data=self.chat.button(label).data,
        )

    async def block(self, *, blocked: bool) -> None:
        self.chat.refusal = "blocked" if blocked else None
        await self.hear(sessions.BotBlocked(update_id=self.update_id(), blocked=blocked))

    async def pay(self, record_id: int = 1) -> None:
        await self.tell(
            tracker.PaymentStatusChanged(
                record_id=RecordId(record_id), chat_id=ANNA, status=tracker.PaymentStatus.PAID
            )
        )

    def update_id(self) -> UpdateId:
        self._updates += 1
        return UpdateId(self._updates)

    async def register(self) -> None:
        """The whole form, up to the wait for the payment."""
        for act in self.acts()[:5]:
            await act()

    def acts(self) -> list[Act]:
        return [
            lambda: self.command("start"),
            lambda: self.press("English"),
            lambda: self.type("Anna Koval"),
            lambda: self.share("380501234567"),
            lambda: self.press("Save"),
            self.pay,
        ]

    async def rest(self, seconds: float) -> None:
        """Nothing happens for a while."""
        await trio.sleep(seconds)
        await self.system.settle()

    def check(self, *, strays: int = 0) -> None:
        """The chat shows exactly one panel, the newest view of what is stored; above it at most
        `strays` whose receipts died with their process. No update is left unhandled.
        """
        updates = self.store.connection.tables.updates
        assert [row.entry.update_id for row in updates.values() if row.unhandled] == []
        view = view_of(self.session)
        assert 1 <= len(self.chat.shown) <= 1 + strays, self.chat.shown
        panel = self.chat.panel
        assert (panel.text, panel.keyboard) == (view.text, view.keyboard)
        assert panel.contact_button == view.contact_button
        assert self.chat.contact_keyboard is (view.contact_button is not None)
        assert not self.session.unshown
        assert self.session.show_by is None
