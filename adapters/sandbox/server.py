"""HTTP/1.1 for one sandbox app on a loopback port, by h11 on trio.

Not hypercorn: measured with 0.18, it accepts a request head of 40 kB when it arrives in one
packet (Node refuses from 16 KiB on) and answers 500 where a connection has to die without an
answer. Both are behaviours of the outside world that clients must be tested against.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from types import TracebackType
from typing import Protocol
from urllib.parse import parse_qsl, unquote

import h11
import trio

LOOPBACK = "127.0.0.1"
READ_BYTES = 65_536
BODY_BYTES_MAX = 50 * 1024 * 1024
"""Both real servers refuse bodies above 50 MB (NocoDB `NC_REQUEST_BODY_SIZE`, Bot API files)."""
HEAD_BUFFER_BYTES = 1024 * 1024
"""How much head is read before h11 itself gives up; apps refuse earlier, see `App`."""


def utc_now() -> datetime:
    """The real wall clock; tests that need another one inject it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: `path` is percent-decoded, `query` is raw, header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """The query string's parameters; the last of equal names wins."""
        return dict(parse_qsl(self.query, keep_blank_values=True, errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer; `Date` and `Content-Length` are added on the way out."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """`value` as JSON; header names in lower case."""
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return cls(
            status=status,
            body=body,
            headers={"content-type": "application/json", **(headers or {})},
        )

    @classmethod
    def page(cls, status: int, headers: Mapping[str, str] | None = None) -> Response:
        """The HTML page that a proxy puts in front of a server it cannot reach."""
        text = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
        kind = {"content-type": "text/html; charset=utf-8"}
        return cls(status=status, body=text.encode(), headers={**kind, **(headers or {})})


class App(Protocol):
    """A simulated server; `None` hangs up without a byte: the client never learns the outcome."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The wall clock of this world, for the `Date` header."""

    @property
    def head_bytes_max(self) -> int:
        """From this size of target, header names and values on, the answer is an empty 431."""

    def __call__(self, request: Request) -> Awaitable[Response | None]:
        """Answer one request."""


def serve(app: App, *, port: int = 0, host: str = LOOPBACK) -> Serving:
    """Answer on a port of `host` inside `async with`, which gives the URL.

    Leaving the block closes the listener and every connection, idle or waiting. An error
    inside the block comes out as it is, not wrapped in an exception group.
    """
    return Serving(app, port, host)


class Serving:
    """The async context manager behind `serve`."""

    def __init__(self, app: App, port: int, host: str) -> None:
        self._app, self._port, self._host = app, port, host
        self._nursery = trio.open_nursery()

    async def __aenter__(self) -> str:
        listeners = await trio.open_tcp_listeners(self._port, host=self._host)
        nursery = await self._nursery.__aenter__()
        nursery.start_soon(trio.serve_listeners, self._serve, listeners)
        self._scope = nursery.cancel_scope
        return f"http://{self._host}:{listeners[0].socket.getsockname()[1]}"

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scope.cancel()
        await self._nursery.__aexit__(None, None, None)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        await serve_connection(self._app, stream)


async def serve_connection(app: App, stream: trio.abc.Stream) -> None:
    """Speak HTTP/1.1 over any stream (a socket, or `trio.testing`'s memory streams)."""
    async with stream:
        connection = _Connection(app, stream)
        try:
            while await connection.serve_one():
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client went away; whatever it asked for has been done


class _Connection:
    """One client's connection: requests one after the other."""

    def __init__(self, app: App, stream: trio.abc.Stream) -> None:
        self._app, self._stream = app, stream
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BUFFER_BYTES)

    async def serve_one(self) -> bool:
        """Answer one request; False when this connection has seen its last."""
        try:
            request = await self._read_request()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint)
            return False
        if request is None:
            return False
        response = await self._app(request)
        if response is None:
            return False
        await self._write(response, to=request)
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _read_request(self) -> Request | None:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        if _head_bytes(head) >= self._app.head_bytes_max:
            await self._refuse(431)
            return None
        if self._http.they_are_waiting_for_100_continue:
            await self._stream.send_all(
                self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
            )
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > BODY_BYTES_MAX:
                await self._refuse(413)
                return None
        if not isinstance(event, h11.EndOfMessage):
            return None
        path, _, query = head.target.decode("latin-1").partition("?")
        return Request(
            method=head.method.decode("ascii"),
            path=unquote(path),
            query=query,
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in head.headers},
            body=bytes(body),
        )

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(bytes(await self._stream.receive_some(READ_BYTES)))
        return event

    async def _write(self, response: Response, *, to: Request) -> None:
        headers = {
            "date": _date(int(self._app.now().timestamp())),
            "content-length": str(len(response.body)),
            **response.headers,
        }
        head = h11.Response(status_code=response.status, headers=list(headers.items()))
        body = [h11.Data(data=response.body)] if to.method != "HEAD" else []
        events: list[h11.Event] = [head, *body, h11.EndOfMessage()]
        await self._stream.send_all(b"".join([self._http.send(event) or b"" for event in events]))

    async def _refuse(self, status: int) -> None:
        """An empty answer and the end of the connection, as Node's HTTP parser does it."""
        await self._stream.send_all(
            f"HTTP/1.1 {status} Refused\r\nconnection: close\r\n\r\n".encode("ascii")
        )


@lru_cache(maxsize=8)
def _date(seconds: int) -> str:
    """For the `Date` header; servers make it once a second, too."""
    return formatdate(seconds, usegmt=True)


def _head_bytes(head: h11.Request) -> int:
    """What Node counts against its 16 KiB: the target, the header names and their values.

    Checked against how many ids a real server (NocoDB on Node) took in one request line.
    """
    return len(head.target) + sum(len(name) + len(value) for name, value in head.headers)
