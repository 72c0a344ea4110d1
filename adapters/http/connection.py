"""One client's connection: hypercorn's HTTP/1.1 and WebSocket protocols on a trio stream of ours.

hypercorn's own trio worker is not used, for two reasons that were measured with 0.18.0 (our
tests of garbage and of clients that do not read try both): all its connections share one
nursery, so that one malformed request can end the server (hypercorn issues 203 and 225), and it
writes inside a shielded scope without a deadline, so that one client that does not read holds
up the shut-down for ever. Here each connection is a task of its own, and whatever waits for the
client has a deadline:

- the headers, our answer and everything in between: `Deadlines`
- the body: `adapters.http.limits`

HTTP/2 is not spoken; a proxy that wants it speaks HTTP/1.1 to us.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import cast

import h11
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol, H11WSConnection
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    ASGIFramework,
    ConnectionState,
    H11SendableEvent,
)
from starlette.types import ASGIApp

from adapters.http.limits import HEADERS_MAX_BYTES
from adapters.http.requests import Requests

WRITE_BYTES = 64 * 1024
READ_BYTES = 16 * 1024
WEBSOCKET_MESSAGE_MAX_BYTES = 64 * 1024
WEBSOCKET_PING_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a client may keep us waiting."""

    headers_seconds: float = 10.0
    """From the first byte of a request to the end of its headers."""

    keep_alive_seconds: float = 75.0
    """Between requests; longer than a proxy waits, so that it never meets a closed door."""

    write_seconds: float = 10.0
    """For each `WRITE_BYTES` of an answer."""

    half_closed_seconds: float = 5.0
    """For the answer to a client that has closed its side already."""

    linger_seconds: float = 1.0
    """For reading our last words."""


def protocol_config() -> Config:
    """Return hypercorn's settings, as far as its protocols read them."""
    config = Config()
    config.h11_max_incomplete_size = HEADERS_MAX_BYTES
    config.include_server_header = False
    config.websocket_max_message_size = WEBSOCKET_MESSAGE_MAX_BYTES
    config.websocket_ping_interval = WEBSOCKET_PING_SECONDS
    config.accesslog = config.errorlog = None
    return config


class _Http1(H11Protocol):
    """HTTP/1.1 and WebSocket, and no way from there to HTTP/2 in clear text."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """Ignore `Upgrade: h2c` and HTTP/2's preface, which RFC 9110 7.8 allows."""

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        """Hang up on a client that sends frames before its WebSocket is accepted.

        hypercorn refuses those with a 400 while the application may be accepting, and then
        trips over its own state (a remnant of pgjones/hypercorn issue 225).
        """
        try:
            await super()._send_h11_event(event)
        except h11.LocalProtocolError:
            if not isinstance(self.connection, H11WSConnection):
                raise
            await self.send(Closed())


class Connection:
    """One client, from its first byte to its last; only `serve` waits."""

    def __init__(
        self,
        stream: trio.SocketStream,
        *,
        app: ASGIApp,
        config: Config,
        context: WorkerContext,
        deadlines: Deadlines,
    ) -> None:
        self._deadlines = deadlines
        self._stream, self._app, self._config, self._context = stream, app, config, context
        self._writing = trio.Lock()
        self._reading = trio.CancelScope()  # cancelled to hang up
        self._patience = trio.CancelScope()  # its deadline is how long the next bytes may take
        self._idle_since: float | None = trio.current_time()
        self._deadline = trio.current_time() + self._deadlines.headers_seconds
        self._halfway = self._half_closed = self._gone = self._draining = self._cut = False

    @property
    def idle_since(self) -> float | None:
        """Since when (trio's clock) no request is being served here; None while one is."""
        return self._idle_since

    def drain(self) -> None:
        """Answer the request that is being served, and none after it."""
        self._draining = True
        if self._idle_since is not None:
            self.hang_up()

    def hang_up(self) -> None:
        """Read and write nothing more; `serve` ends once the application has noticed."""
        self._gone = True
        self._reading.cancel()

    def cut(self) -> None:
        """Hang up without a last word, to make room at once."""
        self._cut = True
        self.hang_up()

    async def serve(self) -> None:
        """Serve until either side has had enough.

        Raises what the application raised; its client has got a 500 by then, or a broken answer.
        """
        try:
            async with trio.open_nursery() as nursery:
                requests = Requests(nursery)
                protocol = self._protocol(requests)
                with self._reading:
                    await self._read(protocol)
                self._gone = True
                await protocol.handle(Closed())
                requests.end()
            if not self._cut:
                await self._linger()
        finally:
            await trio.aclose_forcefully(self._stream)

    def _protocol(self, requests: Requests) -> H11Protocol:
        socket = self._stream.socket
        try:
            client, server = socket.getpeername()[:2], socket.getsockname()[:2]
        except OSError:  # gone before it was served
            client = server = None
        return _Http1(
            ASGIWrapper(cast("ASGIFramework", self._app)),
            self._config,
            self._context,
            requests,
            ConnectionState({}),
            False,  # noqa: FBT003 - hypercorn's positional `ssl`
            client,
            server,
            self._send,
        )

    async def _read(self, protocol: H11Protocol) -> None:
        while not self._half_closed:
            with trio.CancelScope(deadline=self._deadline) as self._patience:
                try:
                    data = await self._stream.receive_some(READ_BYTES)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
            if self._patience.cancelled_caught:
                return
            if self._idle_since is not None and not self._halfway:
                self._halfway = True
                self._deadline = trio.current_time() + self._deadlines.headers_seconds
            self._half_closed = not data
            await protocol.handle(RawData(data=bytes(data)))
        if self._idle_since is None:
            # Hanging up cuts this short as soon as the answer is out.
            await trio.sleep(self._deadlines.half_closed_seconds)

    async def _send(self, event: Event) -> None:
        """Do to the socket what the protocol wants; reader and application both come here."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            self.hang_up()
        elif isinstance(event, Updated):
            self._note(idle=event.idle)

    def _note(self, *, idle: bool) -> None:
        self._halfway = False
        self._idle_since = trio.current_time() if idle else None
        keep_alive = trio.current_time() + self._deadlines.keep_alive_seconds
        self._deadline = self._patience.deadline = keep_alive if idle else math.inf
        if idle and (self._half_closed or self._draining):
            self.hang_up()

    async def _write(self, data: bytes) -> None:
        async with self._writing:
            view = memoryview(data)
            for start in range(0, len(view), WRITE_BYTES):
                if self._gone:
                    return
                with trio.move_on_after(self._deadlines.write_seconds) as patience:
                    try:
                        await self._stream.send_all(view[start : start + WRITE_BYTES])
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        self.hang_up()
                if patience.cancelled_caught:
                    self.hang_up()

    async def _linger(self) -> None:
        """Give the client a moment to read our last words: closing over input that we have not
        read resets the connection, and takes the answer with it.
        """
        with (
            trio.move_on_after(self._deadlines.linger_seconds),
            contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError),
        ):
            await self._stream.send_eof()
            while await self._stream.receive_some(READ_BYTES):
                pass
