"""One request and its answer, as an application and a client see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import h11
import pytest
import trio
from starlette.types import Message, Receive, Scope, Send

from adapters.http.exchange import Addresses, Exchange, scope_of
from adapters.http.limits import ARRIVED

NOWHERE = Addresses(client=("192.0.2.1", 5), server=("192.0.2.2", 80))
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Client:
    """What one client says, piece by piece, and what it was told."""

    def __init__(self, *pieces: bytes, draining: bool = False) -> None:
        self._pieces = list(pieces)
        self.draining, self.told, self.left = draining, b"", False

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def leave(self) -> None:
        self.left = True

    async def write(self, data: bytes) -> None:
        self.told += data

    async def asks(self, app: App) -> bool:
        http = h11.Connection(h11.SERVER)
        http.receive_data(await self.read())
        head = http.next_event()
        assert isinstance(head, h11.Request)
        return await Exchange(self, http, head, NOWHERE).run(app)


def post(length: int, *headers: str) -> bytes:
    lines = ["POST /a%20b?c=d HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def answering(*, status: int = 200, body: bytes = b"ok", read: bool = True) -> App:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        while read and (await receive()).get("more_body"):
            pass
        head = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return app


async def test_an_application_gets_the_request_as_asgi_has_it() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await answering()(scope, receive, send)

    client = Client(post(0, "X-Two: a", "x-two: b"))
    assert await client.asks(app)
    (scope,) = seen
    assert (scope["method"], scope["path"], scope["raw_path"]) == ("POST", "/a b", b"/a%20b")
    assert (scope["query_string"], scope["http_version"]) == (b"c=d", "1.1")
    assert [value for name, value in scope["headers"] if name == b"x-two"] == [b"a", b"b"]
    assert (scope["client"], scope["server"]) == (NOWHERE.client, NOWHERE.server)


async def test_a_body_arrives_in_pieces_and_whole() -> None:
    pieces: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            pieces.append(await receive())
            if not pieces[-1]["more_body"]:
                break
        await answering(read=False)(scope, receive, send)

    client = Client(post(9) + b"ab", b"cde", b"fghi")
    assert await client.asks(app)
    assert b"".join(piece["body"] for piece in pieces) == b"abcdefghi"
    assert len(pieces) == 3


async def test_whoever_asks_is_told_to_go_on_before_his_body_is_read() -> None:
    client = Client(post(2, "Expect: 100-continue"), b"ab")
    assert await client.asks(answering())
    assert client.told.startswith(b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("said", "arrived"),
    [
        ((post(2) + b"ab",), b"ab"),
        ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",), b""),
        ((post(2) + b"a", b"b"), None),
        ((post(2), b"ab"), None),
        ((post(2, "Expect: 100-continue"), b"ab"), None),
    ],
)
async def test_a_body_that_came_with_its_head_is_known_before_it_is_asked_for(
    said: tuple[bytes, ...], arrived: bytes | None
) -> None:
    seen: list[tuple[object, bytes]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        seen.append((scope.get("extensions", {}).get(ARRIVED), body))
        await answering(read=False)(scope, receive, send)

    assert await Client(*said).asks(app)
    assert seen == [(arrived, arrived or (b"ab" if arrived is None else b""))]


async def test_whoever_always_has_more_to_say_lets_others_work() -> None:
    steps = []

    async def beside() -> None:
        while True:
            steps.append(len(client.told))
            await trio.lowlevel.checkpoint()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"more", "more_body": True})
        await send({"type": "http.response.body"})

    client = Client(post(0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(beside)
        await client.asks(app)
        nursery.cancel_scope.cancel()
    assert len(set(steps)) >= 10  # of two tasks that take turns, either may be the first


async def test_head_and_body_of_an_answer_leave_together() -> None:
    client = Client(post(0))
    assert await client.asks(answering(body=b"hello"))
    head, _, body = client.told.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert b"\r\ndate: " in head.lower()


async def test_head_is_answered_without_a_body() -> None:
    client = Client(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await client.asks(answering(body=b"hello"))
    assert client.told.endswith(b"\r\n\r\n")
    assert b"content-length: 5" in client.told.lower()


async def test_an_application_that_wants_no_body_gets_its_answer_out_and_the_next_request() -> None:
    client = Client(post(3) + b"abc")
    assert await client.asks(answering(read=False))
    endless = Client(post(10_000) + b"abc")
    assert not await endless.asks(answering(read=False)), "the rest has not arrived"
    assert endless.told.startswith(b"HTTP/1.1 200 ")


async def test_after_the_body_it_is_heard_when_the_client_goes() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])
        heard.append((await receive())["type"])
        await answering(read=False)(scope, receive, send)

    client = Client(post(1) + b"a", b"GET / HTTP/1.1\r\n", b"")
    await client.asks(app)
    assert heard == ["http.request", "http.disconnect"]
    assert client.left


@pytest.mark.parametrize("rest", [b"", b"xyz\r\n"])
async def test_a_body_that_breaks_off_is_a_disconnect_and_never_a_request(rest: bytes) -> None:
    heard: list[str] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        heard.append((await receive())["type"])

    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = Client(head, rest)
    assert not await client.asks(app)
    assert heard == ["http.disconnect"]
    assert client.told.startswith(b"HTTP/1.1 400 ")


async def test_a_crash_is_answered_500_and_heard() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise KeyError("a secret detail")

    client = Client(post(0))
    with pytest.raises(KeyError):
        await client.asks(app)
    assert client.told.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in client.told


async def test_an_application_that_forgets_to_answer_is_answered_for() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    client = Client(post(0))
    await client.asks(app)
    assert client.told.startswith(b"HTTP/1.1 500 ")


async def test_the_last_answer_says_that_it_is() -> None:
    client = Client(post(0), draining=True)
    assert not await client.asks(answering())
    assert b"connection: close" in client.told.lower()


async def test_what_is_no_request_is_refused_by_status() -> None:
    client = Client()
    http = h11.Connection(h11.SERVER)
    http.receive_data(b"nonsense\r\n\r\n")
    with pytest.raises(h11.RemoteProtocolError):
        http.next_event()
    await Exchange(client, http, None, NOWHERE).refuse(HTTPStatus.BAD_REQUEST)
    assert client.told.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in client.told


def test_a_websocket_has_a_scope_of_its_own_kind() -> None:
    head = h11.Request(method="GET", target="/live?x", headers=[("Host", "x")])
    scope = scope_of(head, NOWHERE, "websocket")
    assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "ws", "/live")
