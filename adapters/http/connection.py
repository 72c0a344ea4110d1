"""One client's connection: HTTP/1.1 as h11 has it, on a trio stream, for an ASGI application.

One task serves one connection, request after request; whatever waits for the client has a
deadline:

- the headers, our answer and everything in between: `Deadlines`
- the body: `adapters.http.limits`

HTTP/2 is not spoken; a proxy that wants it speaks HTTP/1.1 to us. What a single request is, is
said by `adapters.http.exchange`, what a WebSocket is by `adapters.http.websocket`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import h11
import trio
from starlette.types import ASGIApp

from adapters.http.exchange import Addresses, Exchange
from adapters.http.limits import HEADERS_MAX_BYTES
from adapters.http.websocket import Conversation, asks_for_websocket

WRITE_BYTES = 64 * 1024
READ_BYTES = 16 * 1024


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


class Connection:
    """One client, from its first byte to its last; only `serve` waits.

    `note_request` is called once for each request that was understood.
    """

    def __init__(
        self,
        stream: trio.SocketStream,
        *,
        app: ASGIApp,
        deadlines: Deadlines,
        note_request: Callable[[], None],
    ) -> None:
        self._stream, self._app, self._deadlines = stream, app, deadlines
        self._note_request = note_request
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADERS_MAX_BYTES)
        self._addresses = Addresses.of(stream.socket)
        self._reading = trio.CancelScope()  # the present one; cancelled to hang up
        self._writing = trio.Lock()
        self._idle_since: float | None = trio.current_time()
        self._patience_seconds = deadlines.headers_seconds
        self._gone = self._draining = self._cut = False

    @property
    def idle_since(self) -> float | None:
        """Since when (trio's clock) no request is being served here; None while one is."""
        return self._idle_since

    @property
    def draining(self) -> bool:
        """The answer under way is the last one."""
        return self._draining

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
            while not self._gone and await self._serve_next():
                self._idle_since = trio.current_time()
                self._patience_seconds = self._deadlines.keep_alive_seconds
                self._http.start_next_cycle()
            self._gone = True
            if not self._cut:
                await self._linger()
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _serve_next(self) -> bool:
        """Serve one request; False when there is none, or there cannot be another one."""
        try:
            head = await self._read_head()
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint)
            exchange = Exchange(self, self._http, None, self._addresses)
            await exchange.refuse(status)
            return False
        if head is None:
            return False
        self._idle_since = None
        self._note_request()
        if asks_for_websocket(head):
            await Conversation(self, head, self._http, self._addresses).run(self._app)
            return False
        return await Exchange(self, self._http, head, self._addresses).run(self._app)

    async def _read_head(self) -> h11.Request | None:
        """The next request's; None when the client is gone, or too slow."""
        begun = bool(self._http.trailing_data[0])
        seconds = self._deadlines.headers_seconds if begun else self._patience_seconds
        deadline = trio.current_time() + seconds
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._read(deadline)
            if data is None or (not data and not begun):
                return None
            if not begun:
                begun, deadline = True, trio.current_time() + self._deadlines.headers_seconds
            self._http.receive_data(data)
        return event if isinstance(event, h11.Request) else None

    # What an exchange does with the client

    async def read(self) -> bytes:
        """What the client says next; empty when it will say nothing more."""
        return await self._read(math.inf) or b""

    async def _read(self, deadline: float) -> bytes | None:
        """The same; None when there was no time left for it, or one of us has hung up."""
        if self._gone:
            return None
        with trio.CancelScope(deadline=deadline) as self._reading:
            try:
                return bytes(await self._stream.receive_some(READ_BYTES))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self._gone = True
        return None

    async def leave(self) -> None:
        """The client has closed its side: it may still be waiting for our answer, for a while."""
        if not self._gone:
            with trio.CancelScope() as self._reading:
                await trio.sleep(self._deadlines.half_closed_seconds)
        self._gone = True

    async def write(self, data: bytes) -> None:
        """Say this, unless the client is gone; one that does not take it in time is."""
        async with self._writing:
            for start in range(0, len(data), WRITE_BYTES):
                if self._gone:
                    return
                with trio.move_on_after(self._deadlines.write_seconds) as patience:
                    try:
                        await self._stream.send_all(data[start : start + WRITE_BYTES])
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
