"""One WebSocket: ASGI on one side, wsproto's events on the other.

The application runs in the connection's task; reading, and a ping now and then that keeps the
line open and finds out when nobody is there, run beside it and end with it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import h11
import trio
import wsproto
from starlette.types import ASGIApp, Message
from wsproto import events
from wsproto.frame_protocol import CloseReason

from adapters.http.exchange import Addresses, Wire, scope_of
from adapters.http.problems import problem

MESSAGE_MAX_BYTES = 64 * 1024
"""Of one message from the client, however many frames it comes in."""
MESSAGES_WAITING_MAX = 16
"""Messages that the application has not taken yet; the client waits behind them."""
PING_SECONDS = 20.0


def asks_for_websocket(head: h11.Request) -> bool:
    """Whether this request wants to become one."""
    return head.method == b"GET" and any(
        name == b"upgrade" and value.lower() == b"websocket" for name, value in head.headers
    )


class Conversation:
    """One WebSocket from its handshake to its end."""

    def __init__(
        self, wire: Wire, head: h11.Request, http: h11.Connection, addresses: Addresses
    ) -> None:
        self._wire, self._head, self._addresses = wire, head, addresses
        self._early = bytes(http.trailing_data[0])
        self._protocol = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        self._give, self._take = trio.open_memory_channel[Message](MESSAGES_WAITING_MAX)
        self._beside: trio.Nursery
        self._parts: list[Any] = []
        """Of a message that is not complete yet: all text or all bytes."""
        self._code = int(CloseReason.ABNORMAL_CLOSURE)
        self._open = False

    async def run(self, app: ASGIApp) -> None:
        """Let the application talk; raises what it raises."""
        asked = self._handshake()
        if asked is None:
            await self._refuse(HTTPStatus.BAD_REQUEST)
            return
        scope = scope_of(self._head, self._addresses, "websocket")
        scope["subprotocols"] = asked.subprotocols
        self._give.send_nowait({"type": "websocket.connect"})
        async with trio.open_nursery() as beside:
            self._beside = beside
            try:
                await app(scope, self._receive, self._send)
            finally:
                beside.cancel_scope.cancel()
        if self._open:
            await self._say(events.CloseConnection(code=CloseReason.NORMAL_CLOSURE))

    def _handshake(self) -> events.Request | None:
        try:
            self._protocol.initiate_upgrade_connection(list(self._head.headers), self._target)
        except (wsproto.utilities.RemoteProtocolError, UnicodeDecodeError):
            return None
        asked = next(self._protocol.events(), None)
        return asked if isinstance(asked, events.Request) else None

    @property
    def _target(self) -> str:
        return self._head.target.decode("ascii")

    # The application's side

    async def _receive(self) -> Message:
        try:
            return await self._take.receive()
        except trio.EndOfChannel:
            return {"type": "websocket.disconnect", "code": self._code}

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                await self._accept(message)
            case "websocket.send" if self._open:
                text = message.get("text")
                await self._say(
                    events.BytesMessage(data=message["bytes"])
                    if text is None
                    else events.TextMessage(data=text)
                )
            case "websocket.close" if self._open:
                await self._say(
                    events.CloseConnection(
                        code=message.get("code", CloseReason.NORMAL_CLOSURE),
                        reason=message.get("reason"),
                    )
                )
            case "websocket.close":
                await self._refuse(HTTPStatus.FORBIDDEN)
            case _:
                pass  # the client has gone

    async def _accept(self, message: Message) -> None:
        await self._say(
            events.AcceptConnection(
                subprotocol=message.get("subprotocol"),
                extra_headers=list(message.get("headers", ())),
            )
        )
        self._open = True
        self._beside.start_soon(self._listen)
        self._beside.start_soon(self._ping)

    async def _say(self, event: wsproto.events.Event) -> None:
        try:
            data = self._protocol.send(event)
        except wsproto.utilities.LocalProtocolError:
            return  # the other side has closed meanwhile
        if isinstance(event, events.CloseConnection):
            self._open = False
        await self._wire.write(data)

    async def _refuse(self, status: HTTPStatus) -> None:
        """Answer with plain HTTP: there will be no WebSocket."""
        answer = problem(status, headers={"connection": "close"})
        lines = [f"HTTP/1.1 {int(status)} ".encode("ascii")]
        lines += [name + b": " + value for name, value in answer.raw_headers]
        await self._wire.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))

    # The client's side

    async def _listen(self) -> None:
        with self._give:
            data = self._early
            while self._open:
                if data and not await self._hear(data):
                    break
                data = await self._wire.read()
                if not data:
                    break
        self._open = False

    async def _hear(self, data: bytes) -> bool:
        """Take in what came; False when it is the end."""
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                if not await self._take_in(event):
                    return False
        except wsproto.utilities.RemoteProtocolError as error:
            self._code = int(CloseReason.PROTOCOL_ERROR)
            await self._say(error.event_hint or events.CloseConnection(code=self._code))
            return False
        return True

    async def _take_in(self, event: Any) -> bool:  # noqa: ANN401 - wsproto's union of events
        if isinstance(event, events.Ping):
            await self._say(event.response())
        elif isinstance(event, events.CloseConnection):
            self._code = int(event.code)
            await self._say(event.response())
            return False
        elif isinstance(event, events.Message):
            return await self._take_message(event)
        return True

    async def _take_message(self, event: events.Message[Any]) -> bool:
        self._parts.append(event.data)
        if sum(len(part) for part in self._parts) > MESSAGE_MAX_BYTES:
            self._code = int(CloseReason.MESSAGE_TOO_BIG)
            await self._say(events.CloseConnection(code=self._code))
            return False
        if event.message_finished:
            whole, self._parts = event.data[:0].join(self._parts), []
            key = "text" if isinstance(whole, str) else "bytes"
            data = whole if isinstance(whole, str) else bytes(whole)
            await self._give.send({"type": "websocket.receive", key: data})
        return True

    async def _ping(self) -> None:
        while True:
            await trio.sleep(PING_SECONDS)
            await self._say(events.Ping())
