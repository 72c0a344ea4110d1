"""`python -m tests.bench broadcast`: a broadcast beside people who are answered.

- `pacing`: 20,000 recipients through the real dispatcher, in virtual time, against a Telegram that
  enforces its rules (30 requests in any second, counted anywhere between start and answer; one a
  second in a chat, three at once); meanwhile replies go out at random, about one a second. Once in
  peace, against the ideal of 28/s, and once with flood waits, of which each chat enforces its own.
- `rate`: 3,000 recipients over real sockets, against the sandbox's Bot API server in a process of
  its own, at 28/s: that alone takes 107 s, because a steady rate is what is measured.
- `paid`: the same with 1,000/s allowed.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from itertools import islice
from multiprocessing.connection import Connection
from random import Random
from typing import Any

import httpx
import structlog
import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.actor import BroadcastDispatcher
from actors.broadcast.model import Flooded, Outcome, Sent
from actors.broadcast.ports import Messenger
from actors.broadcast.tokens import Limits
from actors.broadcast.ways import in_flight_max
from actors.kernel.ids import ChatId, LetterId, MessageId
from adapters.memory.database import MemoryDatabase
from adapters.memory.dispatch import MemoryPostBook
from adapters.sandbox.server import serve, utc_now
from adapters.sandbox.telegram import TOKEN, TelegramSandbox
from adapters.sandbox.telegram_control import controlled
from adapters.telegram.bot import connected
from adapters.telegram.messenger import TelegramMessenger
from runtime import ActorSystem
from runtime.testing import running
from runtime.testing.clock import run as run_virtually

RECIPIENTS, PER_SECOND = 20_000, 28
REPLY_EVERY_SECONDS = 1.0
FLOODS = 0.002
"""Of all requests, one in so many finds its chat in a flood wait of 1 to 10 s."""
LATENCY_SECONDS = (0.02, 0.08)
OVERALL, BURST = 30, 3

REAL_RECIPIENTS, PAID_RECIPIENTS, PAID_PER_SECOND = 3_000, 6_000, 1_000
WINDOW = 500
"""Letters of a broadcast in the dispatcher's hands at a time."""
REPLIERS = 500
"""Who is answered while the others are sent to."""


def run() -> dict[str, Any]:
    """One measurement; about two and a half minutes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        _progress("pacing")
        results = _pacing()
        for case, recipients, limits in (
            ("paid", PAID_RECIPIENTS, Limits(paid_per_second=PAID_PER_SECOND, stars_budget=10**6)),
            ("rate", REAL_RECIPIENTS, Limits()),
        ):
            _progress(f"{case}: {recipients} recipients")
            results |= _real(case, recipients, limits)
    finally:
        structlog.reset_defaults()
    return {
        "bench": "broadcast",
        "unit": {name: unit for name, (_, unit) in results.items()},
        "results": {name: values for name, (values, _) in results.items()},
    }


Figure = tuple[dict[str, float], str]
"""By system, and its unit."""


class Rules(Messenger):
    """A Telegram that lets nobody exceed its limits, and counts who tries."""

    def __init__(self, chance: Random, *, floods: float) -> None:
        self.too_many = self.too_early = self.floods = 0
        self.began: dict[str, float] = {}
        """When the request of a text first left."""
        self._chance, self._flood_rate = chance, floods
        self._second: deque[float] = deque()
        self._chats: defaultdict[ChatId, deque[float]] = defaultdict(deque)
        self._closed: dict[ChatId, float] = {}
        self._count = 0

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        if not isinstance(letter, broadcast.Say):
            raise TypeError(f"nobody sends {letter}")
        self.began.setdefault(letter.text, trio.current_time())
        latency = self._chance.uniform(*LATENCY_SECONDS)
        counted = latency * self._chance.choice((0.0, self._chance.random(), 1.0))
        await trio.sleep(counted)
        outcome = self._answer(letter.chat_id, trio.current_time())
        await trio.sleep(latency - counted)
        return outcome

    def _answer(self, chat_id: ChatId, now: float) -> Outcome:
        if (until := self._closed.get(chat_id, now)) > now:
            self.too_early += 1
            return Flooded(until - now)
        if self._chance.random() < self._flood_rate:
            self.floods += 1
            return self._close(chat_id, now, self._chance.randrange(1, 11))
        while self._second and self._second[0] <= now - 1.0:
            self._second.popleft()
        chat = self._chats[chat_id]
        while chat and chat[0] <= now - BURST:
            chat.popleft()
        if len(self._second) >= OVERALL or len(chat) >= BURST:
            self.too_many += 1
            return self._close(chat_id, now, 5)
        self._second.append(now)
        chat.append(now)
        self._count += 1
        return Sent(MessageId(self._count))

    def _close(self, chat_id: ChatId, now: float, seconds: int) -> Outcome:
        self._closed[chat_id] = now + seconds
        return Flooded(seconds)


class _Receipts:
    """Counts what came of the letters, and says when all are there. `more` is called for each."""

    def __init__(self, expected: int) -> None:
        self.by_kind: Counter[str] = Counter()
        self.complete = trio.Event()
        self.more: Callable[[], None] = lambda: None
        self._expected = expected

    def tell(self, receipt: broadcast.Receipt) -> None:
        self.by_kind[type(receipt).__name__] += 1
        self.more()
        if self.by_kind.total() == self._expected:
            self.complete.set()


def _pacing() -> dict[str, Figure]:
    calm = run_virtually(_virtual, 0.0)
    rough = run_virtually(_virtual, FLOODS)
    ideal = RECIPIENTS / PER_SECOND
    return {
        "pacing": (
            {"factorage": calm["seconds"], "ideal": ideal, "too_many_requests": calm["too_many"]},
            f"virtual seconds, {RECIPIENTS:,} recipients at {PER_SECOND}/s, replies beside them",
        ),
        "pacing_flooded": (
            {
                "factorage": rough["seconds"],
                "flood_waits": rough["floods"],
                "too_early": rough["too_early"],
                "too_many_requests": rough["too_many"],
            },
            "the same with flood waits of 1 to 10 s, and how often somebody came before his time",
        ),
        "pacing_reply_p95": (
            {"factorage": calm["p95"], "flooded": rough["p95"]},
            "seconds that 95 of 100 replies wait in the dispatcher at most",
        ),
        "pacing_reply_max": (
            {"factorage": calm["max"], "flooded": rough["max"]},
            "seconds of the one that waited longest",
        ),
        "pacing_undelivered": ({"factorage": calm["lost"] + rough["lost"]}, "letters, of both"),
    }


async def _virtual(floods: float) -> dict[str, float]:
    chance = Random(7)
    telegram, receipts = Rules(chance, floods=floods), _Receipts(RECIPIENTS)
    told: dict[str, float] = {}
    async with running() as system, trio.open_nursery() as nursery:
        dispatcher = system.spawn(
            lambda: BroadcastDispatcher(
                messenger=telegram, book=MemoryPostBook(), pause=trio.sleep, limits=Limits()
            ),
            name="dispatcher",
        )
        began = trio.current_time()
        for number in range(1, RECIPIENTS + 1):
            dispatcher.tell(_news(number, receipts))

        async def people() -> None:
            for number in range(10**9):
                await trio.sleep(chance.expovariate(1 / REPLY_EVERY_SECONDS))
                reply = _reply(number, chance.randrange(1, RECIPIENTS + 1))
                told[reply.text] = trio.current_time()
                dispatcher.tell(reply)

        nursery.start_soon(people)
        await receipts.complete.wait()
        seconds = trio.current_time() - began
        nursery.cancel_scope.cancel()
    waits = sorted(telegram.began[text] - at for text, at in told.items() if text in telegram.began)
    return {
        "seconds": seconds,
        "too_many": telegram.too_many,
        "too_early": telegram.too_early,
        "floods": telegram.floods,
        "p95": waits[int(len(waits) * 0.95)],
        "max": waits[-1],
        "lost": RECIPIENTS - receipts.by_kind["Delivered"],
    }


def _real(case: str, recipients: int, limits: Limits) -> dict[str, Figure]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=_serve, args=(theirs, recipients + REPLIERS), daemon=True)
    server.start()
    try:
        return {
            f"{case}{name}": figure
            for name, figure in trio.run(_over_sockets, ours.recv(), recipients, limits).items()
        }
    finally:
        server.kill()
        server.join()


def _serve(channel: Connection, people: int) -> None:
    async def forever() -> None:
        telegram = TelegramSandbox()
        telegram.rate_limit(on=True)
        for number in range(1, people + 1):
            telegram.user(number).chat.started = True
        async with serve(controlled(telegram)) as url:
            channel.send(url)
            await trio.sleep_forever()

    trio.run(forever)


async def _over_sockets(url: str, recipients: int, limits: Limits) -> dict[str, Figure]:
    receipts, chance = _Receipts(recipients), Random(7)
    waits: list[float] = []
    async with (
        connected(token=TOKEN, api_url=url, connections=in_flight_max(limits)) as bot,
        ActorSystem() as system,
        trio.open_nursery() as nursery,
    ):
        messenger = _Timed(TelegramMessenger(bot))
        dispatcher = system.spawn(
            lambda: BroadcastDispatcher(
                messenger=messenger,
                book=MemoryPostBook(MemoryDatabase(now=utc_now).connect()),
                pause=trio.sleep,
                limits=limits,
            ),
            name="dispatcher",
        )

        async def people() -> None:
            for number in range(10**9):
                await trio.sleep(chance.expovariate(1 / REPLY_EVERY_SECONDS))
                reply = _reply(number, recipients + chance.randrange(1, REPLIERS + 1))
                messenger.told[reply.text] = trio.current_time()
                dispatcher.tell(reply)

        began, cpu = trio.current_time(), time.process_time()
        numbers = iter(range(1, recipients + 1))

        def tell_next() -> None:
            for number in islice(numbers, 1):
                dispatcher.tell(_news(number, receipts, paid=limits.paid_per_second > 0))

        receipts.more = tell_next  # a broadcast has a window of letters, not all of them
        for _ in range(WINDOW):
            tell_next()
        nursery.start_soon(people)
        await receipts.complete.wait()
        seconds, cpu = trio.current_time() - began, time.process_time() - cpu
        nursery.cancel_scope.cancel()
        waits = sorted(messenger.waits)
    async with httpx.AsyncClient(trust_env=False) as control:
        counters = (await control.get(f"{url}/_control/counters")).json()
    allowed = limits.paid_per_second or limits.bulk_per_second
    return {
        "": (
            {"factorage": recipients / seconds, "allowed": allowed},
            f"messages per second, {recipients:,} recipients over real sockets",
        ),
        "_cpu": ({"factorage": 1_000 * cpu / recipients}, "processor milliseconds per message"),
        "_violations": ({"factorage": counters["violations"]}, "of Telegram's limits"),
        "_billed": ({"factorage": counters["billed"]}, "messages that Telegram billed"),
        "_undelivered": ({"factorage": recipients - receipts.by_kind["Delivered"]}, "letters"),
        "_reply_p95": (
            {"factorage": waits[int(len(waits) * 0.95)] if waits else 0.0},
            "seconds a reply waits in the dispatcher",
        ),
    }


class _Timed(Messenger):
    """Notes how long each reply waited."""

    def __init__(self, inner: Messenger) -> None:
        self.told: dict[str, float] = {}
        self.waits: list[float] = []
        self._inner = inner

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        told = self.told.pop(letter.text, None) if isinstance(letter, broadcast.Say) else None
        if told is not None:
            self.waits.append(trio.current_time() - told)
        return await self._inner.deliver(letter)


def _news(number: int, receipts: _Receipts, *, paid: bool = False) -> broadcast.Say:
    return broadcast.Say(
        letter_id=LetterId(f"broadcast:1:{number}"),
        chat_id=ChatId(number),
        text=f"news {number}",
        repeat=False,
        lane="bulk",
        source="1",
        paid=paid,
        notify=receipts,
    )


def _reply(number: int, chat_id: int) -> broadcast.Say:
    text = f"reply {number}"
    return broadcast.Say(letter_id=LetterId(text), chat_id=ChatId(chat_id), text=text)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
