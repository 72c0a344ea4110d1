"""Both ends of a connection: a server without an actor, clients that speak bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from starlette.types import ASGIApp

from adapters.http.connection import Connection, Deadlines
from adapters.http.listening import Bind, listen, port_of
from adapters.http.turns import RequestTurns
from runtime import Timers

TEST_SECONDS = 60.0
"""A test that takes longer hangs, on whichever clock; the machine may be slow."""


@dataclass
class Served:
    """A port, the connections that came, and what their tasks raised."""

    port: int
    timers: Timers = field(default_factory=Timers)
    connections: list[Connection] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    ended: int = 0
    requests: int = 0

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds, looking every few milliseconds."""
        while not condition():  # noqa: ASYNC110 - what it looks at tells nobody when it changes
            await trio.sleep(0.005)


@asynccontextmanager
async def serving(app: ASGIApp, deadlines: Deadlines | None = None) -> AsyncIterator[Served]:
    """Serve `app` on a free port, each connection in a task that cannot harm the others."""
    (listener,) = await listen(Bind("127.0.0.1", 0))
    served, turns = Served(port_of(listener)), RequestTurns()

    def count() -> None:
        served.requests += 1

    async def serve(stream: trio.SocketStream) -> None:
        connection = Connection(
            stream,
            app=app,
            deadlines=deadlines or Deadlines(),
            timers=served.timers,
            note_request=count,
            begin=turns.begin,
        )
        served.connections.append(connection)
        try:
            await connection.serve()
        except (Exception, ExceptionGroup) as error:  # noqa: BLE001 - the test looks at it
            served.errors.append(error)
        served.ended += 1

    with trio.fail_after(TEST_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turns.serve)
            nursery.start_soon(served.timers.serve)
            await nursery.start(trio.serve_listeners, serve, [listener])
            yield served
            nursery.cancel_scope.cancel()


async def connect(port: int) -> trio.SocketStream:
    """Return a client's stream to `port`."""
    return await trio.open_tcp_stream("127.0.0.1", port)


async def read_all(stream: trio.SocketStream) -> bytes:
    """Return everything until the server closes; a reset counts as a close."""
    received = bytearray()
    try:
        while data := await stream.receive_some(65_536):
            received += data
    except trio.BrokenResourceError:
        pass
    return bytes(received)


async def read_until(stream: trio.SocketStream, end: bytes) -> bytes:
    """Return everything up to `end`."""
    received = bytearray()
    while not received.endswith(end):
        data = await stream.receive_some(65_536)
        assert data, f"closed after {bytes(received)!r}"
        received += data
    return bytes(received)


async def exchange(port: int, request: bytes) -> bytes:
    """Send `request` and return everything that comes back until the server closes."""
    stream = await connect(port)
    async with stream:
        await stream.send_all(request)
        return await read_all(stream)


def get(path: str = "/", *headers: str, method: str = "GET", close: bool = True) -> bytes:
    """Return a well-formed request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if close:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def status_of(answer: bytes) -> int:
    """Return the status code of a raw answer."""
    return int(answer.split(b" ", 2)[1])
