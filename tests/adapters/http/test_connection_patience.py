"""How long one client is waited for, and who waits behind one that reads slowly."""

from __future__ import annotations

import contextlib
import os

import pytest
import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from adapters.http.app import application
from adapters.http.connection import Deadlines
from tests.adapters.http.wire import connect, get, read_all, read_until, serving

HUGE = b"x" * 20_000_000
"""More than the machine's own buffers hold for whoever does not read."""


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


def app() -> ASGIApp:
    return application([Route("/", hello)])


async def test_the_next_request_has_no_more_time_than_the_first() -> None:
    deadlines = Deadlines(headers_seconds=0.2, keep_alive_seconds=60.0)
    async with serving(app(), deadlines) as served, await connect(served.port) as stream:
        await stream.send_all(get(close=False))
        await read_until(stream, b"hello")
        await trio.sleep(30.0)
        begun = trio.current_time()
        await stream.send_all(b"GET / HTTP/1.1\r\n")
        assert await read_all(stream) == b""
        assert trio.current_time() - begun < 2.0


async def test_nobody_is_waited_for_who_has_gone() -> None:
    async with serving(app()) as served:
        async with await connect(served.port) as stream:
            await stream.send_all(get(close=False))
            await read_until(stream, b"hello")
            assert len(served.timers) == 1
        await served.until(lambda: served.ended == 1)
        assert len(served.timers) == 0


@pytest.mark.real_clock
async def test_what_is_said_while_the_client_reads_slowly_waits_its_turn() -> None:
    """Two tasks of one application may speak; a WebSocket's do."""
    async with serving(app()) as served, await connect(served.port) as stream:
        await served.until(lambda: bool(served.connections))
        (connection,) = served.connections
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.write, HUGE)
            await trio.testing.wait_all_tasks_blocked()
            received = read_now(stream)  # there is room again, and nobody has seen it yet
            nursery.start_soon(connection.write, b"more")
            while len(received) < len(HUGE) + 4:
                received += await stream.receive_some(1_000_000)
    assert received == HUGE + b"more"


def read_now(stream: trio.SocketStream) -> bytearray:
    received = bytearray()
    with contextlib.suppress(BlockingIOError):
        while True:
            received += os.read(stream.socket.fileno(), 1_000_000)
    return received


@pytest.mark.real_clock
async def test_who_is_cut_off_has_no_last_word_from_us() -> None:
    async def wait(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    app = application([Route("/", wait, methods=["POST"])])
    async with serving(app) as served, await connect(served.port) as stream:
        await stream.send_all(get("/", "Content-Length: 5", method="POST") + b"hel")
        await served.until(lambda: served.requests == 1)
        served.connections[0].cut()
        assert await read_all(stream) == b""
