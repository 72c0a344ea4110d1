"""A proxy in front of PostgreSQL that cuts a connection after a given number of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import trio
from psycopg import conninfo as libpq

Direction = Literal["to server", "to client"]


class Proxy:
    """Passes everything on until it is told to cut."""

    def __init__(self, conninfo: str, folder: Path) -> None:
        told = libpq.conninfo_to_dict(conninfo)
        self._server = f"{told['host']}/.s.PGSQL.{told['port']}"
        self._socket = folder / f".s.PGSQL.{told['port']}"
        self._left: int | None = None
        self._direction: Direction = "to server"
        self.conninfo = libpq.make_conninfo(conninfo, host=str(folder))
        self.passed = {"to server": 0, "to client": 0}
        self.cuts = 0

    def cut_after(self, count: int, direction: Direction) -> None:
        """Let `count` more bytes pass in one direction, then cut, once."""
        self._left, self._direction = count, direction

    async def serve(self) -> None:
        """Accept connections until cancelled."""
        with trio.socket.socket(trio.socket.AF_UNIX) as listening:
            await listening.bind(str(self._socket))
            listening.listen()
            await trio.serve_listeners(self._join, [trio.SocketListener(listening)])

    async def _join(self, client: trio.SocketStream) -> None:
        server = await trio.open_unix_socket(self._server)
        async with client, server, trio.open_nursery() as nursery:
            scope = nursery.cancel_scope
            nursery.start_soon(self._pass, client, server, "to server", scope)
            nursery.start_soon(self._pass, server, client, "to client", scope)

    async def _pass(
        self,
        source: trio.SocketStream,
        target: trio.SocketStream,
        direction: Direction,
        scope: trio.CancelScope,
    ) -> None:
        try:
            async for data in source:
                allowed = bytes(data)
                if self._left is not None and direction == self._direction:
                    allowed = allowed[: self._left]
                    self._left -= len(allowed)
                self.passed[direction] += len(allowed)
                await target.send_all(allowed)
                if self._left == 0:
                    self._left = None
                    self.cuts += 1
                    break
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()


@asynccontextmanager
async def running_proxy(conninfo: str, folder: Path) -> AsyncIterator[Proxy]:
    """A proxy that listens in `folder`."""
    proxy = Proxy(conninfo, folder)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(proxy.serve)
        await trio.testing.wait_all_tasks_blocked(0.01)
        yield proxy
        nursery.cancel_scope.cancel()
