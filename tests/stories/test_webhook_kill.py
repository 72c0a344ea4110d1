"""kill -9 while providers deliver: nothing acknowledged is missing, nothing is credited twice.

A feeder sends signed events of Stripe, duplicated and in any order, each until it is answered
200, while the process is killed again and again and PostgreSQL restarts in between.
`FACTORAGE_KILLS=100` asks for more of it (with `-o faulthandler_timeout=0`, and `-s` to see what
was struck). The same harness has to find the fault of a shop that credits before it stores.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
import trio

from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.migrate import migrate
from adapters.postgres.session import connect
from tests.config.program import MAIN, PATIENCE_SECONDS, outside, surroundings
from tests.fixtures.postgres import reachable_folder, url_of
from tests.stories.careless import STANDS_STILL

KILLS = int(os.environ.get("FACTORAGE_KILLS", "4"))
ORDERS = 40 + 5 * KILLS
"""Each is told of by two events, and each of these by one to three deliveries."""
SENDERS = 8
UP_SECONDS_MIN, UP_SECONDS_MAX = 0.1, 0.8
"""How long a process lives after its first acknowledgement."""
RESTARTS_EVERY = 3
"""After so many kills PostgreSQL is stopped as by a crash, and started again."""
PRICE = 1999
SECRET = "whsec_kill_0123456789abcdef0123456789abcdef"
CARELESS = (sys.executable, "-m", "tests.stories.careless")
PRODUCTION = (sys.executable, str(MAIN), "run")

pytestmark = pytest.mark.process


@dataclass
class Books:
    """What the database says at the end."""

    missing: int
    unfinished: int
    paid: int
    credited: int
    imbalance: int
    sold: int
    owed: int


@dataclass
class Feeder:
    """Stripe: every delivery is repeated until it is acknowledged."""

    port: int
    deliveries: list[bytes]
    acknowledged: int = 0
    refused: dict[int, int] = field(default_factory=dict)

    async def run(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, trio.open_nursery() as nursery:
            for number in range(SENDERS):
                nursery.start_soon(self._send, client, self.deliveries[number::SENDERS])

    async def _send(self, client: httpx.AsyncClient, bodies: Sequence[bytes]) -> None:
        url = f"http://127.0.0.1:{self.port}/webhooks/stripe"
        for body in bodies:
            while True:
                try:
                    answer = await client.post(url, content=body, headers=_signed(body), timeout=5)
                except httpx.HTTPError:
                    await trio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    self.acknowledged += 1
                    break
                self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
                await trio.sleep(0.02)


async def test_killed_at_any_moment_it_books_every_payment_once(tmp_path: Path) -> None:
    books, feeder = await _campaign(PRODUCTION, tmp_path, seed=1)
    assert set(feeder.refused) <= {503}, "only a store that is away may be a reason"
    assert books == Books(
        missing=0, unfinished=0, paid=ORDERS, credited=ORDERS * PRICE, imbalance=0,
        sold=ORDERS * PRICE, owed=0,
    )  # fmt: skip


async def test_a_shop_that_credits_before_it_stores_is_found_out(tmp_path: Path) -> None:
    books, _ = await _campaign(CARELESS, tmp_path, seed=2, kills=1)
    assert books.credited > ORDERS * PRICE, "the harness would not notice a double credit"


async def _campaign(
    command: Sequence[str], tmp_path: Path, seed: int, kills: int = KILLS
) -> tuple[Books, Feeder]:
    luck, folder = random.Random(seed), reachable_folder()
    server = EmbeddedServer(folder / "postgres")
    feeder = Feeder(_free_port(), _deliveries(luck))
    try:
        await server.start()
        _place_orders(server)
        async with outside() as world, trio.open_nursery() as nursery:
            environment = world.environment(
                DATABASE_URL=url_of(server, "postgres"),
                HTTP_BIND=f"127.0.0.1:{feeder.port}",
                STRIPE_SECRET_KEY="sk_test_kill",
                STRIPE_WEBHOOK_SECRET=SECRET,
                STRIPE_API_URL="http://127.0.0.1:9",
            )
            for number in range(ORDERS):
                world.telegram.user(1_000 + number).commands("/start")  # a chat that exists
            nursery.start_soon(feeder.run)
            for kill in range(kills):
                doomed = environment | ({STANDS_STILL: "1"} if command == CARELESS else {})
                process = await _started(command, doomed, tmp_path / "log")
                await _answers(feeder.port, process)
                if command == CARELESS:
                    await _credited(server)
                else:
                    await _at_work(feeder)
                    await trio.sleep(luck.uniform(UP_SECONDS_MIN, UP_SECONDS_MAX))
                process.kill()
                await process.wait()
                if kill % RESTARTS_EVERY == RESTARTS_EVERY - 1:
                    await server.stop(signal.SIGQUIT)
                    await server.start()
            process = await _started(command, environment, tmp_path / "log")
            await _answers(feeder.port, process)
            await _until_at_rest(server, feeder)
            process.send_signal(signal.SIGTERM)
            with trio.fail_after(PATIENCE_SECONDS):
                assert await process.wait() == 0
        print(  # noqa: T201 - on `-s`
            f"{kills} kills, {len(feeder.deliveries)} deliveries of {2 * ORDERS} events, "
            f"{feeder.refused} refused"
        )
        return _books(server), feeder
    finally:
        await server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def _deliveries(luck: random.Random) -> list[bytes]:
    bodies = [body for number in range(ORDERS) for body in _events(number)]
    bodies += [body for body in bodies for _ in range(luck.randrange(3))]
    luck.shuffle(bodies)
    return bodies


def _events(number: int) -> list[bytes]:
    """Both events of one payment, as Stripe words them."""
    order_id = f"{number:032x}"
    intent = {
        "id": f"pi_{number}", "object": "payment_intent", "status": "succeeded", "currency": "usd",
        "amount": PRICE, "amount_received": PRICE, "latest_charge": f"ch_{number}",
        "metadata": {"order_id": order_id},
    }  # fmt: skip
    session = {
        "id": f"cs_test_{number}", "object": "checkout.session", "mode": "payment",
        "status": "complete", "payment_status": "paid", "payment_intent": f"pi_{number}",
        "client_reference_id": order_id, "amount_total": PRICE, "currency": "usd",
        "livemode": False, "metadata": {"order_id": order_id},
    }  # fmt: skip
    return [
        _event(f"evt_{number}_a", "payment_intent.succeeded", intent),
        _event(f"evt_{number}_b", "checkout.session.completed", session),
    ]


def _event(event_id: str, kind: str, told: dict[str, object]) -> bytes:
    event = {
        "id": event_id, "object": "event", "type": kind, "api_version": "2026-10-28.endive",
        "created": 1_767_225_600, "livemode": False, "pending_webhooks": 1, "request": None,
        "data": {"object": told},
    }  # fmt: skip
    return json.dumps(event).encode()


def _signed(body: bytes) -> dict[str, str]:
    stamp = int(time.time())
    signed = hmac.new(SECRET.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={stamp},v1={signed}", "content-type": "application/json"}


def _place_orders(server: EmbeddedServer) -> None:
    """Orders that wait for their payment, each of a customer of his own."""
    with connect(server.conninfo, "writer") as connection:
        migrate(connection)
    with psycopg.connect(server.conninfo) as connection:
        connection.execute(_ORDERS, {"orders": ORDERS, "price": PRICE / 100})


_ORDERS = """
    insert into purchase_order (
        order_id, chat_id, product_id, rail, state, version, saved_by, title, description, goods,
        language, currency, price, live, charges, checkout_id, url, attempts, created_at,
        expires_at, view_version, shown_version, renew
    )
    select
        lpad(to_hex(number), 32, '0'), 1000 + number, 'vip', 'stripe', 'waiting', 1,
        gen_random_uuid(), 'VIP', 'VIP', 'https://example.org/vip', 'en', 'USD',
        %(price)s::numeric, false, '[]', 'cs_test_' || number,
        'https://checkout.stripe.test/' || number, 0, now(), now() + interval '1 day', 0, 0, false
    from generate_series(0, %(orders)s - 1) as number
"""


async def _started(command: Sequence[str], environment: dict[str, str], log: Path) -> trio.Process:
    with log.open("ab") as said:
        return await trio.lowlevel.open_process(
            list(command),
            cwd=MAIN.parent,
            env=surroundings(environment),
            stdout=said,
            stderr=said,
        )


async def _answers(port: int, process: trio.Process) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            assert process.returncode is None, "it ended by itself"
            try:
                (await trio.open_tcp_stream("127.0.0.1", port)).socket.close()
            except OSError:
                await trio.sleep(0.02)
            else:
                return


async def _at_work(feeder: Feeder) -> None:
    """A kill strikes only who does something: until the next acknowledgement, if one is due."""
    before = feeder.acknowledged
    with trio.fail_after(PATIENCE_SECONDS):
        while feeder.acknowledged == before < len(feeder.deliveries):  # noqa: ASYNC110 - the feeder tells nobody
            await trio.sleep(0.01)


async def _credited(server: EmbeddedServer) -> None:
    """Until there is a receipt; whoever is careless now stands still, and has kept nothing else."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not _count(server, _RECEIPTS):  # noqa: ASYNC110 - the database tells nobody
            await trio.sleep(0.02)


async def _until_at_rest(server: EmbeddedServer, feeder: Feeder) -> None:
    with trio.fail_after(PATIENCE_SECONDS + ORDERS / 10):
        while feeder.acknowledged < len(feeder.deliveries) or _count(server, _UNFINISHED):  # noqa: ASYNC110 - the database tells nobody
            await trio.sleep(0.2)


def _count(server: EmbeddedServer, query: str) -> int:
    with psycopg.connect(server.conninfo) as connection:
        found = connection.execute(query).fetchone()
    assert found is not None
    return int(found[0] or 0)


def _books(server: EmbeddedServer) -> Books:
    return Books(
        missing=2 * ORDERS - _count(server, "select count(*) from provider_event"),
        unfinished=_count(server, _UNFINISHED),
        paid=_count(server, _PAID),
        credited=_count(server, _BALANCE.format("provider:stripe")),
        imbalance=_count(server, "select sum(amount) * 100 from ledger_entry"),
        sold=-_count(server, _BALANCE.format("sales")),
        owed=_count(server, _OWED),
    )


_UNFINISHED = """
    select (select count(*) from provider_event where state = 'pending')
        + (select count(*) from payment where recorded_version < news_version)
"""
_PAID = "select count(*) from purchase_order where state in ('paid', 'granted')"
_RECEIPTS = "select count(*) from ledger_transfer where key like '%:receipt:%'"
_OWED = "select sum(abs(balance)) * 100 from ledger_balance where account like 'customer:%'"
_BALANCE = "select sum(balance) * 100 from ledger_balance where account = '{}'"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
