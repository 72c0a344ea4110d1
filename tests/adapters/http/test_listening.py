"""Addresses and sockets: what is opened, and what is said when it cannot be."""

from __future__ import annotations

import pytest
import trio

from adapters.http.listening import (
    ACCEPT_MAX,
    Bind,
    CannotListen,
    Door,
    ensure_free,
    listen,
    port_of,
)
from tests.adapters.http.wire import connect

pytestmark = pytest.mark.real_clock  # what the kernel says, not what we think it says


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),  # noqa: S104 - not bound
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_only_loopback_is_loopback(host: str, *, loopback: bool) -> None:
    assert Bind(host, 8080).is_loopback is loopback


@pytest.mark.parametrize(
    ("host", "text", "url"),
    [
        ("127.0.0.1", "127.0.0.1:0", "http://127.0.0.1:99"),
        ("::1", "[::1]:0", "http://[::1]:99"),
        ("0.0.0.0", "0.0.0.0:0", "http://127.0.0.1:99"),  # noqa: S104 - not bound
        ("::", "[::]:0", "http://[::1]:99"),
    ],
)
def test_an_address_is_written_as_people_write_it(host: str, text: str, url: str) -> None:
    assert str(Bind(host, 0)) == text
    assert Bind(host, 0).url(99) == url


async def test_port_zero_is_one_port_that_the_kernel_chose() -> None:
    (listener,) = await listen(Bind("localhost", 0))
    async with listener:
        assert port_of(listener) > 0


async def test_a_port_in_use_says_which_and_what_to_set() -> None:
    (first,) = await listen(Bind("127.0.0.1", 0))
    async with first:
        taken = Bind("127.0.0.1", port_of(first))
        with pytest.raises(CannotListen) as refused:
            await listen(taken)
        with pytest.raises(CannotListen):
            await ensure_free(taken)
    await ensure_free(taken)
    assert str(refused.value) == (
        f"cannot listen on {taken}: address already in use; set HTTP_BIND to another host:port"
    )


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotListen, match="cannot assign requested address"):
        await listen(Bind("192.0.2.1", 0))


async def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(CannotListen, match="the host is unknown"):
        await listen(Bind("no-such-host.invalid", 0))


async def test_all_who_stand_at_the_door_come_in_at_once_though_not_too_many() -> None:
    (listener,) = await listen(Bind("127.0.0.1", 0))
    door = Door(listener)
    crowd = [await connect(port_of(listener)) for _ in range(ACCEPT_MAX + 3)]
    seen = [await door.accept(), await door.accept()]
    assert [len(streams) for streams in seen] == [ACCEPT_MAX, 3]
    for client, stream in zip(crowd, [*seen[0], *seen[1]], strict=True):
        await stream.send_all(b"come in")
        assert await client.receive_some() == b"come in"
        await client.aclose()
        await stream.aclose()
    door.close()


async def test_a_closed_door_is_shut_to_whoever_waits_there_and_to_whoever_comes() -> None:
    (listener,) = await listen(Bind("127.0.0.1", 0))
    port, door = port_of(listener), Door(listener)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_is_turned_away, door)
        await trio.testing.wait_all_tasks_blocked()
        door.close()
        with pytest.raises(OSError, match="attempts to connect"):
            await connect(port)


async def _is_turned_away(door: Door) -> None:
    with pytest.raises(trio.ClosedResourceError):
        await door.accept()
