"""From a registration to the news that it was paid, over HTTP, on every kind of NocoDB."""

from __future__ import annotations

import pytest
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.kernel.language import Language
from actors.operations import messages as operations
from actors.sessions.model import Registration, Session, State
from actors.tracker import messages as tracker
from actors.tracker.actor import PaymentTracker
from actors.tracker.ports import Watches
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryPayments
from adapters.memory.sessions import MemorySessions
from adapters.memory.tracker import MemoryWatches
from adapters.nocodb.client import NocoClient
from adapters.nocodb.paid_records import NocoPaidRecords
from adapters.nocodb.records import NocoRecords
from adapters.sandbox.nocodb import NocodbSandbox
from runtime import RealWorld
from runtime.testing import Probe, TestSystem, running
from tests.adapters.nocodb.conftest import Connect

INTERVAL_SECONDS = 0.05
LATE_SECONDS = 0.8
"""The client of these tests gives up after half a second."""


def start(system: TestSystem, client: NocoClient, store: Watches) -> Probe:
    """A tracker, and a probe that hears who has paid."""
    probe = Probe()
    system.events.subscribe(tracker.PaymentStatusChanged, probe)
    system.spawn(
        lambda: PaymentTracker(
            store=store,
            records=NocoPaidRecords(client=client),
            payments=MemoryPayments(),
            orders=MemoryOrders(),
            live=True,
            interval_seconds=INTERVAL_SECONDS,
        ),
        name="tracker",
    )
    return probe


async def test_registered_ticked_told(nocodb: NocodbSandbox, connect: Connect) -> None:
    sessions = MemorySessions()
    async with connect(nocodb) as client, running(world=RealWorld()) as system:
        for number in range(1, 31):
            record_id = await NocoRecords(client=client).create(
                Registration(
                    chat_id=ChatId(number),
                    name=f"user {number}",
                    contact="+380441234567",
                    language=Language.EN,
                )
            )
            await sessions.save(
                Session(chat_id=ChatId(number), state=State.AWAITING_PAYMENT, record_id=record_id)
            )
        probe = start(system, client, MemoryWatches(sessions.connection))
        await trio.sleep(INTERVAL_SECONDS * 3)
        assert probe.told == []
        for number in (7, 29):
            nocodb.tick(number)
            heard = await probe.expect(tracker.PaymentStatusChanged)
            assert (int(heard.record_id), int(heard.chat_id)) == (number, number)
        await trio.sleep(INTERVAL_SECONDS * 5)
        assert len(probe.told) == 2


async def test_an_id_that_came_back_and_a_row_that_came_twice_reach_the_right_person(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    sessions = MemorySessions()

    async def waits(chat_id: int) -> int:
        record_id = nocodb.insert(Name="somebody", ChatId=chat_id)
        await sessions.save(
            Session(
                chat_id=ChatId(chat_id),
                state=State.AWAITING_PAYMENT,
                record_id=RecordId(record_id),
            )
        )
        return record_id

    assert await waits(500) == 1
    nocodb.delete(1)
    nocodb.table._next_id = 1  # as NocoDB does it on sqlite
    assert await waits(501) == 1
    assert await waits(502) == 2
    nocodb.insert(Name="somebody", ChatId=502)
    async with connect(nocodb) as client, running(world=RealWorld()) as system:
        probe = start(system, client, MemoryWatches(sessions.connection))
        await trio.sleep(INTERVAL_SECONDS * 3)
        for ticked, record_id, chat_id in ((1, 1, 501), (3, 2, 502)):
            nocodb.tick(ticked)
            heard = await probe.expect(tracker.PaymentStatusChanged)
            assert (heard.record_id, heard.chat_id) == (record_id, chat_id)
        await trio.sleep(INTERVAL_SECONDS * 5)
        assert len(probe.told) == 2


@pytest.mark.parametrize("ticked", [1, 2])
async def test_a_request_that_arrives_after_the_next_one_leaves_a_row_whose_tick_counts_too(
    ticked: int, nocodb: NocodbSandbox, connect: Connect
) -> None:
    sessions, anna = MemorySessions(), ChatId(500)
    registration = Registration(
        chat_id=anna, name="Anna", contact="+380441234567", language=Language.EN
    )
    nocodb.hang_next(1, LATE_SECONDS, kind="create")
    async with connect(nocodb) as client, running(world=RealWorld()) as system:
        records = NocoRecords(client=client)
        with pytest.raises(Unavailable):
            await records.create(registration)
        record_id = await records.create(registration)
        await sessions.save(
            Session(chat_id=anna, state=State.AWAITING_PAYMENT, record_id=record_id)
        )
        probe = start(system, client, MemoryWatches(sessions.connection))
        with trio.fail_after(5):
            while len(nocodb.rows) < 2:  # noqa: ASYNC110 - the sandbox tells nobody
                await trio.sleep(INTERVAL_SECONDS)
        assert await records.create(registration) == record_id
        assert [row["ChatId"] for row in nocodb.rows] == [500, 500]
        for row_id in (ticked, 3 - ticked):
            nocodb.tick(row_id)
            await trio.sleep(INTERVAL_SECONDS * 5)
        assert [(told.record_id, told.chat_id) for told in probe.told] == [(record_id, anna)]


async def test_a_renamed_column_is_reported_with_what_to_do(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    sessions, reports = MemorySessions(), Probe()
    record_id = RecordId(nocodb.insert(Name="Anna", ChatId=1))
    await sessions.save(
        Session(chat_id=ChatId(1), state=State.AWAITING_PAYMENT, record_id=record_id)
    )
    nocodb.rename_column("Paid", "Payed")
    async with connect(nocodb) as client, running(world=RealWorld()) as system:
        system.events.subscribe(operations.Reported, reports)
        start(system, client, MemoryWatches(sessions.connection))
        report = await reports.expect(operations.Reported)
    assert report.status == "fail"
    assert report.output.startswith("NocoDB table msandboxrecords has no column 'Paid': add a")
