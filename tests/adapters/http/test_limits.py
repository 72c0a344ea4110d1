"""What a request may cost before a handler sees it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from adapters.http.limits import (
    ARRIVED,
    BODY_MAX_BYTES,
    SECURITY_HEADERS,
    RequestLimits,
    SecurityHeaders,
)


class Client:
    """A client that sends `chunks`, waiting `seconds` before each, and keeps the answer."""

    def __init__(self, *chunks: bytes, seconds: float = 0.0, leaves: bool = False) -> None:
        self._chunks, self._seconds, self._leaves = list(chunks), seconds, leaves
        self.answer: list[Message] = []

    async def receive(self) -> Message:
        await trio.sleep(self._seconds)
        if self._chunks:
            body = self._chunks.pop(0)
            more = bool(self._chunks) or self._leaves
            return {"type": "http.request", "body": body, "more_body": more}
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.answer.append(message)

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.answer[1:])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.answer[0]["headers"])


def scope(**headers: str) -> Scope:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"type": "http", "method": "POST", "path": "/", "headers": raw, "query_string": b""}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    after = await receive()
    assert after["type"] == "http.disconnect"
    await Response(body)(scope, receive, send)


async def test_a_body_arrives_whole_however_it_was_cut() -> None:
    client = Client(b"one ", b"", b"two ", b"three")
    await RequestLimits(echo)(scope(), client.receive, client.send)
    assert client.body == b"one two three"


async def test_a_body_at_the_limit_passes_and_one_beyond_does_not() -> None:
    fits = Client(b"x" * BODY_MAX_BYTES)
    await RequestLimits(echo)(scope(), fits.receive, fits.send)
    assert (fits.status, len(fits.body)) == (200, BODY_MAX_BYTES)
    bursts = Client(b"x" * BODY_MAX_BYTES, b"x")
    await RequestLimits(echo)(scope(), bursts.receive, bursts.send)
    assert bursts.status == 413
    assert bursts.headers[b"connection"] == b"close"


@pytest.mark.parametrize(("size", "status"), [(BODY_MAX_BYTES, 200), (BODY_MAX_BYTES + 1, 413)])
async def test_a_body_that_has_arrived_has_the_same_limit(size: int, status: int) -> None:
    client = Client(b"x" * size)
    arrived = {**scope(), "extensions": {ARRIVED: b"x" * size}}
    await RequestLimits(echo)(arrived, client.receive, client.send)
    assert client.status == status


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    client = Client(b"x")
    await RequestLimits(echo)(scope(content_length="65537"), client.receive, client.send)
    assert client.status == 413
    assert await client.receive() == {"type": "http.request", "body": b"x", "more_body": False}


@pytest.mark.parametrize("declared", ["", "-1", "x", "१"])
async def test_a_length_that_is_no_number_is_counted_instead(declared: str) -> None:
    client = Client(b"body")
    await RequestLimits(echo)(scope(content_length=declared), client.receive, client.send)
    assert client.body == b"body"


async def test_a_dripping_body_has_one_deadline_for_all_of_it() -> None:
    client = Client(*(b"x" for _ in range(100)), seconds=1.0)
    begun = trio.current_time()
    await RequestLimits(echo)(scope(), client.receive, client.send)
    assert client.status == 408
    assert trio.current_time() - begun == 10.0


async def test_a_client_that_leaves_within_its_body_reaches_no_handler() -> None:
    client = Client(b"half", leaves=True)
    await RequestLimits(echo)(scope(), client.receive, client.send)
    assert client.answer == []


async def test_a_websocket_passes_untouched() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["type"], receive, send))

    client = Client()
    await RequestLimits(app)({"type": "websocket"}, client.receive, client.send)
    assert seen == [("websocket", client.receive, client.send)]


async def test_headers_beyond_the_limit_are_refused() -> None:
    client = Client(b"")
    await RequestLimits(echo)(scope(x="y" * 16_384), client.receive, client.send)
    assert client.status == 431


async def test_every_answer_carries_the_security_headers_unless_it_brings_its_own() -> None:
    client = Client()
    own = PlainTextResponse("hello", headers={"content-security-policy": "default-src 'self'"})
    await SecurityHeaders(own)(scope(), client.receive, client.send)
    headers = {name.decode(): value.decode() for name, value in client.headers.items()}
    assert headers["content-security-policy"] == "default-src 'self'"
    assert SECURITY_HEADERS.items() - {
        ("content-security-policy", SECURITY_HEADERS["content-security-policy"])
    } <= set(headers.items())


async def test_some_paths_may_have_more() -> None:
    app = RequestLimits(echo, max_bytes=4, larger={"/webhooks/stripe": 8})
    for path, size, status in (
        ("/", 4, 200),
        ("/", 5, 413),
        ("/webhooks/stripe", 8, 200),
        ("/webhooks/stripe", 9, 413),
    ):
        client = Client(b"x" * size)
        await app({**scope(), "path": path}, client.receive, client.send)
        assert client.status == status
