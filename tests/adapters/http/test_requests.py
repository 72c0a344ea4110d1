"""The application behind a connection: told everything, never in the way."""

from __future__ import annotations

from typing import cast

import pytest
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendEvent, Scope

from adapters.http.connection import protocol_config
from adapters.http.requests import Requests

CHUNK: ASGIReceiveEvent = {"type": "http.request", "body": b"x", "more_body": True}
HTTP = cast("Scope", {"type": "http"})
WEBSOCKET = cast("Scope", {"type": "websocket"})


class App:
    """An application that keeps what it hears, until its client goes or `leaves_after` events."""

    def __init__(self, *, leaves_after: int | None = None) -> None:
        self.heard: list[str] = []
        self._leaves_after = leaves_after

    async def __call__(self, _scope: object, receive: ASGIReceiveCallable, _send: object) -> None:
        while self._leaves_after is None or len(self.heard) < self._leaves_after:
            self.heard.append((await receive())["type"])
            if self.heard[-1].endswith("disconnect"):
                return


class Sent:
    """What the application told the protocol; `None` is its end."""

    def __init__(self) -> None:
        self.events: list[ASGISendEvent | None] = []

    async def __call__(self, event: ASGISendEvent | None) -> None:
        self.events.append(event)


async def test_an_application_hears_everything_and_says_when_it_has_ended() -> None:
    app, sent = App(), Sent()
    async with trio.open_nursery() as nursery:
        put = await Requests(nursery).spawn_app(ASGIWrapper(app), protocol_config(), HTTP, sent)
        await put(CHUNK)
        await put({"type": "http.disconnect"})
    assert app.heard == ["http.request", "http.disconnect"]
    assert sent.events == [None]


async def test_an_application_that_has_left_blocks_nobody() -> None:
    app = App(leaves_after=1)
    async with trio.open_nursery() as nursery:
        put = await Requests(nursery).spawn_app(ASGIWrapper(app), protocol_config(), HTTP, Sent())
        with trio.fail_after(1):
            for _ in range(100):
                await put(CHUNK)
            await put({"type": "http.disconnect"})
    assert app.heard == ["http.request"]


async def test_a_disconnect_passes_a_queue_that_nobody_empties() -> None:
    async def deaf(*_: object) -> None:
        await trio.sleep(1)

    config = protocol_config()
    async with trio.open_nursery() as nursery:
        put = await Requests(nursery).spawn_app(ASGIWrapper(deaf), config, HTTP, Sent())
        with trio.fail_after(0.5):
            for _ in range(config.max_app_queue_size):
                await put(CHUNK)
            await put({"type": "http.disconnect"})


@pytest.mark.parametrize(
    ("scope", "farewell"), [(HTTP, "http.disconnect"), (WEBSOCKET, "websocket.disconnect")]
)
async def test_the_end_of_the_connection_reaches_an_application_that_was_not_told(
    scope: Scope, farewell: str
) -> None:
    app = App()
    async with trio.open_nursery() as nursery:
        requests = Requests(nursery)
        await requests.spawn_app(ASGIWrapper(app), protocol_config(), scope, Sent())
        await trio.sleep(1)
        requests.end()
    assert app.heard == [farewell]


async def test_what_runs_beside_ends_with_the_connection() -> None:
    async with trio.open_nursery() as nursery:
        requests = Requests(nursery)
        requests.spawn(trio.sleep, 1_000)
        requests.spawn(trio.sleep, 1_000)
        await trio.sleep(1)
        requests.end()
    assert trio.current_time() < 1_000


async def test_a_crash_is_heard_by_whoever_runs_the_connection() -> None:
    async def crash(*_: object) -> None:
        raise KeyError("bug")

    sent = Sent()
    with pytest.RaisesGroup(KeyError):
        async with trio.open_nursery() as nursery:
            await Requests(nursery).spawn_app(ASGIWrapper(crash), protocol_config(), HTTP, sent)
    assert sent.events == [None], "the protocol answers 500 if nothing was answered yet"
