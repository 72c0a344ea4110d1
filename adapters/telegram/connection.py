"""One connection of HTTP/1.1, by h11 on trio: one request after the other.

Not by httpx, whose layers cost four times as much processor time as the exchange itself
(docs/adr/0020-telegram-on-h11.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import h11
import trio

KEEPALIVE_SECONDS = 20.0
"""A connection idle for longer is not used again: the other side may be about to close it."""
HEAD_BYTES_MAX = 100 * 1024
_READ_BYTES = 64 * 1024
_WRITE_BYTES = 64 * 1024
"""What has to leave within one time-out, however large the whole is."""


class Interrupted(Exception):  # noqa: N818 - a verdict
    """The request has left, perhaps in part, and no whole answer has come."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for one part of a request to leave, for one of its answer to come, and at
    which moment of trio's clock it is too late for all of it.
    """

    write_seconds: float
    read_seconds: float
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole one, whatever its status."""

    status: int
    content: bytes
    retry_after: str | None


class Connection:
    """Over `stream`, which ends in `socket`."""

    def __init__(self, stream: trio.abc.Stream, socket: trio.SocketStream) -> None:
        self._stream, self._socket = stream, socket
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX)
        self._used_at = trio.current_time()
        self._broken = self._sent = False

    @property
    def idle(self) -> bool:
        """Whether the last exchange came to its end, and another one may begin: not when more came
        with its answer, which would be taken for that of the next.
        """
        waits = self._http.our_state is h11.IDLE and not self._http.trailing_data[0]
        return waits and not self._broken

    def usable(self) -> bool:
        """Whether a request may be sent: not if the server has hung up, or may do so any time."""
        quiet_seconds = trio.current_time() - self._used_at
        # Nobody has asked: what comes all the same is the end.
        return quiet_seconds < KEEPALIVE_SECONDS and not self._socket.socket.is_readable()

    async def exchange(
        self, head: h11.Request, body: bytes, *, patience: Patience, bytes_max: int
    ) -> Answer:
        """Send a request, and read its answer of at most `bytes_max`. Raises `Interrupted`."""
        try:
            with trio.CancelScope() as waiting:
                await self._send(head, body, waiting, patience)
                answer = await self._receive(waiting, patience, bytes_max)
                if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                    self._http.start_next_cycle()
                    self._used_at = trio.current_time()
                return answer
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError) as error:
            raise Interrupted(f"{type(error).__name__}: {error}") from None
        if waiting.deadline == patience.until:
            raise Interrupted("TooSlowError")
        raise Interrupted("ReadTimeout" if self._sent else "WriteTimeout")

    async def aclose(self) -> None:
        """Without a word: nobody is under way."""
        await trio.aclose_forcefully(self._stream)

    async def _send(
        self, head: h11.Request, body: bytes, waiting: trio.CancelScope, patience: Patience
    ) -> None:
        events: Sequence[h11.Event] = (head, h11.Data(data=body), h11.EndOfMessage())
        data = b"".join([self._http.send(event) or b"" for event in events])
        self._sent = False
        try:
            for start in range(0, len(data), _WRITE_BYTES):
                _allow(waiting, patience.write_seconds, patience.until)
                await self._stream.send_all(data[start : start + _WRITE_BYTES])
        except trio.BrokenResourceError:
            # A server may refuse before it has read everything: its answer counts.
            self._broken = True
        self._sent = True

    async def _receive(
        self, waiting: trio.CancelScope, patience: Patience, bytes_max: int
    ) -> Answer:
        content, head = bytearray(), None
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                _allow(waiting, patience.read_seconds, patience.until)
                data = bytes(await self._stream.receive_some(_READ_BYTES))
                if not data and head is None:
                    raise Interrupted("the server hung up without an answer")
                self._http.receive_data(data)
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > bytes_max:
                    raise Interrupted(f"an answer of more than {bytes_max} bytes")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Answer(head.status_code, bytes(content), _retry_after(head))
            elif not isinstance(event, h11.InformationalResponse):
                raise Interrupted(f"an answer of another kind: {event}")


def _allow(waiting: trio.CancelScope, seconds: float, until: float) -> None:
    """Let `waiting` end in so many seconds from now, and not after `until`."""
    waiting.deadline = min(trio.current_time() + seconds, until)


def _retry_after(head: h11.Response) -> str | None:
    return next(
        (value.decode("latin-1") for name, value in head.headers if name == b"retry-after"), None
    )
