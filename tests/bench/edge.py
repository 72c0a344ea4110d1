"""`python -m tests.bench edge`: where the processor's time of an acknowledgement goes.

Microseconds per event, of the thread that serves; the least of several rounds, which other
programs on the machine disturb the least. `connection` and `webhook` are whole requests over the
machine's own sockets, with what the kernel does for them, as many at once as in
`tests.bench.ingress`, from a process of their own; the others are parts of them, alone.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import h11
import structlog
import trio
from psycopg.adapt import PyFormat, Transformer
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from actors.ingress.actor import WebhookIngress
from actors.ingress.model import Added, Arrival, Delivery, Event, SourceName
from actors.kernel.ids import EventId
from adapters.http.app import application
from adapters.http.listening import Bind
from adapters.http.messages import FindUrl
from adapters.http.plain import head_of, read_plainly
from adapters.http.server import HttpServer
from adapters.http.webhooks import webhook_routes
from adapters.memory.ingress import MemoryEvents
from adapters.postgres.arrivals import adding
from adapters.stripe.client import StripeClient
from adapters.stripe.source import StripeSource
from runtime import ActorSystem, ask
from tests.bench import load
from tests.bench.ingress import BURST_CONNECTIONS, BURST_EVENTS, SECRET, events

ROUNDS = 9
REPETITIONS = 300
TOGETHER = 30
"""Events that a statement stores, of so many connections."""

UNITS = {
    "h11": "us: the protocol of one request and its answer",
    "plain": "us: the same without h11, as plain requests have it",
    "verify": "us: Stripe's signature and the reading of its event",
    "statement": f"us: an event's part of the statement that stores {TOGETHER}",
    "connection": "us: a request that is answered at once",
    "webhook": "us: a webhook that is verified, stored in no time, and acknowledged",
}
OK = JSONResponse({"status": "stored"})
ANSWER = h11.Response(
    status_code=200,
    headers=[("content-type", "application/json"), ("content-length", "2"), ("date", "x" * 29)],
)


def run() -> dict[str, Any]:
    """One measurement; some seconds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    parts = {
        "h11": _protocol(),
        "plain": _plain_protocol(),
        "verify": _verification(),
        "statement": _statement(),
    }
    return {
        "bench": "edge",
        "unit": UNITS,
        "results": {
            **{name: {"factorage": _least(part)} for name, part in parts.items()},
            "connection": {"factorage": trio.run(_served, _plain)},
            "webhook": {"factorage": trio.run(_served, _webhooks)},
        },
    }


def _least(part: Callable[[], int]) -> float:
    """Of one call, which does its work as often as it says."""
    rounds = []
    for _ in range(ROUNDS):
        begun, times = time.thread_time(), 0
        for _ in range(REPETITIONS // 10):
            times += part()
        rounds.append((time.thread_time() - begun) / times * 1e6)
    return min(rounds)


def _protocol() -> Callable[[], int]:
    (request,) = events(1)
    http = h11.Connection(h11.SERVER)

    def part() -> int:
        for _ in range(10):
            http.receive_data(request)
            while not isinstance(http.next_event(), h11.EndOfMessage):
                pass
            http.send(ANSWER)
            http.send(h11.Data(data=b"{}"))
            http.send(h11.EndOfMessage())
            http.start_next_cycle()
        return 10

    return part


def _plain_protocol() -> Callable[[], int]:
    (request,) = events(1)

    def part() -> int:
        for _ in range(10):
            if (
                read_plainly(request) is None
                or head_of(tuple(ANSWER.headers.raw_items()), 2) is None
            ):
                raise ValueError("they are not plain")
        return 10

    return part


def _source() -> StripeSource:
    client = StripeClient(secret_key="sk_test_bench")
    return StripeSource(secrets=[SECRET], live=False, client=client)


def _delivery(request: bytes) -> Delivery:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    headers = {name.lower(): value for name, _, value in lines}
    return Delivery(source=SourceName.STRIPE, headers=headers, body=body, peer="127.0.0.1")


def _event(source: StripeSource, delivery: Delivery) -> Event:
    told = source.verify(delivery, now=datetime.now(UTC))
    if not isinstance(told, Event):
        raise TypeError(told.detail)
    return told


def _verification() -> Callable[[], int]:
    source, (request,) = _source(), events(1)
    delivery = _delivery(request)

    def part() -> int:
        for _ in range(10):
            _event(source, delivery)
        return 10

    return part


def _statement() -> Callable[[], int]:
    source, now = _source(), datetime.now(UTC)
    arrivals = [
        Arrival(event=_event(source, _delivery(request)), delivery_id=uuid4(), at=now)
        for request in events(TOGETHER)
    ]

    def part() -> int:
        statement = adding(arrivals)
        in_binary = f"%({next(iter(statement.params))})b" in statement.sql
        how = PyFormat.BINARY if in_binary else PyFormat.AUTO
        values = list(statement.params.values())
        Transformer().dump_sequence(values, [how] * len(values))
        return TOGETHER

    return part


# Over sockets


class _AtOnce:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await OK(scope, receive, send)


class _NoTime(MemoryEvents):
    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        return tuple(Added(event_id=EventId(1), duplicate=False) for _ in arrivals)


class _Nobody:
    def tell(self, message: object, /) -> None:
        """There is no work on what came."""


def _plain(_system: ActorSystem) -> list[BaseRoute]:
    return [Route("/webhooks/stripe", _AtOnce(), methods=["POST"])]


def _webhooks(system: ActorSystem) -> list[BaseRoute]:
    actor = system.spawn(
        lambda: WebhookIngress(
            sources={SourceName.STRIPE: _source()}, events=_NoTime(), processor=_Nobody()
        )
    )
    return webhook_routes(actor)


async def _served(routes: Callable[[ActorSystem], list[BaseRoute]]) -> float:
    rounds = []
    async with ActorSystem() as system:
        app = application(routes(system))
        server = system.spawn(lambda: HttpServer(app=app, bind=Bind("127.0.0.1", 0)))
        port = int((await ask(server, FindUrl())).rpartition(":")[2])
        for _ in range(ROUNDS):
            begun = time.thread_time()
            await trio.to_thread.run_sync(_burst, port)
            rounds.append((time.thread_time() - begun) / BURST_EVENTS * 1e6)
    return min(rounds)


def _burst(port: int) -> None:
    sender = multiprocessing.get_context("spawn").Process(target=_send, args=(port,))
    sender.start()
    sender.join()
    if sender.exitcode:
        raise RuntimeError("not everything was acknowledged")


def _send(port: int) -> None:
    outcome = load.burst(port, events(BURST_EVENTS), connections=BURST_CONNECTIONS)
    if outcome.accepted != BURST_EVENTS:
        raise RuntimeError(f"answered {outcome.statuses}")
