"""Whose request it is: the address of the socket, or what a trusted proxy says it was.

Anybody can write `X-Forwarded-For`; each proxy appends the address it was reached from. So the
list is read from its end, and believed only for as long as it was written by proxies of ours
(`TRUSTED_PROXIES`): the first address that is none of them is the client. `X-Real-IP` and
`Forwarded` are not read: one way is enough, and two may contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address

ADDRESSES_KEPT = 256
"""Read already: a provider delivers from a few addresses, thousands of times."""


def peer_of(connection: HTTPConnection, trusted: Sequence[Network]) -> str:
    """The client's address in its shortest form; "" when nobody who is trusted knows it."""
    client = connection.client
    address = None if client is None else _address(client.host)
    if address is None:
        return ""
    if not _is_in(address, trusted):
        return _text(address)
    lines = connection.headers.getlist("x-forwarded-for")
    hops = [hop.strip() for line in lines for hop in line.split(",")]
    for hop in reversed(hops):
        address = _address(hop)
        if address is None:
            return ""  # a proxy of ours wrote it, and yet it is no address
        if not _is_in(address, trusted):
            break
    return _text(address)


@lru_cache(ADDRESSES_KEPT)
def _text(address: _Address) -> str:
    return str(address)


def _is_in(address: _Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


@lru_cache(ADDRESSES_KEPT)
def _address(text: str) -> _Address | None:
    """An address, with or without a port, IPv4 also where it is written as IPv6."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
