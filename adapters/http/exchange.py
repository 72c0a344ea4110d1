"""One request and its answer: ASGI on one side, h11's events on the other.

The application runs in the connection's own task. It may ask for the body piece by piece, and
after the body for the moment at which its client goes; it may answer in pieces, too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol, Self
from urllib.parse import unquote

import h11
import trio
from starlette.types import ASGIApp, Message

from adapters.http.head import Head, target_of
from adapters.http.limits import ARRIVED, secured
from adapters.http.problems import problem

UNREAD_MAX_BYTES = 64 * 1024
"""What may follow a request before it is answered; whoever pipelines more has to wait."""

CHUNKS_MAX = 256
"""Of one body. Each costs as much work as a whole body; a real sender fills some kilobytes."""

HEADS_KEPT = 16
"""Heads of answers: acknowledgements are alike, and h11 checks each header of each one."""

_END = h11.EndOfMessage()
_DISCONNECT: Message = {"type": "http.disconnect"}

Headers = tuple[tuple[bytes, bytes], ...]


class Wire(Protocol):
    """The client, as one exchange sees it (`adapters.http.connection`)."""

    @property
    def draining(self) -> bool: ...

    async def read(self) -> bytes: ...

    async def leave(self) -> None: ...

    async def write(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """Both ends of a connection as (host, port); None where the socket does not tell."""

    client: tuple[str, int] | None
    server: tuple[str, int] | None

    @classmethod
    def of(cls, socket: Any) -> Self:  # noqa: ANN401 - trio's, or a virtual one
        """Those of a connected socket."""
        try:
            return cls(socket.getpeername()[:2], socket.getsockname()[:2])
        except OSError:  # gone before it was served
            return cls(None, None)


def scope_of(head: Head, addresses: Addresses, kind: str) -> dict[str, Any]:
    """The ASGI scope of a request; `kind` is `http` or `websocket`."""
    path, query, authority = target_of(head)
    headers = list(head.headers)
    if authority is not None:
        headers = [(b"host", authority), *(h for h in headers if h[0] != b"host")]
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.http_version.decode("ascii"),
        "method": head.method.decode("ascii"),
        "scheme": "http" if kind == "http" else "ws",
        "path": unquote(path.decode("ascii")) if b"%" in path else path.decode("ascii"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": addresses.client,
        "server": addresses.server,
        "state": {},
    }


class Exchange:
    """One request with its answer. `head` is None for what could not be understood."""

    def __init__(
        self, wire: Wire, http: h11.Connection, head: h11.Request | None, addresses: Addresses
    ) -> None:
        self._wire, self._http, self._head, self._addresses = wire, http, head, addresses
        self._start: Message | None = None
        self._early: Message | None = None
        """What came of the body together with the head."""
        self._answering = self._body_over = self._malformed = False
        self._chunks = 0

    async def run(self, app: ASGIApp) -> bool:
        """Let the application answer; True when another request may follow.

        Raises what it raises, once the client has got a 500 or a broken answer.
        """
        assert self._head is not None  # noqa: S101 - see `refuse`
        scope = scope_of(self._head, self._addresses, "http")
        self._early = early = self._piece()
        if early is not None and early.get("more_body") is False:
            scope["extensions"] = {ARRIVED: early["body"]}
        try:
            await app(scope, self.receive, self.send)
        finally:
            await self.close()
        return self.may_go_on()

    async def close(self) -> None:
        """Answer if the application has not: it crashed, forgot, or gave up on no request."""
        if not self._answering:
            await self.refuse(
                HTTPStatus.BAD_REQUEST if self._malformed else HTTPStatus.INTERNAL_SERVER_ERROR
            )

    def may_go_on(self) -> bool:
        """Whether another request may follow, now that the application is done with this one."""
        if self._wire.draining or self._malformed:
            return False  # without a look at what is left of the body
        if self._http.their_state is h11.SEND_BODY:
            self._skip_body()
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def receive(self) -> Message:
        """ASGI: the next piece of the body; after it, that the client has gone."""
        if self._early is not None:
            early, self._early = self._early, None
            return early
        if self._body_over:
            await self._departure()
            return _DISCONNECT
        if self._http.they_are_waiting_for_100_continue:
            going_on = h11.InformationalResponse(status_code=100, headers=[])
            await self._wire.write(self._http.send(going_on) or b"")
        while (piece := self._piece()) is None:
            self._http.receive_data(await self._wire.read())
        return piece

    def _piece(self) -> Message | None:
        """What there is of the body by now; None when that is nothing yet."""
        body = b""  # in one piece, nearly always
        try:
            while isinstance(event := self._http.next_event(), h11.Data):
                self._chunks += event.chunk_start
                if self._chunks > CHUNKS_MAX:
                    self._body_over = self._malformed = True  # in crumbs
                    return _DISCONNECT
                body += event.data
        except h11.RemoteProtocolError:
            self._body_over = self._malformed = True
            return _DISCONNECT
        if event is h11.NEED_DATA:
            return {"type": "http.request", "body": body, "more_body": True} if body else None
        self._body_over = True
        if isinstance(event, h11.EndOfMessage):
            return {"type": "http.request", "body": body, "more_body": False}
        return _DISCONNECT

    async def _departure(self) -> None:
        """Wait until the client has gone; what it sends meanwhile belongs to its next request."""
        while data := await self._wire.read():
            self._http.receive_data(data)
            if len(self._http.trailing_data[0]) > UNREAD_MAX_BYTES:
                break
        await self._wire.leave()

    def _skip_body(self) -> None:
        """An application need not read to the end what has arrived whole."""
        try:
            while isinstance(self._http.next_event(), h11.Data):
                pass
        except h11.RemoteProtocolError:
            return

    async def send(self, message: Message) -> None:
        """ASGI: the head of the answer, then its body. The head leaves with the first piece."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        data = b""
        if self._start is not None:
            data = self._http.send(self._response(self._start)) or b""
            self._start, self._answering = None, True
        if self._http.our_state is not h11.SEND_BODY:
            return  # more after the end, as some applications have it
        piece = message.get("body", b"")
        if piece and self._head is not None and self._head.method != b"HEAD":
            data += self._http.send(h11.Data(data=piece)) or b""
        if message.get("more_body", False):
            await self._wire.write(data)
            # Whoever always has more to say is not alone here. He is cancelled elsewhere: a
            # generator that is given up between two of its pieces cannot clean up.
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        data += self._http.send(_END) or b""
        await self._wire.write(data)

    def _response(self, start: Message) -> h11.Response:
        closing = ((b"connection", b"close"),) if self._wire.draining else ()
        return _head(start["status"], (*dated(start), *closing))

    async def refuse(self, status: HTTPStatus) -> None:
        """Answer in the place of the application, and end the connection."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        answer = problem(status, headers={"connection": "close"})
        headers = [*secured(answer.raw_headers), (b"date", _date())]
        head = h11.Response(status_code=status, headers=headers)
        self._answering = True
        data = self._http.send(head) or b""
        if self._head is None or self._head.method != b"HEAD":
            data += self._http.send(h11.Data(data=bytes(answer.body))) or b""
        await self._wire.write(data + (self._http.send(h11.EndOfMessage()) or b""))


def dated(start: Message) -> Headers:
    """The headers of an answer, and when it was given."""
    return (*start.get("headers", ()), (b"date", _date()))


@lru_cache(HEADS_KEPT)
def _head(status: int, headers: Headers) -> h11.Response:
    return h11.Response(status_code=status, headers=list(headers))


class _Date:
    """The wall clock as HTTP writes it, made once a second."""

    second, text = 0, b""


def _date() -> bytes:
    now = int(time.time())
    if now != _Date.second:
        _Date.second, _Date.text = now, formatdate(now, usegmt=True).encode("ascii")
    return _Date.text
