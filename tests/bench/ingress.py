"""`python -m tests.bench ingress`: webhooks that are stored before they are acknowledged.

`main.py run` as in production, beside two peers that do the least a careful programmer would:
verify Stripe's signature, insert, commit, answer 200. All on one PostgreSQL (its own, with
fsync), one after the other, each in fresh processes; the load comes from `tests.bench.load`.
Ours also reads every event afterwards and marks what became of it; the peers only store.

- `burst`: 1,000 events as fast as 64 connections get them through
- `steady`: 100 events a second; 1,000 people have a conversation with ours meanwhile
"""

from __future__ import annotations

import hashlib
import hmac
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import trio

from adapters.postgres.embedded import EmbeddedServer
from tests.bench import load
from tests.config.program import MAIN, outside
from tests.fixtures.postgres import reachable_folder, url_of

ROUNDS = 5
BURST_EVENTS, BURST_CONNECTIONS = 1_000, 64
BURSTS = 3
"""In each round, after one that warms up; the median counts."""
STEADY_PER_SECOND, STEADY_SECONDS = 100, 20
LIVE_SESSIONS = 1_000
WORKERS, THREADS = 2, 8
"""Of gunicorn; uvicorn has as many workers."""
START_SECONDS_MAX = 60.0

SECRET = "whsec_bench_0123456789abcdef0123456789abcdef"
TABLE = "create table peer_event (event_id text primary key, body bytea not null)"

SYSTEMS = ("factorage", "flask_gunicorn", "fastapi_uvicorn")
UNITS = {
    "burst": f"durable acknowledgements per second, {BURST_EVENTS} events at once",
    "burst_p99": "seconds until 99 of 100 of them were acknowledged",
    "steady_p50": f"seconds, {STEADY_PER_SECOND} events a second",
    "steady_p99": "the same, for 99 of 100",
    "cpu": "processor seconds per event of the burst, all processes of the system, no database",
}


def run() -> dict[str, Any]:
    """One measurement; about four minutes."""
    figures: dict[str, dict[str, list[float]]] = {
        case: {system: [] for system in SYSTEMS} for case in UNITS
    }
    with _world() as settings:
        for number in range(ROUNDS):
            for system in SYSTEMS[number % 3 :] + SYSTEMS[: number % 3]:
                progress(f"{number + 1}/{ROUNDS} {system}")
                with running(system, settings) as (port, process):
                    for case, value in _measure(port, process, number).items():
                        figures[case][system].append(value)
    return {
        "bench": "ingress",
        "unit": UNITS,
        "results": {
            case: {system: median(values) for system, values in by_system.items() if values}
            for case, by_system in figures.items()
        },
    }


def _measure(port: int, process: subprocess.Popen[bytes], number: int) -> dict[str, float]:
    load.burst(port, events(BURST_EVENTS), connections=BURST_CONNECTIONS)
    outcomes, before = [], cpu_seconds(process.pid)
    for _ in range(BURSTS):
        outcome = load.burst(port, events(BURST_EVENTS), connections=BURST_CONNECTIONS)
        if outcome.accepted != BURST_EVENTS:
            raise RuntimeError(f"answered {outcome.statuses}")
        outcomes.append(outcome)
    found = {
        "burst": median(BURST_EVENTS / outcome.seconds for outcome in outcomes),
        "burst_p99": median(outcome.latency(0.99) for outcome in outcomes),
        "cpu": (cpu_seconds(process.pid) - before) / (BURSTS * BURST_EVENTS),
    }
    if number == 0:
        requests = events(STEADY_PER_SECOND * STEADY_SECONDS)
        steady = load.steady(port, requests, per_second=STEADY_PER_SECOND)
        found |= {"steady_p50": steady.latency(0.5), "steady_p99": steady.latency(0.99)}
    return found


def events(count: int) -> list[bytes]:
    """As many requests of Stripe's, signed now."""
    stamp = int(time.time())
    return [_request(stamp, f"evt_{time.time_ns()}_{number}") for number in range(count)]


def _request(stamp: int, event_id: str) -> bytes:
    event = {
        "id": event_id, "object": "event", "type": "payment_intent.created", "livemode": False,
        "api_version": "2026-10-28.endive", "created": stamp, "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": event_id},
        "data": {"object": {
            "id": f"pi_{event_id}", "object": "payment_intent", "amount": 1999, "currency": "usd",
            "amount_received": 0, "status": "requires_payment_method", "metadata": {"n": "x" * 200},
        }},
    }  # fmt: skip
    body = json.dumps(event).encode()
    signed = hmac.new(SECRET.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/stripe HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: Stripe/1.0\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Stripe-Signature: t={stamp},v1={signed}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def running(
    system: str, settings: Mapping[str, str]
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The system on a port of its own, until the block is left."""
    port = _free_port()
    python = sys.executable
    environment = os.environ | settings | {"STRIPE_WEBHOOK_SECRET": SECRET}
    match system:
        case "factorage":
            command = [python, str(MAIN), "run"]
            environment["HTTP_BIND"] = f"127.0.0.1:{port}"
            environment["STRIPE_SECRET_KEY"] = "sk_test_bench"
        case "flask_gunicorn":
            command = [
                python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--keep-alive", "75",
                "--workers", str(WORKERS), "--threads", str(THREADS), "--log-level", "warning",
                "tests.bench.webhooks.flask_app:app",
            ]  # fmt: skip
        case _:
            command = [
                python, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port),
                "--workers", str(WORKERS), "--no-access-log", "--log-level", "warning",
                "tests.bench.webhooks.fastapi_app:app",
            ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=MAIN.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port, process)
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until an event is accepted."""
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and process.poll() is None:
        try:
            if load.burst(port, events(1), connections=1).accepted:
                return
        except OSError:
            pass
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise RuntimeError("a system did not start")


def cpu_seconds(pid: int) -> float:
    """Of a process and all that descend from it, so far."""
    family, total = [pid], 0.0
    while family:
        member = family.pop()
        stat = Path(f"/proc/{member}/stat").read_text("ascii").rpartition(")")[2].split()
        total += (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        children = Path(f"/proc/{member}/task/{member}/children").read_text("ascii")
        family += map(int, children.split())
    return total


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _world() -> Iterator[dict[str, str]]:
    """PostgreSQL, and Telegram with people who talk, in a process of their own: the settings."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    world = spawn.Process(target=_serve, args=(theirs,))
    world.start()
    theirs.close()  # so that its end is heard
    try:
        settings = ours.recv()
        with running("factorage", settings):
            progress(f"{LIVE_SESSIONS} people come")
            ours.recv()
        yield settings
    finally:
        ours.send("enough")
        world.join()


def _serve(channel: Connection) -> None:
    async def until_enough() -> None:
        await server.start()
        try:
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                connection.execute(TABLE)
            async with outside() as world:
                for number in range(LIVE_SESSIONS):
                    world.telegram.user(number + 1).commands("/start")
                channel.send(world.environment(DATABASE_URL=url_of(server, "postgres")))
                while world.telegram.calls["sendmessage"] < LIVE_SESSIONS:  # noqa: ASYNC110 - nobody tells
                    await trio.sleep(0.1)
                channel.send("everybody has been greeted")
                await trio.to_thread.run_sync(channel.recv, abandon_on_cancel=True)
        finally:
            await server.stop()

    folder = reachable_folder()
    server = EmbeddedServer(folder / "postgres")
    trio.run(until_enough)
    shutil.rmtree(folder, ignore_errors=True)


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
