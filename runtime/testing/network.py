"""A network in memory: trio programs, and the libraries they use, take it for TCP.

It is put in at trio's public hooks, so that httpx, an HTTP server or trio-websocket run on it
unmodified, in virtual time, and every delay and loss comes from one stream of luck:

```
network = Network(luck=Random("network:7"), note=print, host_of=lambda: "shop")
with network.installed():
    ...                                             # http://bank:8080 is the host "bank"
    network.slow("shop", "bank", seconds=(0.2, 1.5))
    network.cut("bank", "shop", one_way=True)       # it hears us, we do not hear it
    network.reset("shop")                           # every connection of the shop breaks
    network.refuse("bank")
    network.heal()                                  # all is well again
    network.host("bank").kill()
```

Hosts are known by name, in which "*" stands for every other host; the one that uses a socket is
the one that `host_of` names. A host meets itself at 127.0.0.1, ::1 and localhost. Not modelled:
UDP, Unix sockets, DNS beyond the hosts' names, TIME_WAIT, and the loss of acknowledgements: a
sender whose way is open goes on sending when only the way back is cut.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from trio import socket as tsocket

from runtime.testing.amounts import amount
from runtime.testing.hooks import Names, Sockets
from runtime.testing.hosts import Host, is_loopback
from runtime.testing.wire import Flow, Way

ANY = "*"
"""In the place of a name: every other host."""
OUTSIDE = "outside"
"""The host of whatever is no node."""

LINK_SECONDS = (0.001, 0.02)
"""How long a chunk is under way between two hosts, unless told otherwise."""
LOOPBACK_SECONDS = (0.00002, 0.0001)
"""The same from a host to itself."""
ADDRESSES_PER_NETWORK = 250
_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
"""With a letter in it: all others might be addresses."""


@dataclass(frozen=True, slots=True)
class _Saying:
    """What was said about the ways that match, later sayings over earlier ones."""

    src: str
    dst: str
    quality: str
    """An attribute of `Way`; empty for all of them, which are well again."""
    value: Any = None

    def concerns(self, way: Way) -> bool:
        if way.src == way.dst:
            return self.src == self.dst == way.src
        return self.src in (ANY, way.src) and self.dst in (ANY, way.dst)

    def within(self, src: str, dst: str) -> bool:
        """Whether all that it concerns is between these."""
        return src in (ANY, self.src) and dst in (ANY, self.dst)


class Network:
    """See the head of this file. `note` is told what happens, for a trace."""

    def __init__(
        self,
        *,
        luck: random.Random,
        note: Callable[[str], None],
        host_of: Callable[[], str],
        seconds: tuple[float, float] = LINK_SECONDS,
    ) -> None:
        self.note = note
        self._luck = luck
        self._host_of = host_of
        self._seconds = seconds
        self._hosts: dict[str, Host] = {}
        self._addresses: dict[str, Host] = {}
        self._ways: dict[tuple[str, str], Way] = {}
        self._sayings: list[_Saying] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the sockets of the present `trio.run` be virtual, until it is left."""
        resolver = tsocket.set_custom_hostname_resolver(Names(self))
        factory = tsocket.set_custom_socket_factory(Sockets(self))
        try:
            yield
        finally:
            tsocket.set_custom_hostname_resolver(resolver)
            tsocket.set_custom_socket_factory(factory)

    # Who is there

    def host(self, name: str) -> Host:
        """The host of that name; from the first time on, it has an address."""
        host = self._hosts.get(name)
        if host is None:
            if not _NAME.fullmatch(name) or name == "localhost":
                raise ValueError(f"{name!r}: a host has a name as in URLs, in lower case")
            network, number = divmod(len(self._hosts), ADDRESSES_PER_NETWORK)
            host = Host(name, f"10.0.{network}.{number + 1}", self)
            self._hosts[name] = self._addresses[host.address] = host
        return host

    def here(self) -> Host:
        """The host whose task runs now."""
        return self.host(self._host_of())

    def host_at(self, ip: str) -> Host | None:
        """Who has this address; the one who asks, if it is a loopback address."""
        return self.here() if is_loopback(ip) else self._addresses.get(ip)

    def addresses(self, name: str) -> list[str]:
        """Of the host of that name; empty if there is none yet."""
        host = self._hosts.get(name)
        return [] if host is None else [host.address]

    def way(self, src: Host, dst: Host) -> Way:
        """What lies between two hosts, in this direction."""
        way = self._ways.get((src.name, dst.name))
        if way is None:
            way = self._ways[src.name, dst.name] = Way(src.name, dst.name, self._luck)
            self._qualify(way)
        return way

    # Faults, each for both directions unless `one_way`, and until `heal`. `ValueError` for figures
    # that make no sense, and for a name that no host has yet: a fault between strangers would be
    # none, and nobody would know.

    def slow(
        self,
        a: str = ANY,
        b: str = ANY,
        *,
        seconds: tuple[float, float],
        bytes_per_second: float = math.inf,
        one_way: bool = False,
    ) -> None:
        """Let each chunk be under way for so many seconds, from the least to the most."""
        least, most = seconds
        amount("seconds", most, least=amount("seconds", least))
        if not bytes_per_second > 0:
            raise ValueError(f"bytes_per_second is {bytes_per_second!r}: that would be `cut`")
        self._say(a, b, "seconds", seconds, one_way=one_way)
        self._say(a, b, "bytes_per_second", bytes_per_second, one_way=one_way)

    def lose(self, a: str = ANY, b: str = ANY, *, connects: float, one_way: bool = False) -> None:
        """Lose that share of the attempts to connect; clients try again after 1, 3, 7, ... s."""
        amount("connects", connects, most=1.0)
        self._say(a, b, "connects_lost", connects, one_way=one_way)

    def cut(self, a: str = ANY, b: str = ANY, *, one_way: bool = False) -> None:
        """Let nothing through: bytes under way wait for `heal`, and nobody connects until then."""
        self._say(a, b, "cut", value=True, one_way=one_way)

    def refuse(self, name: str) -> None:
        """Let `name` refuse to be connected to (ECONNREFUSED); the connections it has go on."""
        self.check_known(name)
        self.note(f"{name} refuses")
        self.host(name).refusing = True

    def heal(self, a: str = ANY, b: str = ANY) -> None:
        """End the faults between `a` and `b`, in both directions.

        A refusal ends when the one who refuses is healed towards everybody.
        """
        self.check_known(a, b)
        self.note(f"heal {a}, {b}")
        pairs = _pairs(a, b, one_way=False)
        self._sayings = [
            saying
            for saying in self._sayings
            if not any(saying.within(src, dst) for src, dst in pairs)
        ]
        if self._sayings:  # which may concern the healed as well
            self._sayings += [_Saying(src, dst, "") for src, dst in pairs]
        for host in self._hosts.values():
            if (a, b) in ((ANY, ANY), (host.name, ANY), (ANY, host.name)):
                host.refusing = False
        self._settle()

    def reset(self, a: str = ANY, b: str = ANY) -> int:
        """Break the connections between `a` and `b` by a RST from in between.

        What was on the way is lost. Returns how many there were.
        """
        self.check_known(a, b)
        sayings = [_Saying(src, dst, "") for src, dst in _pairs(a, b, one_way=False)]
        broken: dict[Flow, None] = {}
        for flow in self._flows():
            if flow.back not in broken and any(saying.concerns(flow.way) for saying in sayings):
                broken[flow] = None
        for flow in broken:
            self.note(f"{flow.way.label} reset")
            flow.snap()
            flow.back.snap()
        return len(broken)

    def check_known(self, *names: str) -> None:
        """Raise `ValueError` for a name that no host has."""
        known = {ANY, OUTSIDE, *self._hosts}
        for name in names:
            if name not in known:
                msg = (
                    f"no host is called {name!r}; there are {', '.join(sorted(known))} "
                    "(sim.node and network.host make one)"
                )
                raise ValueError(msg)

    def _say(self, a: str, b: str, quality: str, value: object, *, one_way: bool) -> None:
        self.check_known(a, b)
        self.note(f"{quality} {a}, {b}: {value}" + (", one way" if one_way else ""))
        for src, dst in _pairs(a, b, one_way=one_way):
            self._sayings = [
                saying
                for saying in self._sayings
                if not (saying.quality == quality and saying.within(src, dst))
            ]
            self._sayings.append(_Saying(src, dst, quality, value))
        self._settle()

    def _settle(self) -> None:
        """Let every way be what was said last; what waits on it waits or goes on accordingly."""
        were_cut = [way for way in self._ways.values() if way.cut]
        for way in self._ways.values():
            self._qualify(way)
        for flow in self._flows():
            if flow.way.cut:
                flow.stall()
            elif flow.way in were_cut:
                flow.resume()

    def _qualify(self, way: Way) -> None:
        well = {
            "seconds": LOOPBACK_SECONDS if way.src == way.dst else self._seconds,
            "bytes_per_second": math.inf,
            "connects_lost": 0.0,
            "cut": False,
        }
        qualities = dict(well)
        for saying in self._sayings:
            if saying.concerns(way):
                qualities.update({saying.quality: saying.value} if saying.quality else well)
        for quality, value in qualities.items():
            setattr(way, quality, value)

    def _flows(self) -> list[Flow]:
        """Both directions of every connection, of which at least one end is open."""
        flows: dict[Flow, None] = {}
        for host in self._hosts.values():
            for flow in host.flows():
                flows[flow] = flows[flow.back] = None
        return list(flows)


def _pairs(a: str, b: str, *, one_way: bool) -> list[tuple[str, str]]:
    return [(a, b)] if one_way or a == b else [(a, b), (b, a)]
