"""What providers are answered, over the real application and the real ingress."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
import trio

from actors.ingress.actor import PATIENCE_SECONDS, WebhookIngress
from actors.ingress.model import Delivery, Event, Rejected, SourceName
from actors.ingress.processor import EventProcessor
from actors.kernel.failures import Unavailable
from adapters.http.app import application
from adapters.http.limits import WEBHOOK_BODY_MAX_BYTES
from adapters.http.webhooks import (
    AWAY_RETRY_SECONDS,
    UNCONFIGURED_RETRY_SECONDS,
    WEBHOOKS,
    webhook_routes,
)
from runtime.testing import Probe, TestSystem, running
from tests.actors.ingress.provider import SECRET, Provider, SlowEvents
from tests.adapters.http.wire import serving

JSON = {"content-type": "application/json", "stripe-signature": SECRET}
BODY = b"evt_1 paid pi_1"


class Stripe(Provider):
    """Remembers what reached it; `says` is what it says instead, or it `crashes`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Delivery] = []
        self.says: Rejected | None = None
        self.crashes = False

    def verify(self, delivery: Delivery, **how: Any) -> Event | Rejected:
        self.seen.append(delivery)
        if self.crashes:
            raise ZeroDivisionError
        if self.says is not None:
            return self.says
        headers = {"signature": delivery.headers.get("stripe-signature", "")}
        told = Delivery(
            source=delivery.source, headers=headers, body=delivery.body, peer=delivery.peer
        )
        return super().verify(told, **how)


class World:
    """A shop that sells through Stripe alone."""

    def __init__(self, system: TestSystem) -> None:
        self.system = system
        self.stripe, self.events = Stripe(), SlowEvents()
        self.sources: dict[SourceName, Any] = {SourceName.STRIPE: self.stripe}
        self.ingress = system.spawn(
            lambda: WebhookIngress(sources=self.sources, events=self.events, processor=Probe()),
            name="ingress",
        )
        proxies = [ip_network("127.0.0.0/8")]
        self.app = application(webhook_routes(self.ingress, trusted_proxies=proxies))


@asynccontextmanager
async def shop() -> AsyncIterator[tuple[httpx.AsyncClient, World]]:
    async with running() as system:
        world = World(system)
        transport = httpx.ASGITransport(app=world.app, client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
            yield http, world


# Taken


async def test_what_is_stored_is_acknowledged_and_what_comes_again_too() -> None:
    async with shop() as (http, world):
        first = await http.post("/webhooks/stripe", content=BODY, headers=JSON)
        assert (first.status_code, first.json()) == (200, {"status": "stored"})
        again = await http.post("/webhooks/stripe", content=BODY, headers=JSON)
        assert (again.status_code, again.json()) == (200, {"status": "duplicate"})
        assert world.events.states() == {"evt_1": "pending"}


async def test_the_exact_bytes_and_a_chosen_few_headers_reach_the_ingress() -> None:
    body = b"\xef\xbb\xbfevt_1 paid\r\n\x00 \xff"
    private = {"cookie": "session=1", "authorization": "Bearer x", "x-forwarded-for": "1.2.3.4"}
    async with shop() as (http, world):
        await http.post("/webhooks/stripe", content=body, headers=JSON | private)
        (seen,) = world.stripe.seen
        assert seen.body == body
        assert set(seen.headers) == {"content-type", "user-agent", "stripe-signature"}
        assert seen.peer == "203.0.113.7"  # no proxy of ours


async def test_behind_a_proxy_the_peer_is_whom_the_proxy_saw() -> None:
    async with shop() as (_, world), serving(world.app) as served, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{served.port}/webhooks/stripe"
        forwarded = {"x-forwarded-for": "185.71.76.1, 198.51.100.9"}
        await http.post(url, content=BODY, headers=JSON | forwarded)
        assert world.stripe.seen[0].peer == "198.51.100.9"


@pytest.mark.parametrize("path", WEBHOOKS)
async def test_every_source_has_its_route_and_none_is_ever_missing(path: str) -> None:
    async with shop() as (http, world):
        world.sources.clear()
        world.ingress.kill(ValueError("begin anew, without credentials"))
        await trio.sleep(1)
        answer = await http.post(path, content=BODY, headers=JSON)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == str(UNCONFIGURED_RETRY_SECONDS)
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"{WEBHOOKS[path]} is not configured here" in answer.json()["detail"]


async def test_the_old_path_is_yookassas() -> None:
    async with shop() as (http, world):
        world.sources[SourceName.YOOKASSA] = yookassa = Stripe()
        yookassa.name = SourceName.YOOKASSA
        world.ingress.kill(ValueError("begin anew, with it"))
        await trio.sleep(1)
        for path in ("/v1/payments/webhook", "/webhooks/yookassa"):
            assert (await http.post(path, content=BODY, headers=JSON)).status_code == 200
        assert [seen.source for seen in yookassa.seen] == [SourceName.YOOKASSA] * 2


# Refused


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("signature", 400),
        ("stale", 400),
        ("malformed", 400),
        ("address", 403),
        ("size", 413),
        ("media", 415),
    ],
)
async def test_each_refusal_has_its_status(reason: Any, status: int) -> None:
    async with shop() as (http, world):
        world.stripe.says = Rejected(reason=reason, detail="one sentence")
        answer = await http.post("/webhooks/stripe", content=BODY, headers=JSON)
        assert (answer.status_code, answer.json()["detail"]) == (status, "one sentence")
        assert "retry-after" not in answer.headers
        assert world.events.states() == {}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="windows-1251"; x=y', 200),
        ("application/cloudevents+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        ("multipart/form-data; boundary=application/json", 415),
    ],
)
async def test_json_is_taken_under_any_charset_and_nothing_else(kind: str, status: int) -> None:
    async with shop() as (http, _):
        headers = JSON | {"content-type": kind}
        answer = await http.post("/webhooks/stripe", content=BODY, headers=headers)
        assert answer.status_code == status


async def test_a_compressed_body_is_not_guessed_at() -> None:
    async with shop() as (http, world):
        headers = JSON | {"content-encoding": "gzip"}
        assert (await http.post("/webhooks/stripe", headers=headers)).status_code == 415
        assert world.stripe.seen == []


async def test_a_proof_that_is_there_twice_is_none() -> None:
    async with shop() as (http, world):
        headers = [*JSON.items(), ("stripe-signature", "another")]
        answer = await http.post("/webhooks/stripe", content=BODY, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "stripe-signature is there more than once"
        assert world.stripe.seen == []


async def test_a_body_has_a_limit_of_its_own() -> None:
    async with shop() as (http, world):
        largest = b"evt_1 paid " + b"x" * 10
        largest += b"x" * (WEBHOOK_BODY_MAX_BYTES - len(largest))
        world.stripe.says = Rejected(reason="signature", detail="read")
        answer = await http.post("/webhooks/stripe", content=largest, headers=JSON)
        assert answer.status_code == 400
        answer = await http.post("/webhooks/stripe", content=largest + b"x", headers=JSON)
        assert answer.status_code == 413
        assert len(world.stripe.seen) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"])
async def test_another_method_is_told_the_right_one(method: str) -> None:
    async with shop() as (http, _):
        answer = await http.request(method, "/webhooks/stripe")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path", ["/webhooks", "/webhooks/paypal", "/webhooks/stripe/", "/webhooks//stripe"]
)
async def test_what_is_no_route_is_not_found(path: str) -> None:
    async with shop() as (http, _):
        answer = await http.post(path, content=BODY, headers=JSON)
        assert answer.status_code == 404


# Not now


async def test_a_store_that_is_away_means_come_again() -> None:
    async with shop() as (http, world):
        world.events.failures.append(Unavailable("disk full"))
        answer = await http.post("/webhooks/stripe", content=BODY, headers=JSON)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "disk" not in answer.text


async def test_a_slow_store_is_answered_before_nowpayments_hangs_up() -> None:
    async with shop() as (http, world):
        world.events.seconds = 60
        before = world.system.world.monotonic()
        answer = await http.post("/webhooks/stripe", content=BODY, headers=JSON)
        assert answer.status_code == 503
        waited = world.system.world.monotonic() - before
        assert waited == pytest.approx(PATIENCE_SECONDS)
        assert waited < 3


async def test_an_ingress_that_is_gone_means_come_again() -> None:
    async with shop() as (http, world):
        await world.ingress.stop()
        answer = await http.post("/webhooks/stripe", content=BODY, headers=JSON)
        assert (answer.status_code, answer.headers["retry-after"]) == (
            503,
            str(AWAY_RETRY_SECONDS),
        )


async def test_an_ingress_that_crashes_means_come_again_for_everybody_who_waits() -> None:
    async with shop() as (http, world):
        world.events.seconds = 1
        answers: list[httpx.Response] = []

        async def deliver(number: int) -> None:
            body = f"evt_{number} paid pi_1".encode()
            answers.append(await http.post("/webhooks/stripe", content=body, headers=JSON))

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(deliver, number)
            await trio.sleep(0.5)
            world.stripe.crashes = True
            nursery.start_soon(deliver, 5)
        told = {(answer.status_code, answer.headers["retry-after"]) for answer in answers}
        assert (len(answers), told) == (6, {(503, str(AWAY_RETRY_SECONDS))})


# Never in a log


async def test_no_secret_token_or_card_is_ever_logged(capsys: pytest.CaptureFixture[str]) -> None:
    canaries = ("whsec_canary_secret", "4242424242424242", "sk_live_canary", "canary@example.org")
    card, token, mail = canaries[1:]
    async with shop() as (http, world):
        bodies = [f"evt_{n} paid pi_1{card}{token}{mail}".encode() for n in range(4)]
        stripe = world.stripe
        stripe.facts = {"paid": KeyError(f"{card} {token} {mail} {SECRET}")}
        private = {"authorization": f"Bearer {token}", "cookie": mail, "x-forwarded-for": card}
        world.events.failures.extend([Unavailable("away"), ValueError(f"{card} {token} {mail}")])
        for body in bodies:
            url = f"/webhooks/stripe?token={token}&card={card}"
            await http.post(url, content=body, headers=JSON | private)
        for forged in ({"stripe-signature": token}, {"content-type": mail}):
            await http.post("/webhooks/stripe", content=bodies[0], headers=JSON | forged)
        await http.post(f"/webhooks/{token}", content=bodies[0], headers=JSON)
        world.system.spawn(
            lambda: EventProcessor(
                sources={SourceName.STRIPE: stripe}, events=world.events, tracker=Probe()
            )
        )
        await trio.sleep(60)
        assert "parked" in world.events.states().values()
    out, err = capsys.readouterr()
    assert "webhook.refused" in out  # the log is in there
    assert "event.parked" in out
    for canary in canaries:
        assert canary not in out + err
