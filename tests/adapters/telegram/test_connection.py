"""One exchange after the other, and a connection is used again only when nothing is left open."""

from __future__ import annotations

import h11
import pytest
import trio

from adapters.telegram.connection import (
    KEEPALIVE_SECONDS,
    Answer,
    Connection,
    Interrupted,
    Patience,
)
from tests.adapters.telegram.wire import Conversation, http, raw, says

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"


async def open_(url: str) -> Connection:
    stream = await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))
    return Connection(stream, stream)


async def ask(
    connection: Connection, body: bytes = b"", *, seconds: float = 5, bytes_max: int = 100
) -> Answer:
    headers = [("Host", "h"), ("Content-Length", str(len(body)))]
    return await connection.exchange(
        h11.Request(method="POST", target="/", headers=headers),
        body,
        patience=Patience(write_seconds=seconds, read_seconds=seconds),
        bytes_max=bytes_max,
    )


async def after(talk: Conversation) -> Connection:
    """A connection on which one exchange has come to its end."""
    async with raw(talk) as url:
        connection = await open_(url)
        await ask(connection)
        return connection


@pytest.mark.parametrize("content", [OK, CHUNKED, b"HTTP/1.1 103 Hints\r\n\r\n" + OK])
async def test_a_whole_answer_leaves_the_connection_idle(content: bytes) -> None:
    async def twice(stream: trio.SocketStream) -> None:
        await stream.send_all(content)
        await trio.sleep_forever()

    async with raw(twice) as url:
        connection = await open_(url)
        assert await ask(connection) == Answer(200, b"ok", None)
        assert connection.idle
        assert connection.usable()


async def test_the_next_request_uses_it_again() -> None:
    async def forever(stream: trio.SocketStream) -> None:
        await stream.send_all(OK)
        async for _ in stream:
            await stream.send_all(OK)

    async with raw(forever) as url:
        connection = await open_(url)
        for _ in range(3):
            assert (await ask(connection)).content == b"ok"


async def test_how_long_to_wait_is_read_from_the_head() -> None:
    async with raw(says(http(429, b"", "Retry-After: 7\r\n"))) as url:
        assert await ask(await open_(url)) == Answer(429, b"", "7")


async def test_a_server_that_wants_no_more_is_not_asked_again() -> None:
    connection = await after(says(http(200, b"ok")))  # Connection: close
    assert not connection.idle


async def test_what_came_behind_an_answer_is_not_taken_for_the_next_one() -> None:
    async def says_more(stream: trio.SocketStream) -> None:
        await stream.send_all(OK + CHUNKED)
        await trio.sleep_forever()

    assert not (await after(says_more)).idle


async def test_a_connection_that_the_server_has_closed_is_not_usable() -> None:
    async with raw(says(OK)) as url:
        connection = await open_(url)
        await ask(connection)
        await trio.sleep(1)
        assert connection.idle
        assert not connection.usable()


async def test_a_connection_that_was_idle_for_long_is_not_usable() -> None:
    async def stays(stream: trio.SocketStream) -> None:
        await stream.send_all(OK)
        await trio.sleep_forever()

    async with raw(stays) as url:
        connection = await open_(url)
        await ask(connection)
        await trio.sleep(KEEPALIVE_SECONDS - 1)
        assert connection.usable()
        await trio.sleep(2)
        assert not connection.usable()


async def test_how_long_it_is_idle_counts_from_the_last_answer() -> None:
    async def forever(stream: trio.SocketStream) -> None:
        await stream.send_all(OK)
        async for _ in stream:
            await stream.send_all(OK)

    async with raw(forever) as url:
        connection = await open_(url)
        for _ in range(3):
            await ask(connection)
            await trio.sleep(KEEPALIVE_SECONDS - 1)
        assert connection.usable()


async def test_a_refusal_that_comes_before_all_was_sent_is_an_answer() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def refuses(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n")
        await stream.send_eof()
        await trio.sleep(1)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, refuses, listeners)
        connection = await open_(f":{listeners[0].socket.getsockname()[1]}")
        answer = await ask(connection, b"x" * 1_000_000)
        assert answer.status == 413
        assert not connection.idle  # half a request is in it
        nursery.cancel_scope.cancel()


async def hangs(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "hung up without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "RemoteProtocolError"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "RemoteProtocolError"),
        (http(200, b"x" * 101), "more than 100 bytes"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, "RemoteProtocolError"),
    ],
)
async def test_what_is_no_whole_answer_interrupts(content: bytes, why: str) -> None:
    async with raw(says(content)) as url:
        connection = await open_(url)
        with pytest.raises(Interrupted, match=why):
            await ask(connection)
        assert not connection.idle


async def test_silence_interrupts_in_time() -> None:
    async with raw(hangs) as url:
        connection, began = await open_(url), trio.current_time()
        with pytest.raises(Interrupted, match="ReadTimeout"):
            await ask(connection, seconds=2)
        assert 2 <= trio.current_time() - began < 2.1


async def test_a_server_that_does_not_read_interrupts_in_time() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, hangs, listeners)
        connection = await open_(f":{listeners[0].socket.getsockname()[1]}")
        with pytest.raises(Interrupted, match="WriteTimeout"):
            await ask(connection, b"x" * 10_000_000, seconds=2)
        nursery.cancel_scope.cancel()


async def test_a_cancelled_exchange_leaves_nothing_that_is_used_again() -> None:
    async with raw(hangs) as url:
        connection = await open_(url)
        with trio.move_on_after(1):
            await ask(connection)
        assert not connection.idle
