"""The sandbox's HTTP: what a client of Node or of Telegram meets on the wire."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx
import pytest
import trio
from trio.testing import memory_stream_pair

from adapters.sandbox.server import (
    BODY_BYTES_MAX,
    Request,
    Response,
    serve,
    serve_connection,
)
from tests.adapters.sandbox.calls import NOON

NODE_HEAD_BYTES = 16_384


class Echo:
    """Answers with what it was asked; hangs up on `/drop`, never answers `/wait`."""

    head_bytes_max = NODE_HEAD_BYTES

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.asked = trio.Event()

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: NOON

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        self.asked.set()
        if request.path == "/wait":
            await trio.sleep_forever()
        if request.path == "/drop":
            return None
        return Response.of({"path": request.path, "bytes": len(request.body)})


@asynccontextmanager
async def spoken_to(app: Echo):  # type: ignore[no-untyped-def] # noqa: ANN201 - a test's plumbing
    """A client's end of a connection without a network."""
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_connection, app, theirs)
        yield ours
        nursery.cancel_scope.cancel()


async def everything(stream: trio.abc.ReceiveStream) -> bytes:
    return b"".join([bytes(part) async for part in stream])


@pytest.mark.real_clock
async def test_it_answers_one_connection_again_and_again() -> None:
    app = Echo()
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as client:
        first = await client.get("/a%20b?x=1&y=%D0%90")
        second = await client.post("/c", content=b"x" * 100_000)

    assert (first.json()["path"], second.json()["bytes"]) == ("/a b", 100_000)
    assert first.headers["date"] == "Sat, 21 Nov 2026 12:00:00 GMT"
    assert app.seen[0].parameters == {"x": "1", "y": "А"}


async def test_many_connections_are_served_at_once() -> None:
    async with (
        serve(Echo()) as url,
        httpx.AsyncClient(base_url=url) as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(client.get, "/wait")
        assert (await client.get("/other")).status_code == 200
        nursery.cancel_scope.cancel()


@pytest.mark.real_clock
async def test_leaving_the_block_closes_the_listener_and_waiting_connections() -> None:
    app, cut = Echo(), trio.Event()

    async def wait(client: httpx.AsyncClient, url: str) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{url}/wait")
        cut.set()

    async with httpx.AsyncClient() as client, trio.open_nursery() as nursery:
        async with serve(app) as url:
            nursery.start_soon(wait, client, url)
            await app.asked.wait()
        await cut.wait()
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_an_error_inside_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with serve(Echo()):
            raise KeyError("bare")


@pytest.mark.real_clock
async def test_a_port_in_use_is_an_error_and_leaves_nothing_behind() -> None:
    async with serve(Echo()) as url:
        with pytest.raises(OSError, match="in use"):
            async with serve(Echo(), port=int(url.rpartition(":")[2])):
                pass


async def test_a_dropped_request_was_carried_out_but_is_never_answered() -> None:
    app = Echo()
    async with serve(app) as url, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(f"{url}/drop", content=b"paid")

    assert app.seen[0].body == b"paid"


@pytest.mark.parametrize(
    ("ids", "step", "comma", "most"),
    [
        pytest.param(100_000, 1, ",", 2307, id="6 digits, raw commas"),
        pytest.param(100_000, 1, "%2C", 1794, id="6 digits, %2C"),
        pytest.param(1_000_000, 1, ",", 2019, id="7 digits, raw commas"),
    ],
)
async def test_the_head_may_be_as_long_as_nodes(ids: int, step: int, comma: str, most: int) -> None:
    """How many ids a real NocoDB took from the same client, met to the id."""
    async with serve(Echo()) as url, httpx.AsyncClient(headers={"xc-token": "x" * 40}) as client:
        statuses = []
        for count in (most, most + 1):
            named = comma.join(str(number) for number in range(ids, ids + count * step, step))
            path = f"/api/v2/tables/m56p6ryypmrhitr/records?where=(Id,in,{named})"
            full = f"{path}&fields=Id,Paid&limit=1000".replace(",", comma)
            statuses.append((await client.get(url + full)).status_code)

    assert statuses == [200, 431]


@pytest.mark.real_clock
async def test_a_head_too_long_gets_an_empty_431_and_the_end_of_the_connection() -> None:
    app = Echo()
    async with spoken_to(app) as stream:
        await stream.send_all(b"GET /?" + b"a" * NODE_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await everything(stream)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"\r\n\r\n")
    assert app.seen == []


async def test_a_head_that_trickles_in_endlessly_is_refused() -> None:
    async with spoken_to(Echo()) as stream, trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"GET / HTTP/1.1\r\nX: " + b"a" * 2_000_000)
        assert (await everything(stream)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused_and_closed(garbage: bytes) -> None:
    async with spoken_to(Echo()) as stream:
        await stream.send_all(garbage + b"\r\n\r\n")
        assert (await everything(stream)).startswith(b"HTTP/1.1 400 ")


async def test_a_body_beyond_fifty_megabytes_is_refused() -> None:
    app = Echo()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n"
    async with spoken_to(app) as stream:
        await stream.send_all(head.encode() + b"x" * (BODY_BYTES_MAX + 1))
        assert (await everything(stream)).startswith(b"HTTP/1.1 413 ")
    assert app.seen == []


async def test_a_request_cut_short_is_never_seen() -> None:
    app = Echo()
    async with spoken_to(app) as stream:
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        await stream.send_eof()
        await everything(stream)
    assert app.seen == []


async def test_a_client_that_asks_first_may_send_its_body() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    async with spoken_to(Echo()) as stream:
        await stream.send_all(head)
        assert b"100" in bytes(await stream.receive_some())
        await stream.send_all(b"ok")
        assert b'"bytes": 2' in bytes(await stream.receive_some())


async def test_a_client_that_wants_only_the_head_gets_no_body() -> None:
    async with spoken_to(Echo()) as stream:
        await stream.send_all(b"HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await everything(stream)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")
