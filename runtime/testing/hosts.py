"""Machines on the virtual network: their addresses, ports, and who listens there."""

from __future__ import annotations

import errno
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from trio import socket as tsocket

from runtime.testing.wire import Flow, Gate, Way, leave, os_error

PORTS = range(32_768, 60_999)
"""Where the kernel takes ports from that nobody asked for."""
WILDCARD = {tsocket.AF_INET: "0.0.0.0", tsocket.AF_INET6: "::"}  # noqa: S104 - nothing real listens
"""By family: the address that stands for all of a host's own."""

Address = tuple[str, int]
"""IP and port."""


def is_loopback(ip: str) -> bool:
    """Whether `ip` means the machine that uses it."""
    return ip.startswith("127.") or ip == "::1"


def closed() -> OSError:
    """What a closed socket raises."""
    return os_error(errno.EBADF)


class Internet(Protocol):
    """What a host, and what is on it, knows of the network."""

    @property
    def note(self) -> Callable[[str], None]:
        """Writes into the trace."""

    def here(self) -> Host:
        """The host whose task runs now."""

    def host_at(self, ip: str) -> Host | None:
        """Who has this address."""

    def addresses(self, name: str) -> list[str]:
        """Of the host of that name; empty if there is none yet."""

    def way(self, src: Host, dst: Host) -> Way:
        """What lies between two hosts, in this direction."""


class Socket(Protocol):
    """What a host knows of its sockets."""

    outward: Flow | None

    def abandon(self, raising: Callable[[], BaseException]) -> None:
        """Close it by a reset; whatever is tried with it later raises what `raising` makes."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection that has been made and that nobody has accepted yet."""

    inward: Flow
    outward: Flow
    local: Address
    peer: Address


class Backlog:
    """The connections that wait for a listening socket to accept them."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._waiting: deque[Arrival] = deque()
        self._gate = Gate()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Arrival]:
        return iter(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no further connection fits in."""
        return len(self._waiting) >= self._size

    def add(self, arrival: Arrival) -> None:
        """Let it be accepted."""
        self._waiting.append(arrival)
        self._gate.open()

    def take(self) -> Arrival | None:
        """The one that has waited longest; None if none has."""
        return self._waiting.popleft() if self._waiting else None

    async def wait(self) -> None:
        """Wait until `take` may have one."""
        await self._gate.wait()

    def close(self) -> None:
        """Reset whatever was never accepted."""
        self._gate.open()
        while (arrival := self.take()) is not None:
            leave(arrival.outward, abruptly=True)


class Host:
    """A machine on the network; get it by `Network.host(name)`."""

    def __init__(self, name: str, address: str, internet: Internet) -> None:
        self.name = name
        self.address = address
        self.internet = internet
        self.refusing = False
        """Whether it refuses every new connection."""
        self.listeners: dict[Address, Backlog] = {}
        self.sockets: dict[Socket, None] = {}
        """All that are open, in the order in which they were."""
        self._ports = itertools.cycle(PORTS)

    def __repr__(self) -> str:
        return f"<host {self.name} {self.address}>"

    def kill(self, raising: Callable[[], BaseException] = closed) -> None:
        """What the kernel does on kill -9: it closes every socket, and resets connections.

        Bytes sent before still arrive. What a task of the dead tries with these sockets raises
        what `raising` makes; only closing them is silent.
        """
        self.internet.note(f"{self.name} killed")
        for socket in list(self.sockets):
            socket.abandon(raising)

    def flows(self) -> Iterator[Flow]:
        """Those that leave from here, of connections accepted or not."""
        for socket in self.sockets:
            if socket.outward is not None:
                yield socket.outward
        for backlog in self.listeners.values():
            for arrival in backlog:
                yield arrival.outward

    def free_port(self) -> int:
        """A port on which nobody listens."""
        taken = {port for _, port in self.listeners}
        return next(port for port in self._ports if port not in taken)

    def listener(self, ip: str, port: int) -> Backlog | None:
        """Who listens at this address of this host."""
        wildcard = WILDCARD[tsocket.AF_INET6 if ":" in ip else tsocket.AF_INET]
        listener = self.listeners.get((ip, port))
        return self.listeners.get((wildcard, port)) if listener is None else listener

    def has(self, ip: str) -> bool:
        """Whether a socket may be bound to `ip` here."""
        return ip == self.address or is_loopback(ip) or ip in WILDCARD.values()

    def taken(self, ip: str, port: int) -> bool:
        """Whether somebody listens where a listener at this address would."""
        return self.listener(ip, port) is not None or (
            ip in WILDCARD.values()
            and any(p == port and (":" in i) == (":" in ip) for i, p in self.listeners)
        )

    def meet(self, address: Address, peer: Address, going: Way, coming: Way) -> Flow | None:
        """Be connected to at `address`: the flow towards us; None if nothing is to be heard of us.

        Raises `ConnectionRefusedError`.
        """
        if going.cut or coming.cut:
            return None
        listener = self.listener(*address)
        if listener is None or self.refusing:
            self.internet.note(f"{going.label}:{address[1]} refused")
            raise os_error(errno.ECONNREFUSED)
        if listener.full:
            return None  # as Linux does: the client will try again
        self.internet.note(f"{going.label}:{address[1]} connected")
        flow, back = Flow(going), Flow(coming)
        flow.back, back.back = back, flow
        listener.add(Arrival(inward=flow, outward=back, local=address, peer=peer))
        return flow
