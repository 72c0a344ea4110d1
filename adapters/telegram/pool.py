"""A few connections, each for one request at a time.

Each is made when it is first needed, and the one used last is used first, so that as many are
open as requests run at once. Looking for one costs the same however many there are.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from adapters.telegram.connection import Connection
from adapters.telegram.route import NoWay, Origin, open_stream


class Pool:
    """At most `connections`, through `proxy` if there is one; `tls` is shared, because making
    a context costs 50 ms.
    """

    def __init__(self, *, connections: int, tls: ssl.SSLContext, proxy: str | None = None) -> None:
        self.proxy = proxy
        self._tls = tls
        self._free = trio.Semaphore(connections, max_value=connections)
        self._idle: list[tuple[Origin, Connection]] = []
        self._open: dict[Connection, None] = {}  # a set has an order of its own in each process

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    @asynccontextmanager
    async def connection(
        self, origin: Origin, *, patience_seconds: float, connect_seconds: float
    ) -> AsyncIterator[Connection]:
        """One that leads to `origin`, alone; `patience_seconds` is how long to wait for its turn.

        Raises `NoWay`.
        """
        await self._turn(patience_seconds)
        try:
            connection = await self._take(origin) or await self._make(origin, connect_seconds)
            try:
                yield connection
            finally:
                if connection.idle:
                    self._idle.append((origin, connection))
                else:
                    await self._close(connection)
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Close every one; whoever waits for an answer gets none."""
        self._idle.clear()
        for connection in list(self._open):
            await self._close(connection)

    async def _turn(self, patience_seconds: float) -> None:
        try:
            self._free.acquire_nowait()
        except trio.WouldBlock:
            with trio.move_on_after(patience_seconds) as waiting:
                await self._free.acquire()
            if waiting.cancelled_caught:
                raise NoWay("every connection is in use") from None

    async def _take(self, origin: Origin) -> Connection | None:
        while self._idle:
            leads_to, connection = self._idle.pop()
            if leads_to == origin and connection.usable():
                return connection
            await self._close(connection)
        return None

    async def _make(self, origin: Origin, connect_seconds: float) -> Connection:
        stream, socket = await open_stream(
            origin, tls=self._tls, proxy=self.proxy, within_seconds=connect_seconds
        )
        connection = Connection(stream, socket)
        self._open[connection] = None
        return connection

    async def _close(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        await connection.aclose()
