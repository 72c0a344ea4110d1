"""The indexes of the tables in memory say what their rows say; the rest is the contract's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.model import Entry
from actors.kernel.ids import ChatId, UpdateId
from actors.sessions.model import Session
from adapters.memory.database import MemoryDatabase
from adapters.memory.gateway import MemoryInbox
from adapters.memory.sessions import MemorySessions

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
UPDATE = st.integers(1, 3).map(UpdateId)
STEP = st.one_of(
    st.tuples(st.just("add"), UPDATE),
    st.tuples(st.just("add"), UPDATE),
    st.tuples(st.just("finish"), UPDATE),
    st.tuples(st.just("park"), UPDATE),
    st.tuples(st.just("save"), UPDATE),
    st.tuples(st.just("prune"), UPDATE),
)


@given(steps=st.lists(STEP, min_size=5, max_size=30))
async def test_the_unhandled_are_those_rows_that_are_in_their_order(
    steps: list[tuple[str, UpdateId]],
) -> None:
    connection = MemoryDatabase(now=lambda: NOON).connect()
    inbox, sessions = MemoryInbox(connection), MemorySessions(connection)
    for number, (what, update_id) in enumerate(steps):
        match what:
            case "add":
                entry = Entry(update_id, f"[{number}]", chat_id=None)
                await inbox.add([entry], batch_id=UUID(int=number), at=NOON)
            case "finish":
                await inbox.finish(update_id, at=NOON)
            case "park":
                await inbox.park(update_id, "odd")
            case "save":
                known = connection.tables.updates.get(update_id)
                if known is None or known.unhandled:
                    await sessions.save(Session(chat_id=ChatId(1)), handled=update_id)
            case "prune":
                await inbox.prune(handled_before=LATER, parked_before=LATER, limit=2)
        tables = connection.tables
        assert list(tables.unhandled.items()) == [
            (update_id, row) for update_id, row in tables.updates.items() if row.unhandled
        ]


@given(
    steps=st.lists(st.tuples(st.integers(1, 3), st.none() | st.integers(0, 9)), max_size=12),
)
async def test_the_alarms_are_those_of_the_sessions(
    steps: list[tuple[int, int | None]],
) -> None:
    connection = MemoryDatabase().connect()
    sessions = MemorySessions(connection)
    for chat, hours in steps:
        deadline = None if hours is None else NOON + timedelta(hours=hours)
        await sessions.save(Session(chat_id=ChatId(chat), deadline=deadline))
    tables = connection.tables
    assert tables.alarms == {
        chat_id: session.due_at
        for chat_id, session in tables.sessions.items()
        if session.due_at is not None
    }
