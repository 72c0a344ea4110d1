"""`python -m tests.bench tracker`: 10,000 users wait, 100 of them pay at once, several times.

The tracker runs as in production, against the NocoDB sandbox in a process of its own, over
real HTTP; only the interval is 2 s instead of 20 s, so that ten rounds fit into half a minute.
`told_*` therefore depends on the interval: about half of it plus `told_after_look_*`, and at
most the whole of it plus one look.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import mean, median
from typing import Any

import httpx
import structlog
import trio

from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import Session, State
from actors.tracker import messages as tracker
from actors.tracker.actor import PaymentTracker
from actors.tracker.model import Answer, Place
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryPayments
from adapters.memory.sessions import MemorySessions
from adapters.memory.tracker import MemoryWatches
from adapters.nocodb.client import NocoClient
from adapters.nocodb.paid_records import NocoPaidRecords
from adapters.sandbox.nocodb import TABLE_ID, TOKEN, NocodbSandbox
from adapters.sandbox.server import serve
from runtime import Actor, ActorSystem

USERS = 10_000
PAID_PER_ROUND = 100
ROUNDS = 10
INTERVAL_SECONDS = 2.0
PHASE = 0.618
"""The golden section spreads the rounds evenly over the time between two looks."""
MEMORY_USERS = 100_000
"""Who waits while memory is measured: pages of 4 kB need many users to average out."""
ROUND_SECONDS_MAX = 20.0


Told = tuple[int, float]
"""A record, and when its session was told."""


class _Recorder(Actor[tracker.PaymentStatusChanged]):
    """All sessions in one: records each payment, and when it was told."""

    def __init__(self, sessions: MemorySessions, told: trio.MemorySendChannel[Told]) -> None:
        super().__init__()
        self._sessions, self._told = sessions, told

    async def on_start(self) -> None:
        self.subscribe(tracker.PaymentStatusChanged)

    async def on_receive(self, message: tracker.PaymentStatusChanged) -> None:
        self._told.send_nowait((message.record_id, trio.current_time()))
        await self._sessions.save(_session(message.record_id, State.SUCCESS))


class _Timed(NocoPaidRecords):
    """Notes when each question left, and how long its answer took."""

    def __init__(self, client: NocoClient) -> None:
        super().__init__(client=client)
        self.asked: list[float] = []
        self.took: list[float] = []

    async def changed(self, place: Place) -> Answer:
        self.asked.append(trio.current_time())
        answer = await super().changed(place)
        self.took.append(self.requests.latency_seconds)
        return answer

    async def read(self, record_ids: Collection[RecordId]) -> Answer:
        self.asked.append(trio.current_time())
        answer = await super().read(record_ids)
        self.took.append(self.requests.latency_seconds)
        return answer


def run() -> dict[str, Any]:
    """One measurement; about half a minute."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
        results = trio.run(_measure, ours.recv())
    finally:
        structlog.reset_defaults()
        server.kill()
        server.join()
    return {
        "bench": "tracker",
        "unit": {name: unit for name, (_, unit) in results.items()},
        "results": {name: {"factorage": value} for name, (value, _) in results.items()},
    }


def _serve(channel: Connection) -> None:
    async def forever() -> None:
        nocodb = NocodbSandbox()
        for number in range(1, USERS + 1):
            nocodb.insert(Name=f"user {number}", ChatId=number)
        async with serve(nocodb) as url:
            channel.send(url)
            await trio.sleep_forever()

    trio.run(forever)


async def _measure(url: str) -> dict[str, tuple[float, str]]:
    sessions = MemorySessions()
    for number in range(1, USERS + 1):
        await sessions.save(_session(number, State.AWAITING_PAYMENT))
    recorded, told = trio.open_memory_channel[Told](USERS)
    async with (
        NocoClient(url=url, token=TOKEN, table_id=TABLE_ID) as client,
        ActorSystem() as system,
    ):
        records = _Timed(client)
        system.spawn(lambda: _Recorder(sessions, recorded), name="recorder")
        system.spawn(
            lambda: PaymentTracker(
                store=MemoryWatches(sessions.connection),
                records=records,
                payments=MemoryPayments(),
                orders=MemoryOrders(),
                live=True,
                interval_seconds=INTERVAL_SECONDS,
            ),
            name="tracker",
        )
        await trio.sleep(1.5 * INTERVAL_SECONDS)
        waits, after_look = await _rounds(url, records, told)
    looks = _looks(records.asked)
    return {
        "users": (USERS, "waiting users"),
        "interval": (INTERVAL_SECONDS, "seconds between looks"),
        "requests_per_interval_mean": (mean(looks), "requests"),
        "requests_per_interval_max": (max(looks), "requests"),
        "request_median": (median(records.took), "seconds"),
        "request_max": (max(records.took), "seconds"),
        "told_median": (median(waits), "seconds from tick to told"),
        "told_max": (max(waits), "seconds from tick to told"),
        "told_after_look_median": (median(after_look), "seconds from question to told"),
        "told_after_look_max": (max(after_look), "seconds from question to told"),
        "memory_per_user": (await _memory_per_user(), "bytes"),
    }


async def _rounds(
    url: str, records: _Timed, told: trio.MemoryReceiveChannel[Told]
) -> tuple[list[float], list[float]]:
    """Seconds from the tick, and from the question that saw it, for everybody who paid."""
    waits: list[float] = []
    after_look: list[float] = []
    path = f"{url}/api/v2/tables/{TABLE_ID}/records"
    async with httpx.AsyncClient(headers={"xc-token": TOKEN}, trust_env=False) as operator:
        for number in range(ROUNDS):
            await trio.sleep(INTERVAL_SECONDS * (number * PHASE % 1))
            paid = range(number + 1, USERS + 1, USERS // PAID_PER_ROUND)
            ticks = [{"Id": record_id, "Paid": True} for record_id in paid]
            (await operator.patch(path, json=ticks)).raise_for_status()
            ticked, waiting = trio.current_time(), set(paid)
            with trio.fail_after(ROUND_SECONDS_MAX):
                while waiting:
                    record_id, at = await told.receive()
                    waiting.remove(record_id)  # raises for somebody who was told twice
                    waits.append(at - ticked)
                    after_look.append(at - max(asked for asked in records.asked if asked <= at))
    return waits, after_look


def _looks(asked: Sequence[float]) -> list[int]:
    """Requests of each look; a look begins where half an interval was silent."""
    looks: list[int] = []
    before = float("-inf")
    for at in asked:
        if at - before > INTERVAL_SECONDS / 2:
            looks.append(0)
        looks[-1] += 1
        before = at
    return looks


async def _memory_per_user() -> float:
    """Resident bytes that one more waiting user costs the tracker, ids included."""
    sessions = MemorySessions()
    async with (
        ActorSystem() as system,
        NocoClient(url="http://127.0.0.1:9", token=TOKEN, table_id=TABLE_ID) as client,
    ):
        ref = system.spawn(
            lambda: PaymentTracker(
                store=MemoryWatches(sessions.connection),
                records=NocoPaidRecords(client=client),
                payments=MemoryPayments(),
                orders=MemoryOrders(),
                live=True,
                interval_seconds=3_600.0,
            ),
            name="tracker",
        )
        await trio.sleep(0.1)
        before = _resident_bytes()
        for number in range(MEMORY_USERS):
            record_id, chat_id = RecordId(1_000_000 + number), ChatId(5_000_000_000 + number)
            await ref.send(tracker.Track(record_id=record_id, chat_id=chat_id))
        await trio.sleep(0.1)
        grown = _resident_bytes() - before
    return grown / MEMORY_USERS


def _resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _session(record_id: int, state: State) -> Session:
    return Session(chat_id=ChatId(record_id), state=state, record_id=RecordId(record_id))
