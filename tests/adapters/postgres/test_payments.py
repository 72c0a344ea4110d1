"""A payment whose commit nobody heard of is booked once, wherever the connection was cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from actors.ingress.model import Event, SourceName
from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import ChatId, EventId, OrderId, PaymentId
from actors.kernel.money import Money
from actors.tracker.settlement import Observation, OrderView, observe
from adapters.postgres.batch import Statement
from adapters.postgres.ingress import PostgresEvents
from adapters.postgres.payments import PostgresPayments
from tests.adapters.contract.provider_events import delivered
from tests.adapters.postgres.proxy import Direction, Proxy, running_proxy
from tests.adapters.postgres.store import Store, execute, running_store
from tests.fixtures.postgres import reachable_folder

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDER = OrderView(order_id=OrderId("a" * 32), chat_id=ChatId(7))
WARM_UPS = 8
STEP = int(os.environ.get("SWEEP_STEP", "31"))
"""Bytes between the cuts. `SWEEP_STEP=1` cuts at every byte, which takes two minutes."""
BYTES_MAX = 6_000
"""More than one such transaction takes."""
CONTROL_STEP = 3
"""Bytes between the cuts of the negative control."""
DIRECTIONS: tuple[Direction, ...] = ("to server", "to client")

Write = Callable[[Store, int], Awaitable[None]]


@pytest.fixture
def sockets() -> Iterator[Path]:
    folder = reachable_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def seen(number: int) -> Observation:
    report = PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId(f"pi_{number:06}"),
        standing=Standing.PAID,
        amount=Money.of("10", "USD"),
        fee=Money.of("0.59", "USD"),
        live=True,
        order_id=ORDER.order_id,
    )
    observed = observe(None, report, ORDER, live=True)
    assert isinstance(observed, Observation)
    return observed


async def record(store: Store, number: int) -> None:
    """The whole transaction: the charge, what is booked, the event, the notice."""
    payments = PostgresPayments(store.database)
    assert await payments.record(seen(number), event_id=EventId(number), at=NOON) is None


async def record_without_a_key(store: Store, number: int) -> None:
    """What a ledger without idempotency keys would do."""
    for transfer in seen(number).transfers[:1]:
        await store.database.write(
            Statement(
                """
                select ledger_post(
                    %(key)s || gen_random_uuid(), array['provider:stripe', 'customer:7'],
                    array['USD', 'USD'], array[10, -10]
                )
                """,
                {"key": transfer.key},
            )
        )


async def events(store: Store, count: int) -> None:
    """As many in the inbox, numbered from 1."""
    inbox = PostgresEvents(store.database)
    for number in range(1, count + 1):
        event = Event(
            source=SourceName.STRIPE, key=f"evt_{number}", kind="", subject="", body=b"", headers={}
        )
        added = await delivered(inbox, event, number)
        assert added.event_id == number


async def sweep(proxy: Proxy, store: Store, write: Write, *, step: int) -> int:
    """Cut one write at every `step`th byte of each direction; how many writes there were."""
    number = 0
    sizes: dict[str, int] = {}
    for _ in range(WARM_UPS):
        before = dict(proxy.passed)
        number += 1
        await write(store, number)
        sizes = {direction: proxy.passed[direction] - before[direction] for direction in before}
    for direction in DIRECTIONS:
        for count in range(1, sizes[direction] + 1, step):
            proxy.cut_after(count, direction)
            number += 1
            with trio.fail_after(20):
                await write(store, number)
    return number


async def test_a_payment_is_booked_once_at_whichever_byte_the_connection_is_cut(
    database_url: str, sockets: Path
) -> None:
    async with (
        running_proxy(database_url, sockets) as proxy,
        running_store(proxy.conninfo) as store,
    ):
        await events(store, WARM_UPS + BYTES_MAX // STEP)
        writes = await sweep(proxy, store, record, step=STEP)
        trial = await PostgresPayments(store.database).trial_balance(thorough=True)
    assert proxy.cuts > 0.9 * (writes - WARM_UPS)
    assert (trial.imbalance, trial.drift, trial.transfers) == ((), (), 2 * writes)
    balances = {each.account: each.amount for each in trial.balances}
    total = writes * 1_000
    assert balances == {
        "provider:stripe": Money.of_minor(total - writes * 59, "USD"),
        "fees": Money.of_minor(writes * 59, "USD"),
        "customer:7": Money.of_minor(-total, "USD"),
    }
    counts = "select count(*), count(distinct payment_id), max(version) from payment"
    assert execute(database_url, counts) == [(writes, writes, 1)]
    assert execute(database_url, "select count(*) from admin_notice") == [(writes,)]
    processed = "select count(*) from provider_event where state = 'processed'"
    assert execute(database_url, processed) == [(writes,)]


async def test_without_keys_the_same_cuts_do_book_twice(database_url: str, sockets: Path) -> None:
    """The negative control: the sweep can fail."""
    async with (
        running_proxy(database_url, sockets) as proxy,
        running_store(proxy.conninfo) as store,
    ):
        writes = await sweep(proxy, store, record_without_a_key, step=CONTROL_STEP)
    ((posted,),) = execute(database_url, "select count(*) from ledger_transfer")
    assert isinstance(posted, int)
    assert posted > writes
