"""`python -m tests.bench relay`: 10,000 users write three messages each, all at once.

The batcher runs as in production, on the real clock but for its patience, over a store that keeps
nothing: what is measured is collecting. `memory` is what an open batch of three costs in it, by
tracemalloc; `timers` are entries of its heap and timers of the runtime while all are open.
`collect` counts messages a second from the mailbox into batches, `close` batches a second out of
them; `seconds` is processor time for a message, from being told to having left.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
import trio

from actors.debounce.actor import DebounceBatcher
from actors.debounce.messages import Collect, Passed
from actors.debounce.model import Collector, Item, Patience
from actors.debounce.ports import Batch, Batches, Waiting
from actors.kernel.ids import ChatId, MessageId, UpdateId
from actors.kernel.language import Language
from runtime import ActorSystem

USERS = 10_000
MESSAGES = 3
QUIET_SECONDS = 4.0


class _Nothing(Batches):
    """A store that keeps nothing, and counts."""

    def __init__(self) -> None:
        self.batches = self.messages = 0
        self.all_closed = trio.Event()

    async def waiting(
        self, *, before: datetime | None = None, after: Waiting | None = None, limit: int
    ) -> tuple[Waiting, ...]:
        return ()

    async def close(self, batches: Sequence[Batch], *, at: datetime) -> None:
        self.batches += len(batches)
        self.messages += sum(len(b.update_ids) + len(b.flooded_ids) for b in batches)
        if self.messages == USERS * MESSAGES:
            self.all_closed.set()


class _Deaf:
    """Takes whatever it is told."""

    def tell(self, message: object, /) -> None:
        """Nobody listens."""


def run() -> dict[str, Any]:
    """The figures."""
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    memory, heap = _memory()
    collect, close, seconds, timers = trio.run(_speed)
    return {
        "bench": "relay",
        "unit": {
            "memory": "bytes for an open batch of three messages",
            "timers": "entries of the heap; timers of the runtime",
            "collect": "messages a second",
            "close": "batches a second",
            "cpu": "microseconds of processor time for a message, in and out",
        },
        "results": {
            "memory": {"factorage": memory},
            "timers": {"heap": heap, "runtime": timers},
            "collect": {"factorage": collect},
            "close": {"factorage": close},
            "cpu": {"factorage": seconds * 1e6},
        },
    }


def _memory() -> tuple[float, int]:
    collector = Collector(Patience())
    ids = [(ChatId(10**9 + n), UpdateId(10**9 + n)) for n in range(USERS * MESSAGES)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number, (_, update_id) in enumerate(ids):
        chat_id = ids[number % USERS][0]
        collector.add(chat_id, Item(update_id, 1e9 + number / 1e4, 200 + number % 50, ""))
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert collector.batches == USERS
    return used / USERS, collector.timers


async def _speed() -> tuple[float, float, float, int]:
    store, patience = _Nothing(), Patience(quiet_seconds=QUIET_SECONDS)
    async with ActorSystem() as system:
        batcher = system.spawn(
            lambda: DebounceBatcher(
                store=store, relay=_Deaf(), dispatcher=_Deaf(), patience=patience
            )
        )
        now = datetime.now(UTC) + timedelta(seconds=1)  # `gc` and the messages take their time
        told = [_collect(number, now) for number in range(USERS * MESSAGES)]
        gc.collect()
        began, used = time.perf_counter(), time.process_time()
        for each in told:
            batcher.tell(each)
        while not batcher.actor_inbox.empty():  # noqa: ASYNC110 - nobody says when
            await trio.sleep(0.001)
        collected = time.perf_counter()
        in_seconds = time.process_time() - used
        timers = len(batcher._cell.timers or {})
        due = now + timedelta(seconds=QUIET_SECONDS)
        await trio.sleep((due - datetime.now(UTC)).total_seconds() - 0.02)
        used, began_closing = time.process_time(), time.perf_counter()
        await store.all_closed.wait()
        out_seconds = time.process_time() - used
        closing = time.perf_counter() - began_closing - 0.02
    return (
        len(told) / (collected - began),
        store.batches / max(closing, 1e-9),
        (in_seconds + out_seconds) / len(told),
        timers,
    )


def _collect(number: int, received_at: datetime) -> Collect:
    return Collect(
        chat_id=ChatId(1 + number % USERS),
        received_at=received_at,
        language=Language.EN,
        passed=Passed(
            update_id=UpdateId(number),
            message_id=MessageId(number),
            kind="text",
            text="Is this still for sale, and how much is it with delivery?",
        ),
    )
