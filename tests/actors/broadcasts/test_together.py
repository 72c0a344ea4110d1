"""A broadcast through the real dispatcher, whose outbox is the broadcasts' own store."""

from __future__ import annotations

import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.actor import BroadcastDispatcher
from actors.broadcast.model import Migrated, Outcome, Sent
from actors.broadcast.ports import Messenger
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.actor import Broadcaster
from actors.broadcasts.model import Audience, Content, State
from actors.kernel.ids import BroadcastId, ChatId, MessageId
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.dispatch import MemoryPostBook
from runtime import ask
from runtime.testing import running

ADMIN, GROUP, BECAME = ChatId(99), ChatId(-1), ChatId(-1_001)


class Telegram(Messenger):
    """A group has become another one, and whoever writes to the old one is told so."""

    def __init__(self) -> None:
        self.shown: list[ChatId] = []

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        await trio.sleep(0.05)
        if letter.chat_id == GROUP:
            return Migrated(BECAME)
        self.shown.append(letter.chat_id)
        return Sent(MessageId(len(self.shown)))


async def test_a_group_that_turns_out_to_be_another_recipient_gets_it_once() -> None:
    telegram, store = Telegram(), MemoryBroadcasts()
    async with running() as system:
        dispatcher = system.spawn(
            lambda: BroadcastDispatcher(
                messenger=telegram,
                book=MemoryPostBook(store.connection),
                pause=trio.sleep,
                outbox=store,
            ),
            name="dispatcher",
        )
        broadcaster = system.spawn(
            lambda: Broadcaster(
                store=store, dispatcher=dispatcher, pause=trio.sleep, admin_chat_id=ADMIN
            ),
            name="broadcaster",
        )
        audience = Audience(chat_ids=(GROUP, BECAME, ChatId(5)))
        asked = broadcasts.Create(content=Content(text="Hi"), audience=audience, who="ann")
        assert isinstance(await ask(broadcaster, asked), broadcasts.Shown)
        await trio.sleep(30)
        kept = await store.find(BroadcastId(1))
    assert kept is not None
    assert (kept.state, kept.counts.sent, kept.counts.blocked) == (State.FINISHED, 2, 1)
    assert sorted(telegram.shown) == [BECAME, 5, ADMIN]
