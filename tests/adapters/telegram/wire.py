"""Servers that answer a bot with whatever bytes a test wants."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import trio

from adapters.sandbox.server import Request, Response, serve, utc_now
from adapters.sandbox.telegram_parameters import read as parameters_of
from adapters.telegram.bot import TrioBot, connected

TOKEN = "4200000042:AAcanary-canary-canary-canary-canary"


DONE: object = True
"""What most methods answer."""


class Recorder:
    """Answers every method with `result` and remembers what it was asked."""

    head_bytes_max = 65_536

    def __init__(self, result: object = DONE) -> None:
        self.result = result
        self.now: Callable[[], datetime] = utc_now
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, request: Request) -> Response:
        method = request.path.rpartition("/")[2]
        self.asked.append((method, dict(parameters_of(request))))
        return Response.of({"ok": True, "result": self.result})


@asynccontextmanager
async def bot_of(app: Recorder) -> AsyncIterator[TrioBot]:
    """A bot whose server is `app`."""
    async with serve(app) as url, connected(token=TOKEN, api_url=url) as bot:
        yield bot


Conversation = Callable[[trio.SocketStream], Awaitable[None]]


class raw:  # noqa: N801 - reads like a function: `async with raw(answer) as url`
    """A server that reads one request and leaves the connection to `answer`; gives its URL.

    An error inside the block comes out as it is, not wrapped in an exception group.
    """

    def __init__(self, answer: Conversation) -> None:
        self._answer, self._nursery = answer, trio.open_nursery()

    async def __aenter__(self) -> str:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery = await self._nursery.__aenter__()
        nursery.start_soon(trio.serve_listeners, self._handle, listeners)
        self._scope = nursery.cancel_scope
        return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"

    async def __aexit__(self, *_error: object) -> None:
        self._scope.cancel()
        await self._nursery.__aexit__(None, None, None)

    async def _handle(self, stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await _request(stream)
                await self._answer(stream)
            except trio.BrokenResourceError:
                pass  # the bot hung up


def says(content: bytes) -> Conversation:
    """An answer of exactly these bytes, after which the server hangs up."""

    async def answer(stream: trio.SocketStream) -> None:
        await stream.send_all(content)

    return answer


def http(
    status: int, body: bytes | object, headers: str = "", *, length: int | None = None
) -> bytes:
    """An answer as bytes; `body` becomes JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = len(content) if length is None else length
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode() + content


async def _request(stream: trio.SocketStream) -> None:
    """Read one request to its end."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += await _some(stream)
    head, _, body = seen.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length:
        body += await _some(stream)


async def _some(stream: trio.SocketStream) -> bytes:
    received = await stream.receive_some()
    if not received:
        raise trio.BrokenResourceError
    return bytes(received)
