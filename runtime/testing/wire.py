"""Bytes on their way from one host to another, in virtual time: the physics of the network.

A `Way` is what lies between two hosts in one direction: how long bytes take, and whether they
get through. A `Flow` is one direction of one connection on it. Nothing here runs by itself:
a flow knows when each chunk arrives, and moves the deadline of the task that waits for it.
"""

from __future__ import annotations

import errno
import math
import os
import random
from collections import deque

import trio

IN_FLIGHT_BYTES_MAX = 64 * 1024
"""What one direction of a connection holds, on the way or unread; then its sender waits."""

_END = b""
"""Among the chunks: the sender has closed its direction (FIN)."""


def os_error(number: int) -> OSError:
    """What the kernel would raise: `ConnectionResetError` for ECONNRESET, and so on."""
    return OSError(number, os.strerror(number))


class Gate:
    """Where one task waits for one thing."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: trio.CancelScope | None = None

    async def wait(self, until: float = math.inf) -> None:
        """Wait until it is opened, or for virtual time `until`; it may also open for nothing.

        Raises `trio.BusyResourceError` if another task waits here.
        """
        if self._waiting is not None:
            raise trio.BusyResourceError("another task is already doing this with this socket")
        self._waiting = waiting = trio.CancelScope(deadline=until)
        try:
            with waiting:
                await trio.sleep_forever()
        finally:
            self._waiting = None

    def open_at(self, when: float) -> None:
        """Let the task that waits go on at `when`, if not sooner."""
        waiting = self._waiting
        if waiting is not None and when < waiting.deadline:
            waiting.deadline = when

    def open(self) -> None:
        """Let the task that waits go on now."""
        if self._waiting is not None:
            self._waiting.cancel()


class Way:
    """From one host to another, one way; the network sets its qualities."""

    __slots__ = (
        "_free_at",
        "_luck",
        "bytes_per_second",
        "connects_lost",
        "cut",
        "dst",
        "label",
        "seconds",
        "src",
    )

    def __init__(self, src: str, dst: str, luck: random.Random) -> None:
        self.src, self.dst = src, dst
        self.label = f"{src}->{dst}"
        self.seconds = (0.0, 0.0)
        """The least and the most that a chunk is under way."""
        self.bytes_per_second = math.inf
        self.connects_lost = 0.0
        """The share of attempts to connect whose first packet is lost."""
        self.cut = False
        self._luck = luck
        self._free_at = 0.0

    def arrival(self, size: int, leaving: float) -> float:
        """When `size` bytes that leave at `leaving` are there; never (inf) while it is cut."""
        if self.cut:
            return math.inf
        if size and self.bytes_per_second != math.inf:
            leaving = max(leaving, self._free_at) + size / self.bytes_per_second
            self._free_at = leaving
        low, high = self.seconds
        return leaving + low + (high - low) * self._luck.random()

    def loses_connect(self) -> bool:
        """Whether a packet that opens a connection is lost now."""
        lost = self.connects_lost
        return self.cut or (lost > 0 and self._luck.random() < lost)


class Flow:
    """One direction of a connection: what was sent, in order, each chunk with its arrival."""

    __slots__ = (
        "_chunks",
        "_deaf",
        "_last",
        "_reader",
        "_size",
        "_told",
        "back",
        "broken",
        "ended",
        "reset_at",
        "way",
        "writer",
    )

    def __init__(self, way: Way) -> None:
        self.way = way
        self.ended = False
        """Whether its sender has closed it."""
        self.back = self
        """The other direction of the connection, once there is one."""
        self._chunks: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._last = 0.0
        self.broken = False
        """Whether a reset is under way, or there."""
        self.reset_at = math.inf
        """When it is there."""
        self.writer = Gate()
        self._told = False  # an error is reported once, as by the kernel
        self._deaf = False  # nobody will read any more
        self._reader = Gate()

    # The sender's side

    def room(self) -> int:
        """How many bytes may be sent now. Raises what a reset or a closed direction makes of it."""
        if self.back.reset_at <= trio.current_time():
            if not self.back.ended:  # whoever has closed before has no more to say
                self.back.report()
            raise os_error(errno.EPIPE)
        if self.ended:
            raise os_error(errno.EPIPE)
        return IN_FLIGHT_BYTES_MAX - self._size

    async def wait_for_room(self) -> None:
        """Wait until `room` may have changed."""
        await self.writer.wait(self.back.reset_at)

    def send(self, data: bytes) -> None:
        """Let `data` leave now; at most as much as there is room for."""
        arrival = max(self._last, self.way.arrival(len(data), trio.current_time()))
        self._size += len(data)
        self._append(arrival, data)
        self._answer_for_nobody(arrival)

    def end(self) -> None:
        """Close this direction: behind all that was sent, its reader finds the end."""
        if not self.ended and not self.broken and not self.back.broken:
            self.ended = True
            self._append(max(self._last, self.way.arrival(0, trio.current_time())), _END)

    def reset(self, *, leaving: float) -> None:
        """Break the connection: behind all that was sent, its reader finds the error."""
        if not self.broken:
            self.broken = True
            self._reset_comes(max(self._last, self.way.arrival(0, leaving)))

    def _append(self, arrival: float, chunk: bytes) -> None:
        self._last = arrival
        self._chunks.append((arrival, chunk))
        self._reader.open_at(arrival)

    def _reset_comes(self, arrival: float) -> None:
        self._last = self.reset_at = arrival
        self._reader.open_at(arrival)
        self.back.writer.open_at(arrival)

    # The reader's side

    def readable(self) -> bool:
        """Whether `take` has an answer."""
        return self._next() <= trio.current_time()

    async def wait_readable(self) -> None:
        """Wait until `take` may have an answer."""
        await self._reader.wait(self._next())

    def take(self, size: int) -> bytes | None:
        """Up to `size` bytes of what has arrived, b"" at the end; None if nothing has.

        Raises `ConnectionResetError`, once.
        """
        now = trio.current_time()
        if not self._chunks or self._chunks[0][0] > now:
            if self.reset_at > now:
                return None
            self.report()
            return _END
        arrival, chunk = self._chunks[0]
        if len(chunk) > size:
            self._chunks[0] = (arrival, chunk[size:])
            chunk = chunk[:size]
        elif chunk:
            self._chunks.popleft()
        self._size -= len(chunk)
        self.writer.open()
        return chunk

    def _next(self) -> float:
        return self._chunks[0][0] if self._chunks else self.reset_at

    def report(self) -> None:
        """Raise `ConnectionResetError`, once."""
        if not self._told:
            self._told = True
            raise os_error(errno.ECONNRESET)

    def deafen(self) -> float:
        """Nobody will read any more. Returns when the first byte that nobody has read arrives
        (which may be in the past); inf if all were read, or if they are never to arrive.
        """
        self._deaf = True
        self._reader.open()
        return next((arrival for arrival, chunk in self._chunks if chunk), math.inf)

    def _answer_for_nobody(self, arrival: float) -> None:
        """A closed socket answers bytes by a reset."""
        if self._deaf and arrival != math.inf:
            self.back.reset(leaving=arrival)

    # Faults

    def stall(self) -> None:
        """What has not arrived yet will not, until `resume`."""
        now = trio.current_time()
        for index, (arrival, chunk) in enumerate(self._chunks):
            if arrival > now:
                self._chunks[index] = (math.inf, chunk)
        if self.reset_at > now:
            self.reset_at = math.inf
        if self._last > now:
            self._last = math.inf

    def resume(self) -> None:
        """Send again, in the same order, what was stalled."""
        if self._last != math.inf:
            return
        now = trio.current_time()
        last = now
        for index, (arrival, chunk) in enumerate(self._chunks):
            if arrival == math.inf:
                last = max(last, self.way.arrival(len(chunk), now))
                self._chunks[index] = (last, chunk)
                if chunk:
                    self._answer_for_nobody(last)
        self._last = last
        if self.broken and self.reset_at == math.inf:
            self._reset_comes(max(last, self.way.arrival(0, now)))
        self._reader.open_at(self._next())

    def snap(self) -> None:
        """A reset comes from in between, now: what was on the way is lost."""
        now = trio.current_time()
        while self._chunks and self._chunks[-1][0] > now:
            self._size -= len(self._chunks.pop()[1])
        self.broken = True
        if self.reset_at > now:
            self._reset_comes(now)


def leave(outward: Flow, *, abruptly: bool) -> None:
    """What the kernel does with a connection whose socket is closed.

    It says so behind all that was sent: by the end, or by a reset if `abruptly` or if there are
    bytes that nobody has read, or as soon as some arrive.
    """
    now = trio.current_time()
    unread = outward.back.deafen()
    outward.writer.open()
    if not abruptly and unread > now:
        outward.end()
    if abruptly or unread < math.inf:
        outward.reset(leaving=now if abruptly else max(now, unread))
