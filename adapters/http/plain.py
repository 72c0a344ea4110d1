"""The plainest request and its answer, without a state machine: what nearly every webhook is.

A POST that came in one piece with its whole body, in the strictest form that RFC 9112 knows, and a
200 whose length is known. h11 need not hear of these two: between requests it stands where it
stood. Whatever looks otherwise in any way is h11's, and so is a plain request of which more comes
than a plain answer: it is told all of it then. What is read here is what h11 would have read, and
what is said is what h11 has said before; tests compare them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

import h11
from starlette.types import ASGIApp, Message

from adapters.http.exchange import HEADS_KEPT, Addresses, Exchange, Headers, Wire, dated, scope_of
from adapters.http.head import LINES_MAX
from adapters.http.limits import ARRIVED

_HEAD = re.compile(
    rb"POST (/[\w./-]*) HTTP/1\.1\r\n((?:[-!#$%&'*+.^_`|~\w]+: [!-~]+(?: +[!-~]+)*\r\n)+)\r\n"
)
_PECULIAR = frozenset((b"connection", b"expect", b"transfer-encoding", b"upgrade"))
"""They change what the connection does next."""
_STAYING = frozenset((b"connection", word) for word in (b"keep-alive", b"Keep-Alive"))
"""What many say, though HTTP/1.1 stays anyway."""
_SOME_REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"


@dataclass(slots=True)
class PlainRequest:
    """A request as `h11.Request` has it, with its body; `received` is all of it, as it came."""

    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received: bytes
    method: bytes = b"POST"
    http_version: bytes = b"1.1"


def read_plainly(received: bytes) -> PlainRequest | None:
    """The one request that `received` is, from its first byte to its last; None: ask h11."""
    head = _HEAD.match(received)
    if head is None:
        return None
    body, headers = received[head.end() :], []
    for line in head[2][:-2].split(b"\r\n"):
        name, _, value = line.partition(b": ")
        headers.append((name.lower(), value))
    names = [header[0] for header in headers if header not in _STAYING]
    if (
        len(headers) > LINES_MAX
        or names.count(b"host") != 1
        or not _fits(names, headers, len(body))
    ):
        return None
    return PlainRequest(head[1], headers, body, received)


def _fits(names: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]], length: int) -> bool:
    """Whether these headers tell this length of a body, once, and nothing else of moment."""
    told = (b"content-length", b"%d" % length)
    return names.count(b"content-length") == 1 and told in headers and _PECULIAR.isdisjoint(names)


@lru_cache(HEADS_KEPT)
def head_of(headers: Headers, length: int) -> bytes | None:
    """The head of a 200 with a body of this `length`, as h11 writes it; None: let h11 answer."""
    if not _fits([name for name, _ in headers], headers, length):
        return None
    http = h11.Connection(h11.SERVER)
    _hear(http, _SOME_REQUEST)
    return http.send(h11.Response(status_code=HTTPStatus.OK, headers=list(headers)))


def _hear(http: h11.Connection, received: bytes) -> h11.Request:
    """Tell h11 of a whole request; its body waits to be taken."""
    http.receive_data(received)
    head = http.next_event()
    assert isinstance(head, h11.Request)  # noqa: S101 - it was plain
    return head


class PlainExchange:
    """One plain request with its answer; an `Exchange` as soon as that does not do."""

    def __init__(
        self, wire: Wire, http: h11.Connection, request: PlainRequest, addresses: Addresses
    ) -> None:
        self._wire, self._http, self._request, self._addresses = wire, http, request, addresses
        self._start: Message | None = None
        self._said: bytes | None = None
        """The body of the answer, once there is one."""
        self._taken = False
        self._exchange: Exchange | None = None

    async def run(self, app: ASGIApp) -> bool:
        """Let the application answer, as `Exchange.run` does."""
        scope = scope_of(self._request, self._addresses, "http")
        scope["extensions"] = {ARRIVED: self._request.body}
        try:
            await app(scope, self.receive, self.send)
        finally:
            if self._said is None:
                await (await self._unfold()).close()
        if self._exchange is not None:
            return self._exchange.may_go_on()
        return not self._wire.draining

    async def receive(self) -> Message:
        """ASGI: the body; after it, that the client has gone."""
        if self._exchange is None and not self._taken:
            self._taken = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        return await (await self._unfold()).receive()

    async def send(self, message: Message) -> None:
        """ASGI: the head of the answer, then its body."""
        begins = message["type"] == "http.response.start"
        if begins and self._start is None and self._exchange is None:
            self._start = message
        elif begins or not await self._acknowledge(message):
            await (await self._unfold()).send(message)

    async def _acknowledge(self, message: Message) -> bool:
        """Say all of the answer, if it is plain and nothing has been said yet."""
        start, body = self._start, message.get("body", b"")
        if start is None or self._said is not None or self._exchange is not None:
            return False
        if start["status"] != HTTPStatus.OK or message.get("more_body", False):
            return False
        head = None if self._wire.draining else head_of(dated(start), len(body))
        if head is None:
            return False
        self._said = body
        await self._wire.write(head + body)
        return True

    async def _unfold(self) -> Exchange:
        """Go on with h11, which is told what has been done without it; nobody waits for that."""
        if self._exchange is not None:
            return self._exchange
        head = _hear(self._http, self._request.received)
        self._exchange = exchange = Exchange(self._wire, self._http, head, self._addresses)
        if self._taken:
            await exchange.receive()
        if self._said is not None and self._start is not None:
            answer = h11.Response(status_code=HTTPStatus.OK, headers=list(dated(self._start)))
            for event in (answer, h11.Data(data=self._said), h11.EndOfMessage()):
                self._http.send(event)
        elif self._start is not None:
            await exchange.send(self._start)
        return exchange
