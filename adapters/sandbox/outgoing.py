"""One POST from a sandbox to whoever listens for its webhooks: HTTP/1.1 by h11 on trio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11
import trio

READ_BYTES = 65_536
PLAIN_PORT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What is posted; header names in lower case. `Host` and `Content-Length` are added."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The head of what came back; header names in lower case. Redirects are not followed."""

    status: int
    headers: Mapping[str, str]


async def post(webhook: Webhook) -> Answer | None:
    """Carry it there over a connection of its own; None when no whole answer came back.

    Waits as long as the other side does. Raises ValueError for a URL that is not `http://`.
    """
    place = urlsplit(webhook.url)
    if place.scheme != "http" or not place.hostname:
        raise ValueError(f"a sandbox posts to http://host[:port]/..., not to {webhook.url!r}")
    head = h11.Request(
        method="POST",
        target=(place.path or "/") + (f"?{place.query}" if place.query else ""),
        headers=[
            ("host", place.netloc),
            ("content-length", str(len(webhook.body))),
            ("connection", "close"),
            *webhook.headers.items(),
        ],
    )
    try:
        stream = await trio.open_tcp_stream(place.hostname, place.port or PLAIN_PORT)
        async with stream:
            return await _exchange(stream, head, webhook.body)
    except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError):
        return None


async def _exchange(stream: trio.SocketStream, head: h11.Request, body: bytes) -> Answer:
    http = h11.Connection(h11.CLIENT)
    events: list[h11.Event] = [head, h11.Data(data=body), h11.EndOfMessage()]
    await stream.send_all(b"".join(http.send(event) or b"" for event in events))
    answer: h11.Response | None = None
    while not isinstance(event := http.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some(READ_BYTES)))
        elif isinstance(event, h11.Response):
            answer = event
        elif isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("hung up without an answer")
    if answer is None:
        raise h11.RemoteProtocolError("a body without a head")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return Answer(status=answer.status_code, headers=headers)
