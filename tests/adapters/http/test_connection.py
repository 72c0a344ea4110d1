"""One connection: honest clients are served, the others harm only themselves.

Over real sockets where it depends on the kernel: on its buffers, and on when it resets.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import AsyncIterator

import pytest
import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from adapters.http.app import application
from adapters.http.connection import Deadlines
from adapters.http.limits import HEADERS_MAX_BYTES
from adapters.http.plain import head_of
from tests.adapters.http.wire import (
    connect,
    exchange,
    get,
    read_all,
    read_until,
    serving,
    status_of,
)

IMPATIENT = Deadlines(
    headers_seconds=0.2,
    keep_alive_seconds=0.3,
    write_seconds=0.2,
    half_closed_seconds=0.3,
    linger_seconds=0.1,
)


HUGE = b"x" * 20_000_000
"""More than the machine's own buffers hold for whoever does not read."""


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def slow(_request: Request) -> Response:
    await trio.sleep(0.3)
    return PlainTextResponse("at last")


async def huge(_request: Request) -> Response:
    return PlainTextResponse(HUGE)


async def crash(_request: Request) -> Response:
    raise KeyError("a secret detail")


async def endless(_request: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield b"line\n"
            await trio.sleep(0.01)

    return StreamingResponse(lines())


async def echo(request: Request) -> Response:
    return Response(await request.body())


async def parrot(websocket: WebSocket) -> None:
    await websocket.accept()
    while (event := await websocket.receive())["type"] == "websocket.receive":
        await websocket.send_text(event["text"])


def app() -> ASGIApp:
    return application(
        [
            Route("/", hello),
            Route("/slow", slow),
            Route("/huge", huge),
            Route("/crash", crash),
            Route("/endless", endless),
            Route("/echo", echo, methods=["POST"]),
            WebSocketRoute("/parrot", parrot),
        ]
    )


async def test_a_request_is_answered_without_a_banner() -> None:
    async with serving(app()) as served:
        answer = await exchange(served.port, get())
    assert answer.startswith(b"HTTP/1.1 200 \r\n")
    assert answer.endswith(b"\r\n\r\nhello")
    assert b"server:" not in answer.lower()
    assert served.errors == []


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with serving(app()) as served, await connect(served.port) as stream:
        for _ in range(3):
            await stream.send_all(get(close=False))
            assert (await read_until(stream, b"hello")).startswith(b"HTTP/1.1 200")
        assert len(served.connections) == 1


async def test_plain_requests_and_others_follow_each_other_on_one_connection() -> None:
    plain = get("/echo", "Content-Length: 2", method="POST", close=False) + b"ab"
    chunked = get("/echo", "Transfer-Encoding: chunked", method="POST", close=False)
    others = (get(close=False), b"hello"), (chunked + b"2\r\ncd\r\n0\r\n\r\n", b"cd")
    before = head_of.cache_info()
    async with serving(app()) as served, await connect(served.port) as stream:
        for request, end in ((plain, b"ab"), (plain, b"ab"), *others, (plain, b"ab")):
            await stream.send_all(request)
            assert (await read_until(stream, end)).startswith(b"HTTP/1.1 200 \r\n")
        await stream.send_all(plain + get())
        assert (await read_all(stream)).count(b"HTTP/1.1 200 \r\n") == 2
        assert served.requests == 7
    after = head_of.cache_info()
    assert after.hits + after.misses == before.hits + before.misses + 3, "the plain ones, alone"


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving(app()) as served:
        pipelined = get("/slow", close=False) + get("/nowhere", close=False) + get("/")
        answer = await exchange(served.port, pipelined)
    assert answer.count(b"HTTP/1.1 ") == 3
    assert answer.index(b"at last") < answer.index(b" 404 ") < answer.index(b"hello")


async def test_a_crash_is_a_500_without_a_trace_and_ends_its_connection_only() -> None:
    async with serving(app()) as served:
        answer = await exchange(served.port, get("/crash", close=False))
        assert status_of(answer) == 500
        assert b"secret" not in answer
        assert b"Traceback" not in answer
        assert b"application/problem+json" in answer
        await served.until(lambda: bool(served.errors))
        assert status_of(await exchange(served.port, get())) == 200


# Garbage


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\r\n\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nBroken header\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 60_000 + b"\r\n\r\n", 431),
        (get(method="BREW"), 405),
        (get(method="TRACE"), 405),
        (get("/nowhere"), 404),
        (get("/%ff%00%2e%2e/"), 404),
        (get("*", method="OPTIONS"), 404),
        (get("http://127.0.0.1/nowhere"), 404),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),  # HTTP/2 is not spoken
    ],
)
async def test_garbage_is_refused_with_a_status(request_bytes: bytes, status: int) -> None:
    async with serving(app(), IMPATIENT) as served:
        answer = await exchange(served.port, request_bytes)
        assert status_of(answer) == status
        assert status_of(await exchange(served.port, get())) == 200
    assert served.errors == []


async def test_an_upgrade_to_http2_is_ignored() -> None:
    request = get("/", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", close=False)
    async with serving(app(), IMPATIENT) as served:
        answer = await exchange(served.port, request)
    assert status_of(answer) == 200


async def test_headers_beyond_the_limit_are_refused_however_they_arrive() -> None:
    header = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * (HEADERS_MAX_BYTES // 4)
    async with serving(app()) as served, await connect(served.port) as stream:
        for start in range(0, len(header), 1_000):
            await stream.send_all(header[start : start + 1_000])
        assert status_of(await read_all(stream)) == 431


@pytest.mark.real_clock
async def test_a_client_that_vanishes_harms_nobody() -> None:
    async with serving(app(), IMPATIENT) as served:
        for request in (b"", b"GET / HT", get(), get("/slow"), get("/endless"), get("/huge")):
            stream = await connect(served.port)
            await stream.send_all(request)
            await trio.sleep(0.02)
            reset = struct.pack("ii", 1, 0)
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            stream.socket.close()
        await served.until(lambda: served.ended == 6)
        assert status_of(await exchange(served.port, get())) == 200
    assert served.errors == []


SEEDS = (
    get(close=False),
    get("/huge", close=False),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    get("/", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", close=False),
    (
        b"GET /parrot HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        b"\x81\x82abcd\x00\x00"
    ),
    b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd",
)


def mutated(luck: random.Random) -> bytes:
    garbage = bytearray(luck.choice(SEEDS) * luck.choice((1, 1, 2)))
    for _ in range(luck.choice((0, 1, 2, 5))):
        place = luck.randrange(len(garbage))
        match luck.randrange(3):
            case 0:
                garbage[place] = luck.randrange(256)
            case 1:
                garbage[place:place] = luck.randbytes(luck.randrange(8))
            case _:
                del garbage[place : place + luck.randrange(10)]
    return bytes(garbage) or b"\x00"


@pytest.mark.parametrize("seed", range(4))
async def test_garbage_of_any_kind_ends_no_connection_but_its_own(seed: int) -> None:
    luck = random.Random(seed)
    async with serving(app(), IMPATIENT) as served:

        async def one(request: bytes, rude: bool) -> None:
            stream = await connect(served.port)
            async with stream:
                try:
                    await stream.send_all(request)
                    if not rude:
                        with trio.move_on_after(0.05):
                            await stream.receive_some(65_536)
                except trio.BrokenResourceError:
                    pass

        for _ in range(10):
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    rude = luck.random() < 0.3
                    nursery.start_soon(one, mutated(luck), rude)
        await served.until(lambda: served.ended == 100)
        assert status_of(await exchange(served.port, get())) == 200
    assert served.errors == []


# Slow clients


async def test_half_a_request_is_cut_off() -> None:
    async with serving(app(), IMPATIENT) as served, await connect(served.port) as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert await read_all(stream) == b""


async def test_a_client_that_says_nothing_is_cut_off() -> None:
    async with serving(app(), IMPATIENT) as served, await connect(served.port) as stream:
        assert await read_all(stream) == b""


async def test_dripping_headers_do_not_buy_time() -> None:
    async def drip(stream: trio.SocketStream) -> None:
        while True:
            await stream.send_all(b"G")
            await trio.sleep(0.02)

    async with serving(app(), IMPATIENT) as served, await connect(served.port) as stream:
        with pytest.raises(trio.BrokenResourceError):
            await drip(stream)


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with serving(app(), IMPATIENT) as served, await connect(served.port) as stream:
        await stream.send_all(get(close=False))
        assert (await read_all(stream)).endswith(b"hello")


async def test_a_slow_answer_is_not_an_idle_connection() -> None:
    deadlines = Deadlines(headers_seconds=0.05, keep_alive_seconds=0.05)
    async with serving(app(), deadlines) as served, await connect(served.port) as stream:
        await stream.send_all(get("/slow", close=False))
        assert (await read_all(stream)).endswith(b"at last")


@pytest.mark.real_clock
async def test_a_client_that_never_reads_is_cut_off() -> None:
    async with serving(app(), IMPATIENT) as served, await connect(served.port) as stream:
        await stream.send_all(get("/huge"))
        await served.until(lambda: served.ended == 1)
        assert served.errors == []


async def test_a_client_that_reads_slowly_but_steadily_gets_everything() -> None:
    async with serving(app(), IMPATIENT) as served, await connect(served.port) as stream:
        await stream.send_all(get("/huge"))
        received = 0
        while data := await stream.receive_some(1_000_000):
            received += len(data)
            await trio.sleep(0.001)
        assert received > len(HUGE)


async def test_a_client_that_closes_its_side_still_gets_its_answer() -> None:
    async with serving(app()) as served, await connect(served.port) as stream:
        await stream.send_all(get("/slow", close=False))
        await stream.send_eof()
        assert (await read_all(stream)).endswith(b"at last")


@pytest.mark.real_clock
async def test_an_endless_answer_ends_with_its_client() -> None:
    async with serving(app(), IMPATIENT) as served:
        stream = await connect(served.port)
        await stream.send_all(get("/endless"))
        await stream.receive_some(100)
        await stream.aclose()
        await served.until(lambda: served.ended == 1)


@pytest.mark.real_clock
async def test_an_answer_outlives_the_rest_of_a_body_that_nobody_wants() -> None:
    """Closing over unread input would reset the connection and lose the 413."""
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n"
    async with serving(app()) as served, await connect(served.port) as stream:
        await stream.send_all(head + b"x" * 200_000)
        assert status_of(await read_all(stream)) == 413


@pytest.mark.real_clock
async def test_many_small_chunks_of_an_unwanted_body_do_not_jam_the_connection() -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(app()) as served, await connect(served.port) as stream:
        await stream.send_all(head + b"1000\r\n" + b"x" * 4_096 + b"\r\n")
        try:
            for _ in range(100):
                await stream.send_all(b"1000\r\n" + b"x" * 4_096 + b"\r\n")
        except trio.BrokenResourceError:
            return  # cut off: fine as well
        assert status_of(await read_all(stream)) == 413


# Shut-down


async def test_a_drained_connection_answers_what_it_is_serving_and_closes() -> None:
    async with (
        serving(app()) as served,
        await connect(served.port) as busy,
        await connect(served.port) as idle,
    ):
        await busy.send_all(get("/slow", close=False))
        await served.until(lambda: any(c.owed_since is None for c in served.connections))
        for connection in served.connections:
            connection.drain()
        assert await read_all(idle) == b""
        assert (await read_all(busy)).endswith(b"at last")
        await served.until(lambda: served.ended == 2)


async def test_a_cut_connection_is_gone_at_once() -> None:
    async with serving(app()) as served, await connect(served.port) as stream:
        await stream.send_all(get(close=False))
        await read_until(stream, b"hello")
        served.connections[0].cut()
        assert await read_all(stream) == b""
