"""One client's connection: HTTP/1.1 as h11 has it, on a trio stream, for an ASGI application.

One task serves one connection, request after request; whatever waits for the client has a
deadline:

- the headers, our answer and everything in between: `Deadlines`
- the body: `adapters.http.limits`

Most requests come in one piece, and most answers are taken at once. So what waits between requests
has one alarm (`runtime.timers`) and one scope for all of them, and what does not wait has none.

HTTP/2 is not spoken; a proxy that wants it speaks HTTP/1.1 to us. What a single request is, is
said by `adapters.http.exchange` and, for the plainest ones, which h11 need not hear of, by
`adapters.http.plain`; what a WebSocket is by `adapters.http.websocket`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
import trio
from starlette.types import ASGIApp

from adapters.http.exchange import Addresses, Exchange
from adapters.http.head import flaw_in_request, flaw_in_text
from adapters.http.limits import HEADERS_MAX_BYTES
from adapters.http.plain import PlainExchange, PlainRequest, read_plainly
from adapters.http.stream import READ_BYTES, Broken, ClientStream
from adapters.http.websocket import Conversation, asks_for_websocket
from runtime import Timers

WRITE_BYTES = 64 * 1024


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

    `note_request` is called once for each request that was understood; `begin` waits until it is
    the turn of a request from this address. `timers` are served by whoever serves connections.
    """

    def __init__(
        self,
        stream: trio.SocketStream,
        *,
        app: ASGIApp,
        deadlines: Deadlines,
        timers: Timers,
        note_request: Callable[[], None],
        begin: Callable[[str], Awaitable[None]],
    ) -> None:
        self._stream, self._app, self._deadlines = stream, app, deadlines
        self._bytes, self._timers = ClientStream(stream), timers
        self._note_request, self._begin = note_request, begin
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADERS_MAX_BYTES)
        self._addresses = Addresses.of(stream.socket)
        self._requests = trio.CancelScope()  # around all of them; cancelled between two
        self._reading: trio.CancelScope | None = None  # inside one; cancelled to hang up
        self._writing = trio.Lock()
        self._life = trio.CancelScope()
        self._alarm: list[Any] | None = None  # one of `timers`
        self._turn_since: float | None = trio.current_time()
        self._waiting = _Waits()
        self._patience_seconds = deadlines.headers_seconds
        self._idle = True
        self._gone = self._draining = False

    @property
    def host(self) -> str:
        """The client's address; "" when it was gone before we could ask."""
        return self._addresses.client[0] if self._addresses.client else ""

    @property
    def owed_since(self) -> float | None:
        """Since when (trio's clock) the client owes us something: a request, the rest of one, to
        read its answer, or to go. None while it is our turn, and for a WebSocket: it owes nothing.

        Dripping does not help: the time starts with each request, not with each byte.
        """
        return self._turn_since if self._waiting.places else None

    @property
    def draining(self) -> bool:
        """The answer under way is the last one."""
        return self._draining

    def drain(self) -> None:
        """Answer the request that is being served, and none after it."""
        self._draining = True
        if self._idle:
            self.hang_up()

    def hang_up(self) -> None:
        """Read and write nothing more; `serve` ends once the application has noticed."""
        self._gone = True
        if self._idle:
            self._requests.cancel()
        elif self._reading is not None:
            self._reading.cancel()

    def cut(self) -> None:
        """Hang up without a last word, to make room at once."""
        self._gone = True  # or the request that is cancelled would be answered: with 500
        self._life.cancel()

    async def serve(self) -> None:
        """Serve until either side has had enough.

        Raises what the application raised; its client has got a 500 by then, or a broken answer.
        """
        try:
            with self._life:
                with self._requests:
                    while not self._gone and await self._serve_next():
                        self._idle, self._turn_since = True, trio.current_time()
                        self._patience_seconds = self._deadlines.keep_alive_seconds
                        if self._http.our_state is not h11.IDLE:  # else it has heard of nothing
                            self._http.start_next_cycle()
                self._gone = True
                await self._linger()
        finally:
            self._disarm()
            await trio.aclose_forcefully(self._stream)

    async def _serve_next(self) -> bool:
        """Serve one request; False when there is none, or there cannot be another one."""
        head = await self._read_head()
        if head is None or self._gone:
            return False
        self._idle = False
        if isinstance(head, HTTPStatus):
            await Exchange(self, self._http, None, self._addresses).refuse(head)
            return False
        self._note_request()
        await self._begin(self.host)
        if isinstance(head, PlainRequest):
            return await PlainExchange(self, self._http, head, self._addresses).run(self._app)
        if asks_for_websocket(head):
            self._turn_since = None
            await Conversation(self, head, self._http, self._addresses).run(self._app)
            return False
        return await Exchange(self, self._http, head, self._addresses).run(self._app)

    async def _read_head(self) -> PlainRequest | h11.Request | HTTPStatus | None:
        """The next request's, or why it is refused; None when the client is gone.

        One that is too slow is hung up on.
        """
        begun = bool(self._http.trailing_data[0])
        self._arm(self._deadlines.headers_seconds if begun else self._patience_seconds)
        found: PlainRequest | h11.Request | h11.ConnectionClosed | HTTPStatus | None
        found = self._parse_head() if begun else None
        while found is None:
            data = await self._read_idle()
            if not begun:
                if not data:
                    return None
                if (found := read_plainly(data)) is not None:
                    break
            self._http.receive_data(data)
            found = self._parse_head()
            if found is None and not begun:
                self._arm(self._deadlines.headers_seconds)
            begun = True
        self._disarm()
        return None if isinstance(found, h11.ConnectionClosed) else found

    async def _read_idle(self) -> bytes:
        """What comes between requests; `_requests` is cancelled when it does not come in time."""
        with self._waiting:
            try:
                return await self._bytes.receive()
            except Broken:
                self._gone = True
        return b""

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._alarm = self._timers.call_at(trio.current_time() + seconds, self.hang_up)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._timers.cancel(self._alarm)
            self._alarm = None

    def _parse_head(self) -> h11.Request | h11.ConnectionClosed | HTTPStatus | None:
        """What has come so far: a head, a flaw, the end; None when there has to be more."""
        if flaw := flaw_in_text(self._http.trailing_data[0]):
            return flaw
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            return HTTPStatus(error.error_status_hint)
        if isinstance(event, h11.Request):
            return flaw_in_request(event) or event
        return None if event is h11.NEED_DATA else h11.ConnectionClosed()

    # What an exchange does with the client

    async def read(self) -> bytes:
        """What the client says next; empty when it will say nothing more, or we have hung up."""
        if self._gone:
            return b""
        with self._waiting, trio.CancelScope() as self._reading:
            try:
                return await self._bytes.receive()
            except Broken:
                self._gone = True
        return b""

    async def leave(self) -> None:
        """The client has closed its side: it may still be waiting for our answer, for a while."""
        if not self._gone:
            with self._waiting, trio.CancelScope() as self._reading:
                await trio.sleep(self._deadlines.half_closed_seconds)
        self._gone = True

    async def write(self, data: bytes) -> None:
        """Say this, unless the client is gone; one that does not take it in time is.

        Gives way to other tasks only where it has to wait.
        """
        if len(data) <= WRITE_BYTES and not self._writing.locked():
            if self._gone:
                return
            try:
                data = data[self._bytes.send_now(data) :]
            except Broken:
                self.hang_up()
                return
        if data:
            async with self._writing:
                for start in range(0, len(data), WRITE_BYTES):
                    if self._gone:
                        return
                    await self._write(data[start : start + WRITE_BYTES])

    async def _write(self, piece: bytes) -> None:
        deadline = trio.current_time() + self._deadlines.write_seconds
        with self._waiting, trio.CancelScope(deadline=deadline) as patience:
            try:
                await self._stream.send_all(piece)
            except Broken:
                self.hang_up()
        if patience.cancelled_caught:
            self.hang_up()

    async def _linger(self) -> None:
        """Give the client a moment to read our last words: closing over input that we have not
        read resets the connection, and takes the answer with it.
        """
        with (
            self._waiting,
            trio.move_on_after(self._deadlines.linger_seconds),
            contextlib.suppress(*Broken),
        ):
            await self._stream.send_eof()
            while await self._stream.receive_some(READ_BYTES):
                pass


class _Waits:
    """In how many places we wait for the client, as a context for each of them."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places = 0

    def __enter__(self) -> None:
        self.places += 1

    def __exit__(self, *_exc_info: object) -> None:
        self.places -= 1
