"""Who recovers sees every write that was asked for before, also one that nobody waits for.

A read may overtake a write whose caller was told `Unavailable` or was killed, and that write
still happens. Whoever recovered by such a read would never hear of an update that is stored,
or would save over what his own last incarnation saved.
"""

from __future__ import annotations

from uuid import UUID

import trio

from actors.gateway.model import Entry
from actors.kernel.ids import ChatId, UpdateId
from actors.sessions.model import Session
from adapters.memory.database import ConnectionLost, Line, MemoryDatabase
from adapters.memory.gateway import MemoryInbox
from adapters.memory.sessions import MemorySessions
from adapters.postgres.database import Database
from adapters.postgres.gateway import PostgresInbox
from adapters.postgres.sessions import PostgresSessions
from tests.adapters.contract.stores import RECEIVED_AT

ANNA = ChatId(7)
UPDATE = Entry(UpdateId(1), "{}", chat_id=ANNA)


class Away(Line):
    """A line that is cut for the first second."""

    async def sent(self) -> None:
        await trio.sleep(0.001)
        if trio.current_time() < 1:
            raise ConnectionLost("refused")


async def test_in_memory_a_recovery_comes_after_what_nobody_waits_for_any_more() -> None:
    connection = MemoryDatabase().connect(Away())
    inbox, sessions = MemoryInbox(connection), MemorySessions(connection)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.serve)
        with trio.move_on_after(0.5):
            await inbox.add([UPDATE], batch_id=UUID(int=1), at=RECEIVED_AT)
        with trio.move_on_after(0.1):
            await sessions.save(Session(chat_id=ANNA))
        await trio.sleep_until(0.999)
        async with trio.open_nursery() as recovery:

            @recovery.start_soon
            async def gateway() -> None:
                assert [update.update_id for update in await inbox.unhandled()] == [1]

            @recovery.start_soon
            async def session() -> None:
                assert await sessions.load(ANNA) == Session(chat_id=ANNA)

        nursery.cancel_scope.cancel()


async def test_in_postgresql_a_recovery_takes_its_turn_at_the_writer(database: Database) -> None:
    nobody_reads = Database(writer=database._writer, readers=[])
    inbox, sessions = PostgresInbox(nobody_reads), PostgresSessions(nobody_reads)
    await inbox.add([UPDATE], batch_id=UUID(int=1), at=RECEIVED_AT)
    await sessions.save(Session(chat_id=ANNA))
    assert [update.update_id for update in await inbox.unhandled()] == [1]
    assert await sessions.load(ANNA) == Session(chat_id=ANNA)
