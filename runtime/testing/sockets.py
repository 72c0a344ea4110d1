"""Sockets of the virtual network: what trio, and the libraries on it, take for real TCP.

They do what the code on them relies on, with the errors of Linux. Whatever they do not model
raises `NotModelledError`; no real socket is ever opened.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import math
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, NoReturn, Self

import trio
from trio import socket as tsocket

from runtime.testing.hosts import WILDCARD, Address, Backlog, Host, closed, is_loopback
from runtime.testing.wire import Flow, leave, os_error

CONNECT_RETRY_SECONDS = 1.0
"""A lost attempt to connect is repeated after that, then after twice as long, and so on."""
CONNECT_ATTEMPTS = 7
"""Then the kernel gives up: after 127 s, if every attempt is lost."""
VIRTUAL_FILENO_MIN = 1 << 30
"""No real file has such a number: who takes it to the kernel gets EBADF."""
BACKLOG = 128

_LINGER = (tsocket.SOL_SOCKET, tsocket.SO_LINGER)
_NOT_AT_ALL = struct.pack("ii", 1, 0)
_OPTIONS = {
    (tsocket.SOL_SOCKET, tsocket.SO_REUSEADDR),
    (tsocket.SOL_SOCKET, tsocket.SO_KEEPALIVE),
    _LINGER,
    (tsocket.IPPROTO_TCP, tsocket.TCP_NODELAY),
    (tsocket.IPPROTO_IPV6, tsocket.IPV6_V6ONLY),
}
_OPTIONS |= {
    (tsocket.IPPROTO_TCP, getattr(tsocket, name))
    for name in ("TCP_NOTSENT_LOWAT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
    if hasattr(tsocket, name)
}


class NotModelledError(NotImplementedError):
    """The virtual network cannot do this; the text names what was tried."""


def _not_modelled(what: str) -> NoReturn:
    raise NotModelledError(f"the virtual network does not model {what}")


_filenos = itertools.count(VIRTUAL_FILENO_MIN)


class VirtualSocket(tsocket.SocketType):
    """A TCP socket of a host."""

    def __init__(self, host: Host, family: Any, proto: int) -> None:
        super().__init__()
        self.host = host
        self.inward: Flow | None = None
        self.outward: Flow | None = None
        """The two directions, once it is connected."""
        self._family, self._proto = type(tsocket.AF_INET)(family), proto
        self._fileno = next(_filenos)
        self._options: dict[tuple[int, int], Any] = {}
        self._gone: Callable[[], BaseException] | None = None  # what makes the error, once closed
        self._local: Address = (WILDCARD[self._family], 0)
        self._peer: Address = ("", 0)
        self._shut = False
        self._backlog: Backlog | None = None  # once it listens
        host.sockets[self] = None

    def __repr__(self) -> str:
        state = "closed" if self._gone else "listening" if self._backlog is not None else "open"
        return f"<virtual socket of {self.host.name}, {state}: {self._local} {self._peer}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What it is

    @property
    def family(self) -> Any:
        return self._family

    @property
    def type(self) -> Any:
        return tsocket.SOCK_STREAM

    @property
    def proto(self) -> int:
        return self._proto

    @property
    def did_shutdown_SHUT_WR(self) -> bool:  # noqa: N802 - trio's name
        return self._shut

    def fileno(self) -> int:
        return -1 if self._gone else self._fileno

    def getsockname(self) -> Any:
        self._check()
        return self._as_given(self._local)

    def getpeername(self) -> Any:
        self._connected()
        return self._as_given(self._peer)

    def _as_given(self, address: tuple[str, int]) -> tuple[Any, ...]:
        return (*address, 0, 0) if self._family == tsocket.AF_INET6 else address

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:  # noqa: ARG002 - trio's signature
        self._check()
        if (level, optname) not in _OPTIONS and level != tsocket.IPPROTO_IP:
            _not_modelled(f"setsockopt({level}, {optname}, {value!r})")
        self._options[level, optname] = value

    def getsockopt(self, level: int, optname: int, buflen: int | None = None) -> Any:  # noqa: ARG002 - the same
        self._check()
        if (level, optname) == (tsocket.SOL_SOCKET, tsocket.SO_ACCEPTCONN):
            return int(self._backlog is not None)
        if (level, optname) == (tsocket.SOL_SOCKET, tsocket.SO_ERROR):
            return 0
        if (level, optname) not in _OPTIONS:
            _not_modelled(f"getsockopt({level}, {optname})")
        return self._options.get((level, optname), 0)

    # Listening

    async def bind(self, address: Any) -> None:
        await trio.lowlevel.checkpoint()
        self._check()
        ip, port = self._numeric(address)
        if not self.host.has(ip):
            raise os_error(errno.EADDRNOTAVAIL)
        if port and self.host.taken(ip, port):
            raise os_error(errno.EADDRINUSE)
        self._local = (ip, port or self.host.free_port())

    def listen(self, backlog: int = BACKLOG) -> None:
        self._check()
        if self._local[1] == 0:
            self._local = (self._local[0], self.host.free_port())
        if self.host.taken(*self._local):
            raise os_error(errno.EADDRINUSE)
        self._backlog = self.host.listeners[self._local] = Backlog(backlog)
        self.host.internet.note(f"{self.host.name} listens on {self._local[1]}")

    async def accept(self) -> tuple[VirtualSocket, Any]:
        if self._backlog:
            await trio.lowlevel.checkpoint()
        while True:
            self._check()
            if self._backlog is None:
                raise os_error(errno.EINVAL)
            arrival = self._backlog.take()
            if arrival is not None:
                socket = VirtualSocket(self.host, self._family, self._proto)
                socket.inward, socket.outward = arrival.inward, arrival.outward
                socket._local, socket._peer = arrival.local, arrival.peer
                return socket, socket.getpeername()
            await self._backlog.wait()

    # Connecting

    async def connect(self, address: Any) -> None:
        self._check()
        if self.outward is not None:
            raise os_error(errno.EISCONN)
        ip, port = self._numeric(address)
        to = self.host if is_loopback(ip) else self.host.internet.host_at(ip)
        if to is None:
            await trio.lowlevel.checkpoint()
            raise os_error(errno.EHOSTUNREACH)
        own_ip = ip if is_loopback(ip) else self.host.address
        self._local = (own_ip, self._local[1] or self.host.free_port())
        self.outward = await self._shake_hands(to, (ip, port))
        self.inward = self.outward.back
        self._peer = (ip, port)

    async def _shake_hands(self, to: Host, address: Address) -> Flow:
        going = self.host.internet.way(self.host, to)
        coming = self.host.internet.way(to, self.host)
        for attempt in range(CONNECT_ATTEMPTS):
            sent = trio.current_time()
            answered = coming.arrival(0, going.arrival(0, sent))
            if not going.loses_connect() and answered < math.inf:
                await trio.sleep_until(answered)
                self._check()
                flow = to.meet(address, self._local, going, coming)
                if flow is not None:
                    return flow
            await trio.sleep_until(sent + CONNECT_RETRY_SECONDS * 2**attempt)
            self._check()
        raise os_error(errno.ETIMEDOUT)

    # Once connected

    async def recv(self, buflen: int, flags: int = 0, /) -> bytes:
        self._plain("recv", flags)
        _, inward = self._connected()
        if inward.readable():
            await trio.lowlevel.checkpoint()
        while True:
            self._check()
            data = inward.take(buflen)
            if data is not None:
                return data
            await inward.wait_readable()

    async def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        with memoryview(buffer).cast("B") as view:
            data = await self.recv(nbytes or len(view), flags)
            view[: len(data)] = data
        return len(data)

    async def send(self, data: Any, flags: int = 0, /) -> int:
        self._plain("send", flags)
        outward, _ = self._connected()
        await trio.lowlevel.checkpoint()
        while (room := self._room(outward)) <= 0:
            await outward.wait_for_room()
        with memoryview(data).cast("B") as view:
            chunk = bytes(view[:room])
        self.host.internet.note(f"{outward.way.label} {len(chunk)} bytes")
        outward.send(chunk)
        return len(chunk)

    async def wait_writable(self) -> None:
        outward, _ = self._connected()
        await trio.lowlevel.checkpoint()
        with contextlib.suppress(ConnectionError):  # the next `send` tells
            while self._room(outward) <= 0:
                await outward.wait_for_room()

    def _room(self, outward: Flow) -> int:
        self._check()
        return outward.room()

    def is_readable(self) -> bool:
        if self._backlog is not None:
            return len(self._backlog) > 0
        return self._gone is not None or self.inward is None or self.inward.readable()

    def shutdown(self, flag: int) -> None:
        outward, _ = self._connected()
        if flag != tsocket.SHUT_WR:
            _not_modelled(f"shutdown({flag})")
        self._shut = True
        outward.end()

    def close(self) -> None:
        self._leave(closed, abruptly=self._options.get(_LINGER) == _NOT_AT_ALL)

    def abandon(self, raising: Callable[[], BaseException]) -> None:
        """Close it by a reset; whatever is tried with it later raises what `raising` makes."""
        self._leave(raising, abruptly=True)

    def _leave(self, raising: Callable[[], BaseException], *, abruptly: bool) -> None:
        if self._gone is not None:
            return
        self._gone = raising
        del self.host.sockets[self]
        if self._backlog is not None:
            del self.host.listeners[self._local]
            self._backlog.close()
        if self.outward is not None:
            self.host.internet.note(f"{self.outward.way.label} closed")
            leave(self.outward, abruptly=abruptly)

    # Checks

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone()

    def _connected(self) -> tuple[Flow, Flow]:
        self._check()
        if self.outward is None or self.inward is None:
            raise os_error(errno.ENOTCONN)
        return self.outward, self.inward

    def _plain(self, what: str, flags: int) -> None:
        if flags:
            _not_modelled(f"{what}(flags={flags})")

    def _numeric(self, address: Any) -> tuple[str, int]:
        ip, port = address[:2]
        try:
            tsocket.inet_pton(self._family, ip)
        except OSError:
            _not_modelled(f"{ip!r} as an address; resolve it first")
        return ip, port


def _refusing(name: str) -> Callable[..., Awaitable[Any]]:
    def refuse(self: VirtualSocket, *_: object, **__: object) -> NoReturn:
        _not_modelled(f"{name}() on {self!r}")

    return refuse


for _name in (
    *("detach", "dup", "share", "get_inheritable", "set_inheritable"),
    *("recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "sendto", "sendmsg"),
):
    setattr(VirtualSocket, _name, _refusing(_name))
