"""What the webhook is sent, and what its answers say: over HTTP, against Make's own failures."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import trio

from actors.kernel.failures import Unavailable
from actors.relay.model import Accepted, Failed, Gone, Outcome, QueueFull, Refused, Throttled
from adapters.make.client import ANSWER_BYTES_MAX, MakeWebhook, outcome_of
from adapters.make.signature import signed
from adapters.sandbox.make import MakeSandbox
from adapters.sandbox.server import serve
from adapters.web.api import Answer
from runtime.testing.network import Network

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVENT_ID = UUID(int=7)
BODY = b'{"event_id": "7", "text": "\xd0\x9f"}'
KEY = b"k" * 32


@asynccontextmanager
async def webhook(make: MakeSandbox, **how: object) -> AsyncIterator[MakeWebhook]:
    async with serve(make) as url:
        told: dict[str, object] = {
            "url": f"{url}/hook?token=x",
            "private_hosts": {"127.0.0.1"},
            "now": lambda: NOW,
            "deadline_seconds": 5.0,
        }
        async with MakeWebhook(**(told | how)) as client:  # type: ignore[arg-type]
            yield client


async def test_an_event_arrives_with_its_key_and_signature() -> None:
    make = MakeSandbox(api_key="secret")
    async with webhook(make, api_key="secret", signing_keys=[KEY]) as client:
        assert await client.send(EVENT_ID, BODY) == Accepted(later=True)
    (request,) = make.requests
    assert request.body == BODY
    assert request.query == "token=x"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"].startswith("127.0.0.1:")
    for name, value in signed(str(EVENT_ID), BODY, keys=[KEY], now=NOW).items():
        assert request.headers[name] == value
    assert base64.b64decode(request.headers["webhook-signature"].removeprefix("v1,"))


async def test_what_a_scenario_answers() -> None:
    make = MakeSandbox()
    async with webhook(make) as client:
        make.answer_with("Hi", seconds=4)
        assert await client.send(EVENT_ID, BODY) == Accepted(texts=("Hi",))
        make.answer_plainly("Plain")
        assert await client.send(EVENT_ID, BODY) == Accepted(texts=("Plain",))
        make.answer_with(html="<p>proxy</p>")
        told = await client.send(EVENT_ID, BODY)
        assert isinstance(told, Accepted)
        assert told.texts == ()
        assert told.fault


async def test_the_failures_of_make() -> None:
    make = MakeSandbox(api_key="right")
    async with webhook(make, api_key="wrong") as client:
        assert await client.send(EVENT_ID, BODY) == Refused("HTTP 401: Unauthorized")
    make = MakeSandbox()
    async with webhook(make) as client:
        make.listen(on=False)
        gone = await client.send(EVENT_ID, BODY)
        assert isinstance(gone, Gone)
        assert "no scenario listening" in gone.detail
        make.listen()
        make.work_off(room=0)
        assert await client.send(EVENT_ID, BODY) == QueueFull()
        make.work_off()
        make.fail_next(1, 503, text="down")
        assert await client.send(EVENT_ID, BODY) == Failed("HTTP 503: down")


@pytest.mark.parametrize("trouble", ["hang", "drop"])
async def test_who_does_not_answer_may_have_taken_it(trouble: str) -> None:
    make = MakeSandbox()
    async with webhook(make) as client:
        if trouble == "hang":
            make.hang_next(1, 60)
        else:
            make.drop_next(1)
        with pytest.raises(Unavailable) as away:
            await client.send(EVENT_ID, BODY)
        assert "token" not in str(away.value)


async def test_what_was_taken_is_delivered_however_long_the_answer_is() -> None:
    make = MakeSandbox()
    make.answer_with("x" * (ANSWER_BYTES_MAX + 1))
    async with webhook(make) as client:
        told = await client.send(EVENT_ID, BODY)
    assert isinstance(told, Accepted)
    assert (told.texts, "more than" in told.fault) == ((), True)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"content-length: 99\r\n\r\nHel", "broke off"),
        (b"transfer-encoding: chunked\r\n\r\nno chunk\r\n", "broke off"),
        (b"content-length: 3\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08", "gzip"),
        (b"content-length: 1\r\n\r\n\xff", "UTF-8"),
    ],
)
async def test_what_was_taken_is_delivered_however_the_answer_ends(said: bytes, fault: str) -> None:
    async with speaking(b"HTTP/1.1 200 OK\r\n" + said) as client:
        told = await client.send(EVENT_ID, BODY)
    assert isinstance(told, Accepted)
    assert told.texts == ()
    assert fault in told.fault


async def test_what_was_taken_is_delivered_also_if_the_answer_has_no_end() -> None:
    began = trio.current_time()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nHel"
    async with speaking(head, hang_up=False) as client:
        told = await client.send(EVENT_ID, BODY)
    assert isinstance(told, Accepted)
    assert "within 5 s" in told.fault
    assert trio.current_time() - began < 5.5


@asynccontextmanager
async def speaking(answer: bytes, *, hang_up: bool = True) -> AsyncIterator[MakeWebhook]:
    """A client of a server that says this to whoever comes."""

    async def speak(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        if not hang_up:
            await trio.sleep_forever()
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, speak, [listener])
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/hook"
        async with MakeWebhook(
            url=url, private_hosts={"127.0.0.1"}, now=lambda: NOW, deadline_seconds=5.0
        ) as client:
            yield client
        nursery.cancel_scope.cancel()


async def test_a_redirect_is_not_followed() -> None:
    make = MakeSandbox()
    make.fail_next(1, 302, text="elsewhere")
    async with webhook(make) as client:
        assert await client.send(EVENT_ID, BODY) == Refused("HTTP 302: elsewhere")
    assert len(make.requests) == 1


async def test_a_private_address_is_not_sent_to(network: Network) -> None:
    make = MakeSandbox()
    network.host("evil")
    async with MakeWebhook(url="https://evil/hook", now=lambda: NOW) as client:
        told = await client.send(EVENT_ID, BODY)
    assert isinstance(told, Gone)
    assert "private network" in told.detail
    assert make.requests == []


async def test_a_name_that_nobody_knows_is_a_failure() -> None:
    async with MakeWebhook(url="https://nowhere/hook", now=lambda: NOW) as client:
        assert isinstance(await client.send(EVENT_ID, BODY), Failed)


class _Rebinding(trio.abc.HostnameResolver):
    """A name that means us when it is looked at, and nothing at all a moment later."""

    def __init__(self) -> None:
        self.asked = 0

    async def getaddrinfo(self, host: Any, port: Any, *_: int) -> Any:
        self.asked += 1
        if self.asked > 1:
            raise socket.gaierror(socket.EAI_NONAME, "it means something else by now")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise AssertionError("nobody asks for names")


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    make, rebinding = MakeSandbox(), _Rebinding()
    async with webhook_of(make, rebinding) as client:
        assert await client.send(EVENT_ID, BODY) == Accepted(later=True)
    assert make.requests[0].headers["host"].startswith("hook:")
    assert rebinding.asked == 1


class _Slow(_Rebinding):
    """A resolver that thinks."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def getaddrinfo(self, host: Any, port: Any, *_: int) -> Any:
        await trio.sleep(self._seconds)
        return await super().getaddrinfo(host, port)


async def test_a_name_that_is_not_found_in_time_is_a_failure() -> None:
    make, began = MakeSandbox(), trio.current_time()
    async with webhook_of(make, _Slow(3_600)) as client, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(_fails, client)
    assert trio.current_time() - began == pytest.approx(5.0, abs=0.1)
    assert make.requests == []


async def _fails(client: MakeWebhook) -> None:
    told = await client.send(EVENT_ID, BODY)
    assert isinstance(told, Failed)
    assert "hook" in told.detail


async def test_finding_the_host_is_a_part_of_the_deadline() -> None:
    make, began = MakeSandbox(), trio.current_time()
    make.hang_next(1, 3_600)
    async with webhook_of(make, _Slow(3)) as client:
        with pytest.raises(Unavailable):
            await client.send(EVENT_ID, BODY)
    assert trio.current_time() - began == pytest.approx(5.0, abs=0.1)
    assert len(make.requests) == 1


@asynccontextmanager
async def webhook_of(
    make: MakeSandbox, resolver: trio.abc.HostnameResolver
) -> AsyncIterator[MakeWebhook]:
    """A webhook at the host `hook`, of which this one says where it is."""
    async with serve(make) as url:
        port = url.rpartition(":")[2]
        before = trio.socket.set_custom_hostname_resolver(resolver)
        try:
            async with MakeWebhook(
                url=f"http://hook:{port}/hook",
                private_hosts={"hook"},
                now=lambda: NOW,
                deadline_seconds=5.0,
            ) as client:
                yield client
        finally:
            trio.socket.set_custom_hostname_resolver(before)


def test_plain_http_is_for_hosts_that_were_named() -> None:
    with pytest.raises(ValueError, match="https"):
        MakeWebhook(url="http://hook.make.test/x", now=lambda: NOW)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"Accepted", Accepted(later=True)),
        (204, b"", Accepted()),
        (400, b"queue IS full.", QueueFull()),
        (400, b"Bad\x00 request", Refused("HTTP 400: Bad  request")),
        (403, b"", Refused("HTTP 403: ")),
        (404, b"x", Refused("HTTP 404: x")),
        (408, b"", Failed("HTTP 408: ")),
        (413, b"", Refused("HTTP 413: ")),
        (429, b"", Throttled(0.0)),
        (500, b"x", Failed("HTTP 500: x")),
        (599, b"", Failed("HTTP 599: ")),
    ],
)
def test_what_an_answer_says(status: int, body: bytes, outcome: Outcome) -> None:
    assert outcome_of(Answer(status=status, headers={}, content=body)) == outcome


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("30", 30.0), ("", 0.0), ("Wed, 21 Oct 2026", 0.0), ("-5", 0.0), ("9" * 9, 0.0)],
)
def test_how_long_a_rest_it_asks_for(asked: str, seconds: float) -> None:
    answer = Answer(status=429, headers={"retry-after": asked}, content=b"")
    assert outcome_of(answer) == Throttled(seconds)


def test_the_body_of_a_test_is_json() -> None:
    assert json.loads(BODY)["event_id"] == "7"
