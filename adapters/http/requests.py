"""The requests of one connection: each runs the application in a task of its own.

This takes the place of hypercorn's `TaskGroup`. Unlike that one it never blocks on an application
that has stopped reading, tells every application that its client has gone, and lets a crash end
the connection, so that the actor hears of it, instead of logging it here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import trio
from hypercorn.config import Config
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, Scope

ABNORMAL_CLOSURE = 1006  # RFC 6455 7.4.1: the connection went away without a word

Send = Callable[[ASGISendEvent | None], Awaitable[None]]
Put = Callable[[ASGIReceiveEvent], Awaitable[None]]


class Requests:
    """Runs the application for whatever the protocol has read."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._open: set[trio.MemorySendChannel[ASGIReceiveEvent]] = set()
        self._beside: list[trio.CancelScope] = []

    def end(self) -> None:
        """Let every application know that its client has gone, and stop what ran beside it.

        hypercorn tells most applications, but not the one whose WebSocket it has just refused,
        and lets its pings sleep on.
        """
        for scope in self._beside:
            scope.cancel()
        for give in self._open:
            give.close()

    async def spawn_app(self, app: AppWrapper, config: Config, scope: Scope, send: Send) -> Put:
        give, take = trio.open_memory_channel[ASGIReceiveEvent](config.max_app_queue_size)
        farewell: ASGIReceiveEvent = {"type": "http.disconnect"}
        if scope["type"] == "websocket":
            farewell = {"type": "websocket.disconnect", "code": ABNORMAL_CLOSURE}
        self._open.add(give)

        async def put(event: ASGIReceiveEvent) -> None:
            nonlocal farewell
            if event["type"] in {"http.disconnect", "websocket.disconnect"}:
                farewell = event
                give.close()
                return
            # Either end may be closed: the application has finished, or the client has gone.
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await give.send(event)

        async def receive() -> ASGIReceiveEvent:
            try:
                return await take.receive()
            except trio.EndOfChannel:
                return farewell

        async def run() -> None:
            try:
                with take:
                    await app(scope, receive, send, trio.to_thread.run_sync, trio.from_thread.run)
            finally:
                self._open.discard(give)
                await send(None)

        self._nursery.start_soon(run, name="http.request")
        return put

    def spawn(self, func: Callable[..., Awaitable[Any]], *args: object) -> None:
        scope = trio.CancelScope()
        self._beside.append(scope)

        async def beside() -> None:
            with scope:
                await func(*args)

        self._nursery.start_soon(beside)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(  # hypercorn's own signature
        self,
        exc_type: type,  # noqa: PYI036
        exc_value: BaseException,  # noqa: PYI036
        tb: TracebackType,  # noqa: PYI036
    ) -> None:
        """The nursery belongs to the connection."""
