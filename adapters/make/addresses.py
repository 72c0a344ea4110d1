"""Where a webhook may be: nowhere inside our own network, whatever its name resolves to.

The name is resolved here, and the connection goes to the address that was looked at: a name that
means something else a moment later (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import trio

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052)."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given to the internet; `is_global` also holds for other ways to wrap IPv4, for
translators of our own and for the old site-local addresses."""

Address = IPv4Address | IPv6Address


class Forbidden(Exception):  # noqa: N818 - a verdict
    """There is no address of this name that may be sent to."""


class Unresolved(Exception):  # noqa: N818 - a verdict
    """Nobody knows the name now."""


async def public_address(host: str, port: int, *, private_hosts: Collection[str]) -> str:
    """The address to connect to; of those in `private_hosts`, any.

    Raises `Unresolved`, and `Forbidden` when every address is private.
    """
    try:
        found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    except OSError as error:
        raise Unresolved(f"{host} has no address: {error.strerror or 'unknown'}") from None
    except UnicodeError:
        raise Unresolved(f"{host} cannot be the name of a host") from None
    addresses = [str(place[0]) for *_, place in found]
    if host.lower() not in private_hosts:
        addresses = [address for address in addresses if is_public(address)]
    if not addresses:
        raise Forbidden(
            f"{host} is inside a private network; if it is meant to be, name it in "
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
