"""What is said about the ways between hosts: whom it concerns, and until when."""

from __future__ import annotations

import random
from functools import partial

import pytest
import trio

from runtime.testing.network import LINK_SECONDS, LOOPBACK_SECONDS, Network
from runtime.testing.simulation import Plan
from runtime.testing.twice import compare
from runtime.testing.wire import Way
from tests.runtime.testing import storm

FIVE = (5.0, 5.0)


def network() -> Network:
    net = Network(luck=random.Random(1), note=lambda _: None, host_of=lambda: "a")
    for name in ("a", "b", "c", "shop", "bank"):
        net.host(name)
    return net


def way(of: Network, src: str, dst: str) -> Way:
    return of.way(of.host(src), of.host(dst))


@pytest.mark.parametrize("known", [True, False])
def test_a_fault_concerns_the_pair_in_both_directions_unless_one_way(known: bool) -> None:
    net = network()
    if known:
        way(net, "a", "b")
    net.cut("a", "b")
    net.slow("b", "c", seconds=FIVE, one_way=True)
    assert way(net, "a", "b").cut
    assert way(net, "b", "a").cut
    assert not way(net, "a", "c").cut
    assert way(net, "b", "c").seconds == FIVE
    assert way(net, "c", "b").seconds == LINK_SECONDS


def test_a_fault_of_nobody_is_refused() -> None:
    net = network()
    net.cut("outside", "*")
    known = "there are \\*, a, b, bank, c, outside, shop"
    for misspelt in (
        partial(net.cut, "shpo", "bank"),
        partial(net.cut, "bank", "shpo"),
        partial(net.slow, "shpo", seconds=FIVE),
        partial(net.lose, "shpo", connects=0.5),
        partial(net.refuse, "shpo"),
        partial(net.reset, "shpo"),
        partial(net.heal, "shpo"),
    ):
        with pytest.raises(ValueError, match=f"no host is called 'shpo'; {known}"):
            misspelt()


def test_a_star_is_every_other_host_and_never_oneself() -> None:
    net = network()
    net.cut("a")
    net.slow(seconds=FIVE)
    assert way(net, "a", "b").cut
    assert way(net, "b", "a").cut
    assert not way(net, "b", "c").cut
    assert not way(net, "a", "a").cut
    assert way(net, "a", "a").seconds == LOOPBACK_SECONDS
    net.cut("a", "a")
    assert way(net, "a", "a").cut


def test_what_is_said_later_counts() -> None:
    net = network()
    net.slow("a", "b", seconds=FIVE, bytes_per_second=10)
    net.slow(seconds=(1.0, 1.0))
    assert way(net, "a", "b").seconds == (1.0, 1.0)
    net.slow("a", "b", seconds=FIVE)
    assert way(net, "b", "a").seconds == FIVE
    assert way(net, "b", "c").seconds == (1.0, 1.0)


def test_healing_a_pair_leaves_the_others_as_they_are() -> None:
    net = network()
    net.cut("a")
    net.lose("a", "b", connects=0.5)
    net.heal("b", "a")
    assert not way(net, "a", "b").cut
    assert not way(net, "b", "a").cut
    assert way(net, "a", "b").connects_lost == 0
    assert way(net, "a", "c").cut
    net.heal()
    assert not way(net, "a", "c").cut


def test_a_refusal_ends_with_a_heal_towards_everybody() -> None:
    net = network()
    net.refuse("bank")
    net.heal("bank", "shop")
    assert net.host("bank").refusing
    net.heal("bank")
    assert not net.host("bank").refusing
    net.refuse("bank")
    net.heal("*", "bank")
    assert not net.host("bank").refusing


def test_thousands_of_faults_leave_nothing_behind() -> None:
    net = network()
    net.slow(seconds=FIVE)
    for _ in range(1_000):
        net.cut("a", "b")
        net.heal("a", "b")
        net.slow("b", "c", seconds=FIVE)
    assert len(net._sayings) < 10


async def _echo(stream: trio.SocketStream) -> None:
    async for part in stream:
        await stream.send_all(part)


class Switching:
    """A network whose tasks say which host they are on."""

    def __init__(self) -> None:
        self.here = "client"
        self.notes: list[str] = []
        self.network = Network(
            luck=random.Random(1), note=self.notes.append, host_of=lambda: self.here
        )


async def test_hosts_are_found_by_name_and_whoever_is_not_is_unknown() -> None:
    on = Switching()
    with on.network.installed():
        on.here = "server"
        (listener,) = await trio.open_tcp_listeners(80, host="0.0.0.0")  # noqa: S104
        on.here = "client"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, _echo, [listener])
            stream = await trio.open_tcp_stream("SERVER", 80)
            await stream.send_all(b"hello")
            assert await stream.receive_some() == b"hello"
            name = await trio.socket.getnameinfo(stream.socket.getpeername(), 0)
            assert name == ("server", "80")
            with pytest.raises(OSError, match="all attempts to connect to localhost:80 failed"):
                await trio.open_tcp_stream("localhost", 80)  # that is the client itself
            with pytest.raises(trio.socket.gaierror, match="not known"):
                await trio.open_tcp_stream("nobody", 80)
            nursery.cancel_scope.cancel()
    assert "client->server:80 connected" in on.notes
    assert "client->server 5 bytes" in on.notes
    assert "nobody is unknown" in on.notes


async def test_a_cut_stops_what_is_under_way() -> None:
    on = Switching()
    net = on.network
    with net.installed():
        on.here = "server"
        (listener,) = await trio.open_tcp_listeners(80, host="0.0.0.0")  # noqa: S104
        on.here = "client"
        stream = await trio.open_tcp_stream("server", 80)
        far = await listener.accept()
        net.slow("client", "server", seconds=FIVE)
        await stream.send_all(b"x")
        await trio.sleep(1)
        net.cut("client", "server", one_way=True)
        with trio.move_on_after(100) as patience:
            await far.receive_some()
        assert patience.cancelled_caught
        net.heal()
        with trio.fail_after(1):
            assert await far.receive_some() == b"x"


async def test_localhost_is_ipv4_and_ipv6_and_may_be_only_one_of_them() -> None:
    on = Switching()
    with on.network.installed():
        for ip in ("127.0.0.1", "::1"):
            listeners = await trio.open_tcp_listeners(80, host=ip)
            async with await trio.open_tcp_stream("localhost", 80) as stream:
                assert stream.socket.getpeername()[0] == ip
            for listener in listeners:
                await listener.aclose()
        listeners = await trio.open_tcp_listeners(80, host="localhost")
        assert len(listeners) == 2
        assert len(await trio.open_tcp_listeners(81)) == 2


async def test_a_dead_hosts_sockets_raise_what_was_asked_for_and_close_silently() -> None:
    on = Switching()
    with on.network.installed():
        on.here = "server"
        listeners = await trio.open_tcp_listeners(80, host="0.0.0.0")  # noqa: S104
        on.here = "client"
        stream = await trio.open_tcp_stream("server", 80)
        async with trio.open_nursery() as nursery:

            async def waits() -> None:
                with pytest.raises(ZeroDivisionError):
                    await stream.receive_some()

            nursery.start_soon(waits)
            await trio.sleep(1)
            on.network.host("client").kill(ZeroDivisionError)
        with pytest.raises(ZeroDivisionError):
            await stream.send_all(b"x")
        await stream.aclose()
        assert not on.network.host("client").sockets
        accepted = await listeners[0].accept()
        with pytest.raises(trio.BrokenResourceError):
            await accepted.receive_some()


async def test_leaving_gives_trio_its_own_sockets_back() -> None:
    on = Switching()
    before = trio.socket.socket()
    with on.network.installed():
        assert trio.socket.socket().host.name == "client"  # type: ignore[attr-defined]
    assert trio.socket.socket().host is before.host  # type: ignore[attr-defined]


@pytest.mark.process
def test_a_storm_is_the_same_whatever_the_hashes_and_the_addresses() -> None:
    found = compare(f"{storm.HERE}:storm", Plan(seed=2))
    assert found.equal, found
    assert found.lines[0] > 1_000
