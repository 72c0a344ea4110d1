"""What a request may cost before a handler sees it, and the headers every answer carries.

These layers hand on what the next one answers instead of waiting for it: a task that is resumed
goes through each coroutine that waits in it, and of such requests there are many at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus

import trio
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.problems import problem

HEADERS_MAX_BYTES = 16 * 1024
BODY_MAX_BYTES = 64 * 1024
WEBHOOK_BODY_MAX_BYTES = 256 * 1024
"""Of what providers deliver; the largest that is documented (Telegram's) is below 64 KiB."""
AUDIENCE_MAX_BYTES = 1024 * 1024
"""Of a broadcast: twenty thousand recipients, each an id of up to 17 characters and a comma, beside
the longest text and its buttons, however they are escaped.
"""
BODY_SECONDS = 10.0
"""From the end of the headers to the end of the body, however slowly it drips."""

ARRIVED = "factorage.arrived"
"""Among a request's ASGI extensions: its whole body, where it came together with the headers.
`receive` answers it as well; nobody has to wait for it, and needs a deadline for that."""

SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every answer, unless the route says otherwise: a page brings its own policy."""

Refusing = Callable[[HTTPConnection], Response | None]
"""Why somebody is not let in, by the head of his request alone; None for whoever is."""

_CLOSE = {"connection": "close"}  # the rest of the body is not worth reading


class RequestLimits:
    """Read the whole body first, within a size and a deadline: handlers wait for no client.

    `larger` names the paths whose bodies may have more than `max_bytes`. Of the `guarded` ones
    nothing is read from whoever is refused: what strangers send is never kept.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int = BODY_MAX_BYTES,
        larger: Mapping[str, int] | None = None,
        guarded: Mapping[str, Refusing] | None = None,
        seconds: float = BODY_SECONDS,
    ) -> None:
        self._app, self._seconds, self._guarded = app, seconds, dict(guarded or {})
        self._max_bytes, self._larger = max_bytes, dict(larger or {})

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request, or refuse it with 408, 413 or 431."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        header_bytes, declared = _measured(scope)
        # The protocol refuses only headers that are too long *and* unfinished.
        if header_bytes > HEADERS_MAX_BYTES:
            large = problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, headers=_CLOSE)
            return large(scope, receive, send)
        guard = self._guarded.get(scope["path"])
        if guard is not None and (refused := guard(HTTPConnection(scope))) is not None:
            refused.headers["connection"] = "close"
            return refused(scope, receive, send)
        arrived: bytes | None = scope.get("extensions", {}).get(ARRIVED)
        if arrived is not None and len(arrived) <= self._larger.get(scope["path"], self._max_bytes):
            return self._app(scope, receive, send)
        return self._once_arrived(declared, scope, receive, send)

    async def _once_arrived(
        self, declared: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body: bytes | Response | None = None
        with trio.move_on_after(self._seconds) as deadline:
            body = await self._read(scope["path"], declared, receive)
        if deadline.cancelled_caught:
            body = problem(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the body did not arrive within {self._seconds:g} s",
                headers=_CLOSE,
            )
        if isinstance(body, Response):
            await body(scope, receive, send)
        elif body is not None:
            await self._app(scope, _replay(body, receive), send)

    async def _read(self, path: str, declared: int, receive: Receive) -> bytes | Response | None:
        """Return the body, a refusal, or None when the client has gone."""
        max_bytes = self._larger.get(path, self._max_bytes)
        if declared > max_bytes:
            return _too_large(max_bytes)
        body = b""  # in one piece, nearly always
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return None
            piece: bytes = event.get("body", b"")
            body += piece
            if len(body) > max_bytes:
                return _too_large(max_bytes)
            if not event.get("more_body", False):
                return body


def _too_large(max_bytes: int) -> Response:
    detail = f"a body may have {max_bytes} bytes"
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=_CLOSE)


def _measured(scope: Scope) -> tuple[int, int]:
    """The bytes of the headers as they were written, with their colons and line ends, and the
    target; and how long the body says that it is, 0 where it does not say.
    """
    size = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    declared = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value) + 4
        if name == b"content-length" and value.isdigit():
            declared = int(value)
    return size, declared


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replayed() -> Message:
        nonlocal told
        if told:
            return await receive()  # the client's disconnect
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_OWN = frozenset(name for name, _ in _SECURITY)


def secured(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """`headers`, whose names are in lower case, with what a browser has to know."""
    whole = list(headers)
    own = {name for name, _ in whole if name in _OWN}
    if not own:
        return whole + _SECURITY
    return whole + [header for header in _SECURITY if header[0] not in own]


class SecurityHeaders:
    """Add what a browser has to know to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = secured(message.get("headers", ()))
            return send(message)

        return self._app(scope, receive, send_with_headers)
