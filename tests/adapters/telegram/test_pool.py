"""Few connections, alone for each request, and none left open that nobody can use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11
import pytest
import trio

from adapters.telegram.connection import KEEPALIVE_SECONDS, Connection, Patience
from adapters.telegram.pool import Pool
from adapters.telegram.route import NoWay, Origin, tls_for
from tests.adapters.telegram.test_connection import OK


class Server:
    """Answers every request, and counts the connections that it has."""

    def __init__(self) -> None:
        self.answer = OK
        self.now = self.ever = 0

    async def handle(self, stream: trio.SocketStream) -> None:
        self.now, self.ever = self.now + 1, self.ever + 1
        try:
            async with stream:
                async for _ in stream:
                    await stream.send_all(self.answer)
        finally:
            self.now -= 1


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Origin]:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, server.handle, listeners)
        yield Origin("http", "127.0.0.1", listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


def pool(connections: int) -> Pool:
    return Pool(connections=connections, tls=tls_for("http:"))


async def use(made: Pool, origin: Origin, *, seconds: float = 0) -> Connection:
    async with made.connection(origin, patience_seconds=1, connect_seconds=1) as connection:
        await trio.sleep(seconds)
        await connection.exchange(
            h11.Request(method="POST", target="/", headers=[("Host", "h")]),
            b"",
            patience=Patience(1, 1),
            bytes_max=100,
        )
    return connection


async def test_one_after_the_other_use_one_connection() -> None:
    async with serving(server := Server()) as origin:
        made = pool(8)
        assert await use(made, origin) is await use(made, origin)
        assert server.ever == len(made) == 1


async def test_at_once_each_has_its_own_up_to_the_limit() -> None:
    async with serving(server := Server()) as origin:
        made = pool(3)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(lambda: use(made, origin, seconds=0.1))
        assert server.ever == len(made) == 3


async def test_the_one_used_last_is_used_first() -> None:
    async with serving(Server()) as origin:
        made, last = pool(2), []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: use(made, origin, seconds=0.1))
            last.append(await use(made, origin, seconds=0.2))
        assert [await use(made, origin) for _ in range(3)] == last * 3


async def test_whoever_does_not_get_his_turn_in_time_has_no_way() -> None:
    async with serving(Server()) as origin, trio.open_nursery() as nursery:
        made = pool(1)
        nursery.start_soon(lambda: use(made, origin, seconds=5))
        await trio.sleep(0.1)
        with pytest.raises(NoWay, match="every connection is in use"):
            await use(made, origin)


async def test_one_that_is_not_usable_any_more_is_closed_and_another_one_made() -> None:
    async with serving(server := Server()) as origin:
        made = pool(1)
        await use(made, origin)
        await trio.sleep(KEEPALIVE_SECONDS + 1)
        await use(made, origin)
        await trio.sleep(0.1)
        assert (server.ever, server.now, len(made)) == (2, 1, 1)


async def test_another_origin_is_another_connection() -> None:
    async with serving(one := Server()) as here, serving(other := Server()) as there:
        made = pool(1)
        await use(made, here)
        await use(made, there)
        await trio.sleep(0.1)
        assert (one.now, other.now, len(made)) == (0, 1, 1)


async def test_an_exchange_that_was_cancelled_leaves_no_connection_behind() -> None:
    async with serving(server := Server()) as origin:
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"
        made = pool(1)
        for _ in range(3):
            with trio.move_on_after(0.5) as scope:
                await use(made, origin)
            assert scope.cancelled_caught
        await trio.sleep(0.1)
        assert server.ever == 3
        assert server.now == len(made) == 0


async def test_whoever_has_asked_nothing_gives_his_connection_back() -> None:
    async with serving(server := Server()) as origin:
        made = pool(1)
        async with made.connection(origin, patience_seconds=1, connect_seconds=1):
            await trio.sleep(1)
        await use(made, origin)
        assert server.ever == len(made) == 1


async def test_closed_it_has_no_connection() -> None:
    async with serving(server := Server()) as origin:
        made = pool(2)
        await use(made, origin)
        await made.aclose()
        await trio.sleep(0.1)
        assert server.now == len(made) == 0


async def test_nobody_there_is_no_way_and_the_turn_is_given_back() -> None:
    made = pool(1)
    for _ in range(3):
        with pytest.raises(NoWay, match="ConnectionRefusedError"):
            await use(made, Origin("http", "127.0.0.1", 9))
    assert len(made) == 0


class Watched(Pool):
    """Knows in which order its connections were made and closed."""

    def __init__(self) -> None:
        super().__init__(connections=9, tls=tls_for("http:"))
        self.made: list[Connection] = []
        self.closed: list[Connection] = []

    async def _make(self, origin: Origin, connect_seconds: float) -> Connection:
        self.made.append(await super()._make(origin, connect_seconds))
        return self.made[-1]

    async def _close(self, connection: Connection) -> None:
        self.closed.append(connection)
        await super()._close(connection)


async def test_all_are_closed_in_the_order_in_which_they_were_made() -> None:
    """Any other order would be the machine's: no seed could repeat it."""
    async with serving(Server()) as origin:
        made = Watched()
        async with trio.open_nursery() as nursery:
            for _ in range(9):
                nursery.start_soon(lambda: use(made, origin, seconds=1))
        await made.aclose()
        assert len(made.closed) == 9
        assert made.closed == made.made
