"""Nothing is sent into our own network, however it is written."""

from __future__ import annotations

import pytest

from adapters.make.addresses import Forbidden, Unresolved, is_public, public_address
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
        await public_address("evil", 443, private_hosts=frozenset())
    allowed = await public_address("evil", 443, private_hosts=frozenset({"evil"}))
    assert allowed.startswith("10.0.")


async def test_an_address_in_the_place_of_a_name_is_looked_at_too() -> None:
    with pytest.raises(Forbidden):
        await public_address("127.0.0.1", 80, private_hosts=frozenset({"localhost"}))
    assert await public_address("127.0.0.1", 80, private_hosts={"127.0.0.1"}) == "127.0.0.1"


async def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(Unresolved):
        await public_address("nowhere", 443, private_hosts=frozenset())


@pytest.mark.parametrize("host", ["hook..example.org", "a" * 64 + ".example.org"])
async def test_what_cannot_be_a_name_is_one_that_nobody_knows(host: str) -> None:
    with pytest.raises(Unresolved):
        await public_address(host, 443, private_hosts=frozenset())
