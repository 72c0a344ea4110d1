"""Nothing is sent into our own network, however it is written."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio

from adapters.make.addresses import KNOWN_SECONDS, Forbidden, Place, Unresolved, is_public
from runtime.testing.network import Network


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.1.2.3", "255.255.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::", "2001:db8::1",
        "2001:0:a00:1::f5ff:fffe", "::127.0.0.1", "64:ff9b:1::7f00:1", "::ffff:0:127.0.0.1",
        "fec0::1", "not an address",
    ],
)  # fmt: skip
def test_what_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "54.75.157.176", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)
def test_what_is_of_the_internet(address: str) -> None:
    assert is_public(address)


async def test_a_name_that_means_a_private_address_is_forbidden(network: Network) -> None:
    network.host("evil")
    with pytest.raises(Forbidden, match="RELAY_PRIVATE_HOSTS"):
        await Place("evil", 443, private_hosts=()).address()
    assert (await Place("evil", 443, private_hosts={"evil"}).address()).startswith("10.0.")


async def test_an_address_in_the_place_of_a_name_is_looked_at_too() -> None:
    with pytest.raises(Forbidden):
        await Place("127.0.0.1", 80, private_hosts={"localhost"}).address()
    assert await Place("127.0.0.1", 80, private_hosts={"127.0.0.1"}).address() == "127.0.0.1"


@pytest.mark.parametrize("host", ["nowhere", "hook..example.org", "a" * 64 + ".example.org"])
async def test_a_name_that_nobody_knows_may_be_known_later(host: str) -> None:
    with pytest.raises(Unresolved):
        await Place(host, 443, private_hosts=()).address()


class _Resolver(trio.abc.HostnameResolver):
    """A name that is somewhere else each time; finding it takes a second."""

    def __init__(self) -> None:
        self.asked = self.at_once = self.most_at_once = 0

    async def getaddrinfo(self, _host: Any, port: Any, *_: int) -> Any:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await trio.sleep(1)
        finally:
            self.at_once -= 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"8.8.8.{self.asked}", port))]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise AssertionError("nobody asks for names")


async def test_one_looks_a_name_up_for_all_and_not_for_long() -> None:
    resolver, place, found = _Resolver(), Place("hook", 443, private_hosts=()), list[str]()
    trio.socket.set_custom_hostname_resolver(resolver)  # of this run alone

    async def find() -> None:
        found.append(await place.address())

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(find)
    assert found == ["8.8.8.1"] * 40
    await trio.sleep(KNOWN_SECONDS)
    assert await place.address() == "8.8.8.2"
    assert resolver.asked == 2


async def test_who_has_no_time_left_leaves_the_look_to_the_next() -> None:
    resolver, place = _Resolver(), Place("hook", 443, private_hosts=())
    trio.socket.set_custom_hostname_resolver(resolver)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_for, 0.5, place)
        await trio.sleep(0.1)
        nursery.start_soon(_for, 2.0, place)
    assert (resolver.asked, resolver.most_at_once) == (2, 1)


async def _for(seconds: float, place: Place) -> None:
    with trio.move_on_after(seconds) as scope:
        assert await place.address() == "8.8.8.2"
    assert scope.cancelled_caught == (seconds < 1)
