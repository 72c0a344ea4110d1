"""Where a webhook may be: nowhere inside our own network, whatever its name resolves to.

The name is resolved here, and the connection goes to the address that was looked at: a name that
means something else a moment later (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import trio

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052)."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given to the internet; `is_global` also holds for other ways to wrap IPv4, for
translators of our own and for the old site-local addresses."""

KNOWN_SECONDS = 10.0
"""Then a name is looked up again."""

Address = IPv4Address | IPv6Address


class Forbidden(Exception):  # noqa: N818 - a verdict
    """There is no address of this name that may be sent to."""


class Unresolved(Exception):  # noqa: N818 - a verdict
    """Nobody knows the name now."""


class Place:
    """Where one host is. Any number of tasks may ask; one of them looks it up for all.

    A resolver that hangs holds one thread of those that the whole process looks names up with.
    """

    def __init__(self, host: str, port: int, *, private_hosts: Collection[str]) -> None:
        self.host, self._port = host, port
        self.may_be_private = host.lower() in private_hosts
        """Its owner has named it: it may be at any address."""
        self._looking = trio.Lock()
        self._known, self._known_until = "", -math.inf

    async def address(self) -> str:
        """The address to connect to, as it was looked at within the last `KNOWN_SECONDS`.

        Raises `Unresolved`, and `Forbidden` when every address is private.
        """
        async with self._looking:
            if trio.current_time() >= self._known_until:
                self._known = await self._look_up()
                self._known_until = trio.current_time() + KNOWN_SECONDS
            return self._known

    async def _look_up(self) -> str:
        try:
            found = await trio.socket.getaddrinfo(
                self.host, self._port, type=trio.socket.SOCK_STREAM
            )
        except OSError as error:
            why = error.strerror or "unknown"
            raise Unresolved(f"{self.host} has no address: {why}") from None
        except UnicodeError:
            raise Unresolved(f"{self.host} cannot be the name of a host") from None
        addresses = [str(place[0]) for *_, place in found]
        if not self.may_be_private:
            addresses = [address for address in addresses if is_public(address)]
        if not addresses:
            raise Forbidden(
                f"{self.host} is inside a private network; if it is meant to be, name it in "
                "RELAY_PRIVATE_HOSTS"
            )
        return _preferred(addresses)


def is_public(text: str) -> bool:
    """Whether the address is one of the internet, also where it wraps one of IPv4."""
    try:
        address: Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(map(_is_of_the_internet, _meant(address)))


def _is_of_the_internet(address: Address) -> bool:
    given = isinstance(address, IPv4Address) or address in GLOBAL_UNICAST
    return given and address.is_global and not address.is_multicast


def _meant(address: Address) -> Sequence[Address]:
    """The address, and every other one that a packet to it may end at."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    meant: list[Address] = [address]
    if address.sixtofour is not None:
        meant.append(address.sixtofour)
    if address.teredo is not None:
        meant += address.teredo
    if address in NAT64:
        meant = [IPv4Address(int(address) & 0xFFFF_FFFF)]
    return meant


def _preferred(addresses: Sequence[str]) -> str:
    """IPv4 where there is one: a host without a way into IPv6 is still common."""
    return next((address for address in addresses if ":" not in address), addresses[0])
