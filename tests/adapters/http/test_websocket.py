"""WebSockets: they talk, they are refused in words, and rude ones end by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from wsproto import ConnectionType, WSConnection
from wsproto import events as ws

from adapters.http.app import application
from adapters.http.websocket import MESSAGE_MAX_BYTES, PING_SECONDS
from tests.adapters.http.wire import Served, connect, exchange, read_all, serving, status_of

HANDSHAKE = (
    b"GET /parrot HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Birds:
    """Applications, and how their conversations ended."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    async def parrot(self, websocket: WebSocket) -> None:
        await websocket.accept(subprotocol=(websocket.scope["subprotocols"] or [None])[0])
        try:
            while True:
                event = await websocket.receive()
                if event["type"] != "websocket.receive":
                    self.codes.append(event["code"])
                    return
                if event.get("text") is not None:
                    await websocket.send_text(event["text"])
                else:
                    await websocket.send_bytes(event["bytes"])
        except WebSocketDisconnect as gone:
            self.codes.append(gone.code)

    async def owl(self, websocket: WebSocket) -> None:
        await websocket.close()

    async def swallow(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("bye")

    async def crow(self, websocket: WebSocket) -> None:
        await websocket.accept()
        raise KeyError("a secret detail")

    def served(self) -> list[WebSocketRoute]:
        names = ("parrot", "owl", "swallow", "crow")
        return [WebSocketRoute(f"/{name}", getattr(self, name)) for name in names]


class Talker:
    """A client that speaks through wsproto."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream, self.protocol = stream, WSConnection(ConnectionType.CLIENT)
        self._heard: list[ws.Event] = []

    async def says(self, event: ws.Event) -> None:
        await self.stream.send_all(self.protocol.send(event))

    async def hears(self) -> ws.Event:
        while not self._heard:
            data = await self.stream.receive_some(65_536)
            assert data, "the server has closed"
            self.protocol.receive_data(data)
            self._heard += self.protocol.events()
        return self._heard.pop(0)


@asynccontextmanager
async def talking(birds: Birds, path: str = "/parrot") -> AsyncIterator[tuple[Served, Talker]]:
    async with serving(application(birds.served())) as served, await connect(served.port) as stream:
        talker = Talker(stream)
        await talker.says(ws.Request(host="a", target=path, subprotocols=["squawk"]))
        yield served, talker


async def test_it_talks_in_text_and_in_bytes() -> None:
    birds = Birds()
    async with talking(birds) as (served, talker):
        accepted = await talker.hears()
        assert isinstance(accepted, ws.AcceptConnection)
        assert accepted.subprotocol == "squawk"
        await talker.says(ws.TextMessage(data="полли"))
        said = await talker.hears()
        assert isinstance(said, ws.TextMessage)
        assert said.data == "полли"
        await talker.says(ws.BytesMessage(data=b"\x00\xff"))
        answer = await talker.hears()
        assert isinstance(answer, ws.BytesMessage)
        assert bytes(answer.data) == b"\x00\xff"
        await talker.says(ws.CloseConnection(code=1000))
        assert isinstance(await talker.hears(), ws.CloseConnection)
        await served.until(lambda: served.ended == 1)
    assert birds.codes == [1000]
    assert served.errors == []


async def test_whoever_listens_in_silence_keeps_nobody_waiting() -> None:
    """When connections are short, those that owe us something go."""
    async with talking(Birds()) as (served, talker):
        await talker.hears()
        await trio.sleep(PING_SECONDS / 2)
        assert served.connections[0].owed_since is None


async def test_a_message_in_many_frames_is_one_message() -> None:
    async with talking(Birds()) as (_, talker):
        await talker.hears()
        for number, part in enumerate(("po", "ll", "y")):
            await talker.says(ws.TextMessage(data=part, message_finished=number == 2))
        said = await talker.hears()
        assert isinstance(said, ws.TextMessage)
        assert said.data == "polly"


async def test_a_message_without_end_ends_the_conversation() -> None:
    birds = Birds()
    async with talking(birds) as (served, talker):
        await talker.hears()
        for _ in range(MESSAGE_MAX_BYTES // 10_000 + 1):
            await talker.says(ws.TextMessage(data="x" * 10_000, message_finished=False))
        closed = await talker.hears()
        assert isinstance(closed, ws.CloseConnection)
        assert closed.code == 1009
        await served.until(lambda: served.ended == 1)
    assert birds.codes == [1009]


async def test_a_ping_is_answered_and_the_server_pings_too() -> None:
    async with talking(Birds()) as (_, talker):
        await talker.hears()
        await talker.says(ws.Ping(payload=b"there?"))
        pong = await talker.hears()
        assert isinstance(pong, ws.Pong)
        assert bytes(pong.payload) == b"there?"
        asked_at = trio.current_time()
        assert isinstance(await talker.hears(), ws.Ping)
        assert trio.current_time() - asked_at <= PING_SECONDS


async def test_a_refusal_is_plain_http() -> None:
    async with serving(application(Birds().served())) as served:
        refused = await exchange(served.port, HANDSHAKE.replace(b"/parrot", b"/owl"))
        unknown = await exchange(served.port, HANDSHAKE.replace(b"/parrot", b"/nowhere"))
        broken = await exchange(served.port, HANDSHAKE.replace(b"Version: 13", b"Version: 7"))
    assert (status_of(refused), status_of(unknown), status_of(broken)) == (403, 403, 400)
    assert served.errors == []


async def test_an_application_that_has_said_all_closes() -> None:
    async with talking(Birds(), "/swallow") as (served, talker):
        await talker.hears()
        assert isinstance(await talker.hears(), ws.TextMessage)
        closed = await talker.hears()
        assert isinstance(closed, ws.CloseConnection)
        assert closed.code == 1000
        await served.until(lambda: served.ended == 1)
    assert served.errors == []


async def test_a_crash_ends_its_own_conversation_without_a_trace() -> None:
    async with serving(application(Birds().served())) as served:
        said = await exchange(served.port, HANDSHAKE.replace(b"/parrot", b"/crow"))
        assert b"secret" not in said
        await served.until(lambda: bool(served.errors))
    (error,) = served.errors
    assert KeyError in {type(part) for part in _leaves(error)}


@pytest.mark.parametrize(
    "frames",
    [b"\xff\xff\xff", b"\x81\x05hello", b"\x83\x80abcd", b"\x81\x82abcd\x9e\x9d", b"\x00\x80abcd"],
    ids=["reserved bits", "no mask", "reserved opcode", "no utf-8", "continues nothing"],
)
async def test_nonsense_ends_its_own_conversation(frames: bytes) -> None:
    birds = Birds()
    async with serving(application(birds.served())) as served:
        async with await connect(served.port) as stream:
            await stream.send_all(HANDSHAKE + frames)
            assert (await read_all(stream)).startswith(b"HTTP/1.1 101 ")
        await served.until(lambda: served.ended == 1)
    assert served.errors == []
    assert birds.codes in ([1002], [1007])


async def test_a_client_that_vanishes_is_heard() -> None:
    birds = Birds()
    async with talking(birds) as (served, talker):
        await talker.hears()
        await talker.stream.aclose()
        await served.until(lambda: served.ended == 1)
    assert birds.codes == [1006]
    assert served.errors == []


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]
