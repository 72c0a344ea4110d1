"""One promise, two adapters each: the tracker's store, and the record table it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import Session, State
from actors.tracker.model import Page, Place, Watch
from actors.tracker.ports import PaidRecords
from adapters.memory.tracker import MemoryPaidRecords
from adapters.nocodb.client import NocoClient
from adapters.nocodb.paid_records import NocoPaidRecords
from adapters.sandbox.nocodb import TABLE_ID, TOKEN, NocodbSandbox
from adapters.sandbox.server import serve
from tests.adapters.contract.stores import KINDS, Stores, stores_of

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


# --- Watches ---------------------------------------------------------------------------------


def watch(record_id: int) -> Watch:
    return Watch(record_id=RecordId(record_id), chat_id=ChatId(-record_id))


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)


async def test_who_waits_is_what_the_sessions_say(stores: Stores) -> None:
    assert await stores.watches.waiting() == ()
    for record_id, state in enumerate(State, start=1):
        await stores.move(record_id, state)
    await stores.move(2_000_000_000_000, State.AWAITING_PAYMENT)
    await stores.sessions.save(Session(chat_id=ChatId(-99), state=State.CANCELLED))
    awaiting = 1 + list(State).index(State.AWAITING_PAYMENT)
    cancelled = 1 + list(State).index(State.CANCELLED)
    assert await stores.watches.waiting() == (
        watch(awaiting),
        replace(watch(cancelled), cancelled=True),
        watch(2_000_000_000_000),
    )
    await stores.move(awaiting, State.SUCCESS)
    assert await stores.known() == {cancelled: False, 2_000_000_000_000: False}


async def test_who_cancelled_and_paid_is_known_until_it_is_recorded(stores: Stores) -> None:
    for record_id in (1, 2):
        await stores.move(record_id, State.AWAITING_PAYMENT)
    await stores.watches.mark_paid([watch(1)])
    for record_id in (1, 2):
        await stores.move(record_id, State.CANCELLED)
    await stores.watches.mark_paid([watch(2)])
    await stores.watches.forget_recorded()
    assert await stores.known() == {1: True, 2: True}
    await stores.move(1, State.SUCCESS)
    await stores.move(2, State.AWAITING_PAYMENT)
    await stores.watches.forget_recorded()
    assert await stores.watches.waiting() == (replace(watch(2), paid=True),)


async def test_a_payment_is_known_until_it_is_recorded(stores: Stores) -> None:
    for record_id in (1, 2, 3):
        await stores.move(record_id, State.AWAITING_PAYMENT)
    for _ in range(2):
        await stores.watches.mark_paid([watch(1), watch(3), watch(1)])
    assert await stores.known() == {1: True, 2: False, 3: True}
    await stores.move(1, State.SUCCESS)
    for _ in range(2):
        await stores.watches.forget_recorded()
    assert await stores.known() == {2: False, 3: True}


async def test_who_waits_anew_is_not_paid_before_he_pays(stores: Stores) -> None:
    await stores.move(1, State.AWAITING_PAYMENT)
    await stores.watches.mark_paid([watch(1)])
    await stores.move(1, State.SUCCESS)
    await stores.watches.forget_recorded()
    await stores.move(1, State.AWAITING_PAYMENT)
    assert await stores.known() == {1: False}


async def test_of_two_who_wait_for_one_record_one_has_paid(stores: Stores) -> None:
    await stores.move(3, State.AWAITING_PAYMENT)
    other = Session(chat_id=ChatId(7), state=State.AWAITING_PAYMENT, record_id=RecordId(3))
    await stores.sessions.save(other)
    await stores.watches.mark_paid([watch(3)])
    await stores.watches.forget_recorded()
    paid = {waits.chat_id: waits.paid for waits in await stores.watches.waiting()}
    assert paid == {-3: True, 7: False}
    await stores.move(3, State.SUCCESS)
    await stores.watches.forget_recorded()
    await stores.move(3, State.AWAITING_PAYMENT)
    paid = {waits.chat_id: waits.paid for waits in await stores.watches.waiting()}
    assert paid == {-3: False, 7: False}


async def test_they_come_by_record_and_then_by_chat(stores: Stores) -> None:
    for chat_id, record_id in ((5, 2), (-9, 2), (7, 1), (1, 3)):
        await stores.sessions.save(
            Session(
                chat_id=ChatId(chat_id),
                state=State.AWAITING_PAYMENT,
                record_id=RecordId(record_id),
            )
        )
    waiting = [(waits.record_id, waits.chat_id) for waits in await stores.watches.waiting()]
    assert waiting == [(1, 7), (2, -9), (2, 5), (3, 1)]


async def test_nobody_to_mark_is_no_mistake(stores: Stores) -> None:
    await stores.watches.mark_paid([])
    await stores.watches.forget_recorded()
    assert await stores.known() == {}


async def test_many_are_marked_at_once(stores: Stores) -> None:
    await stores.watches.mark_paid([watch(number) for number in range(1, 3_001)])
    await stores.move(3_000, State.AWAITING_PAYMENT)
    await stores.move(3_001, State.AWAITING_PAYMENT)
    assert await stores.known() == {3_000: True, 3_001: False}


async def test_the_cursor_is_what_was_saved_last(stores: Stores) -> None:
    assert await stores.watches.cursor() is None
    for after in (NOON, NOON - timedelta(days=1, microseconds=1)):
        await stores.watches.save_cursor(after)
        assert await stores.watches.cursor() == after


# --- PaidRecords -----------------------------------------------------------------------------


@dataclass(slots=True)
class Table:
    """A record table, and the hand of an operator."""

    records: PaidRecords
    insert: Callable[[int], None]
    tick: Callable[[int], None]
    clear: Callable[[int], None]
    delete: Callable[[int], None]
    clock: list[datetime]


@asynccontextmanager
async def memory() -> AsyncIterator[Table]:
    clock = [NOON]
    table = MemoryPaidRecords(now=lambda: clock[-1], page_rows=100)
    yield Table(
        records=table,
        insert=lambda record_id: table.insert(RecordId(record_id), ChatId(-record_id)),
        tick=lambda record_id: table.tick(RecordId(record_id)),
        clear=lambda record_id: table.tick(RecordId(record_id), paid=False),
        delete=lambda record_id: table.delete(RecordId(record_id)),
        clock=clock,
    )


@asynccontextmanager
async def nocodb() -> AsyncIterator[Table]:
    clock = [NOON]
    server = NocodbSandbox(now=lambda: clock[-1], rows_per_page_max=100)

    def insert(record_id: int) -> None:
        assert server.insert(Name="somebody", ChatId=-record_id) == record_id

    async with (
        serve(server) as url,
        NocoClient(url=url, token=TOKEN, table_id=TABLE_ID) as client,
    ):
        yield Table(
            records=NocoPaidRecords(client=client),
            insert=insert,
            tick=server.tick,
            clear=lambda record_id: server.tick(record_id, paid=False),
            delete=server.delete,
            clock=clock,
        )


Open = Callable[[], AbstractAsyncContextManager[Table]]
both = pytest.mark.parametrize("open_table", [memory, nocodb])


@both
async def test_a_chunk_tells_who_has_paid_and_who_is_gone(open_table: Open) -> None:
    async with open_table() as table:
        for record_id in range(1, 6):
            table.insert(record_id)
        table.tick(2)
        table.tick(3)
        table.clear(3)
        table.delete(5)
        answer = await table.records.read([RecordId(number) for number in (1, 2, 3, 5, 9)])
        assert isinstance(answer, Page)
        assert {row.record_id: row.paid for row in answer.rows} == {1: False, 2: True, 3: False}
        assert all(row.chat_id == -row.record_id for row in answer.rows)
        assert answer.nameless == ""
        assert (answer.size, answer.last, answer.server_time) == (3, True, NOON)
        assert table.records.requests.ok == 1


@both
async def test_changes_come_oldest_first_page_after_page(open_table: Open) -> None:
    async with open_table() as table:
        for record_id in range(1, 251):
            table.insert(record_id)
        for record_id in range(1, 251):
            table.clock.append(NOON + timedelta(seconds=record_id // 10))
            table.tick(record_id)
        place = Place(after=NOON + timedelta(seconds=1))
        seen: list[int] = []
        for skip in (0, 100, 200):
            answer = await table.records.changed(Place(after=place.after, skip=skip))
            assert isinstance(answer, Page)
            seen += [row.record_id for row in answer.rows]
            assert answer.last == (skip == 200)
            assert all(row.chat_id == -row.record_id for row in answer.rows)
            assert all(row.updated_at and row.updated_at > place.after for row in answer.rows)
        assert seen == list(range(20, 251))


@both
async def test_smaller_pages_than_asked_for_are_noticed(open_table: Open) -> None:
    async with open_table() as table:
        for record_id in range(1, 151):
            table.insert(record_id)
        answer = await table.records.read([RecordId(number) for number in range(1, 151)])
        assert isinstance(answer, Page)
        assert (answer.size, answer.last) == (100, False)
        assert table.records.chunk_rows == 100
