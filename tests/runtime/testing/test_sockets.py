"""Virtual sockets do what the kernel's do: each of these rules is asked of both."""

from __future__ import annotations

import errno
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.socket import AF_INET, AF_INET6, SHUT_RD, SO_LINGER, SOL_SOCKET, SocketType

from runtime.testing.network import Network
from runtime.testing.sockets import NotModelledError

ON_BOTH = pytest.mark.parametrize(
    "on", ["memory", pytest.param("kernel", marks=pytest.mark.real_clock)]
)
A_MOMENT = 0.02
"""Seconds that bytes need at most, on either."""


async def listening(host: str = "127.0.0.1", port: int = 0, backlog: int = 8) -> SocketType:
    socket = trio.socket.socket(AF_INET6 if ":" in host else AF_INET)
    await socket.bind((host, port))
    socket.listen(backlog)
    return socket


async def connected(to: SocketType) -> SocketType:
    socket = trio.socket.socket(to.family)
    await socket.connect(to.getsockname())
    return socket


@asynccontextmanager
async def pair(host: str = "127.0.0.1") -> AsyncIterator[tuple[SocketType, SocketType]]:
    """The two ends of a connection."""
    with await listening(host) as listener, await connected(listener) as near:
        far, _ = await listener.accept()
        with far:
            yield near, far


@ON_BOTH
async def test_each_end_knows_both_addresses(on: str) -> None:
    for host in ("127.0.0.1", "::1"):
        async with pair(host) as (near, far):
            assert near.getpeername() == far.getsockname()
            assert far.getpeername() == near.getsockname()
            assert len(near.getsockname()) == (4 if ":" in host else 2)
            assert near.getsockname()[0] == host


@ON_BOTH
async def test_closing_over_unread_bytes_resets_behind_the_answer(on: str) -> None:
    async with pair() as (near, far):
        await near.send(b"unread")
        await trio.sleep(A_MOMENT)
        await far.send(b"answer")
        far.close()
        await trio.sleep(A_MOMENT)
        assert await near.recv(100) == b"answer"
        with pytest.raises(ConnectionResetError):
            await near.recv(100)
        assert await near.recv(100) == b""
        with pytest.raises(BrokenPipeError):
            await near.send(b"x")


@ON_BOTH
async def test_a_reset_is_told_once_to_whoever_comes_first(on: str) -> None:
    async with pair() as (near, far):
        far.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        await trio.sleep(A_MOMENT)
        with pytest.raises(ConnectionResetError):
            await near.send(b"x")
        with pytest.raises(BrokenPipeError):
            await near.send(b"x")
        assert await near.recv(100) == b""


@ON_BOTH
async def test_bytes_for_a_closed_socket_are_answered_by_a_reset(on: str) -> None:
    async with pair() as (near, far):
        far.close()
        await trio.sleep(A_MOMENT)
        assert await near.recv(100) == b""
        assert await near.send(b"x") == 1
        await trio.sleep(A_MOMENT)
        with pytest.raises(BrokenPipeError):
            await near.send(b"x")


@ON_BOTH
async def test_bytes_are_taken_in_any_portions(on: str) -> None:
    async with pair() as (near, far):
        await near.send(b"abcdef")
        assert await far.recv(2) == b"ab"
        buffer = bytearray(3)
        assert await far.recv_into(buffer) == 3
        assert buffer == b"cde"
        assert await far.recv(100) == b"f"


@ON_BOTH
async def test_readable_means_bytes_or_an_end(on: str) -> None:
    async with pair() as (near, far):
        assert not near.is_readable()
        await far.send(b"x")
        await trio.sleep(A_MOMENT)
        assert near.is_readable()
        await near.recv(1)
        assert not near.is_readable()
        far.close()
        await trio.sleep(A_MOMENT)
        assert near.is_readable()


@ON_BOTH
async def test_a_full_connection_is_writable_again_once_it_is_read(on: str) -> None:
    async with pair() as (near, far):
        sent = 0
        with trio.move_on_after(0.2):
            while True:
                sent += await near.send(b"x" * 100_000)
        with trio.move_on_after(0.05) as patience:
            await near.wait_writable()
        assert patience.cancelled_caught
        while sent > 0:
            sent -= len(await far.recv(1_000_000))
        with trio.fail_after(5):
            await near.wait_writable()


@ON_BOTH
async def test_after_its_end_nothing_can_be_sent(on: str) -> None:
    async with pair() as (near, far):
        near.shutdown(trio.socket.SHUT_WR)
        assert near.did_shutdown_SHUT_WR
        with pytest.raises(BrokenPipeError):
            await near.send(b"x")
        assert await far.recv(1) == b""
        await far.send(b"y")
        assert await near.recv(1) == b"y"


@ON_BOTH
async def test_one_task_reads_at_a_time(on: str) -> None:
    async with pair() as (near, _), trio.open_nursery() as nursery:
        nursery.start_soon(near.recv, 1)
        await trio.sleep(A_MOMENT)
        with pytest.raises(trio.BusyResourceError):
            await near.recv(1)
        nursery.cancel_scope.cancel()


@ON_BOTH
async def test_closing_wakes_whoever_waits_there(on: str) -> None:
    async with pair() as (near, _), trio.open_nursery() as nursery:

        async def reads() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await trio.SocketStream(near).receive_some()

        nursery.start_soon(reads)
        await trio.sleep(A_MOMENT)
        near.close()
        assert near.fileno() == -1


@ON_BOTH
async def test_closing_wakes_whoever_cannot_send(on: str) -> None:
    async with pair() as (near, _), trio.open_nursery() as nursery:

        async def sends() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await trio.SocketStream(near).send_all(b"x" * 50_000_000)

        nursery.start_soon(sends)
        await trio.sleep(0.2)
        near.close()


@ON_BOTH
async def test_each_listener_gets_a_port_of_its_own(on: str) -> None:
    with await listening() as first, await listening() as second:
        assert first.getsockname() != second.getsockname()


@ON_BOTH
async def test_what_nobody_accepted_is_reset_with_its_listener(on: str) -> None:
    listener = await listening()
    address = listener.getsockname()
    with await connected(listener) as near:
        listener.close()
        await trio.sleep(A_MOMENT)
        with pytest.raises(ConnectionResetError):
            await near.recv(1)
    with trio.socket.socket() as late, pytest.raises(ConnectionRefusedError):
        await late.connect(address)


@ON_BOTH
async def test_a_port_is_taken_on_all_addresses_or_on_one(on: str) -> None:
    with await listening("0.0.0.0") as everywhere:  # noqa: S104 - the rule is about it
        port = everywhere.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104
            with trio.socket.socket() as socket, pytest.raises(OSError, match="in use"):
                await socket.bind((host, port))
    with (
        await listening(port=port),
        trio.socket.socket() as socket,
        pytest.raises(OSError, match="in use"),
    ):
        await socket.bind(("0.0.0.0", port))  # noqa: S104


@ON_BOTH
async def test_misuse_has_the_kernels_errors(on: str) -> None:
    async with pair() as (near, _):
        with pytest.raises(OSError, match="Invalid argument"):
            await near.accept()
    with pytest.raises(OSError, match="Bad file") as closed:
        await near.recv(1)
    assert closed.value.errno == errno.EBADF
    with trio.socket.socket() as lonely:
        with pytest.raises(OSError, match="not connected"):
            lonely.getpeername()
        with pytest.raises(OSError, match="Cannot assign"):
            await lonely.bind(("10.9.9.9", 0))


# What only memory can show: it takes too long, or the kernel can do more


async def test_whoever_is_never_heard_gives_up_after_127_seconds(network: Network) -> None:
    bank = network.host("bank").address
    network.cut("outside", "bank")
    with trio.socket.socket() as socket, pytest.raises(TimeoutError):
        await socket.connect((bank, 80))
    assert trio.current_time() == 127.0


async def test_a_cut_during_the_handshake_makes_the_client_try_again(network: Network) -> None:
    network.slow("outside", "outside", seconds=(0.3, 0.3))
    with await listening() as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connected, listener)
            await trio.sleep(0.4)
            network.cut("outside", "outside")
            await trio.sleep(0.3)
            network.heal()
        assert 1.0 < trio.current_time() < 1.1


async def test_a_socket_closed_while_it_connects_does_not_connect(network: Network) -> None:
    network.slow("outside", "outside", seconds=(0.3, 0.3))
    with await listening() as listener, trio.socket.socket() as socket:
        async with trio.open_nursery() as nursery:

            async def connects() -> None:
                with pytest.raises(OSError, match="Bad file"):
                    await socket.connect(listener.getsockname())

            nursery.start_soon(connects)
            await trio.sleep(0.1)
            socket.close()
        assert not listener.is_readable()


async def test_a_full_backlog_lets_clients_try_again_after_a_second() -> None:
    with await listening(backlog=1) as listener, await connected(listener):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connected, listener)
            await trio.sleep(0.1)
            await listener.accept()
            began = trio.current_time()
            await listener.accept()
            assert 0.8 < trio.current_time() - began < 1.0


async def test_a_client_that_has_gone_before_it_was_accepted_is_heard_after_a_cut(
    network: Network,
) -> None:
    with await listening() as listener:
        with await connected(listener) as near:
            network.cut("outside", "outside")
            await near.send(b"last words")
        await trio.sleep(10)
        network.heal()
        far, _ = await listener.accept()
        with far, trio.fail_after(1):
            assert await far.recv(100) == b"last words"
            assert await far.recv(100) == b""


async def test_a_numeric_address_is_wanted_and_plain_calls_only() -> None:
    async with pair() as (near, far):
        for attempt in (
            lambda: near.recvfrom(1),
            near.dup,
            lambda: near.shutdown(SHUT_RD),
            lambda: near.getsockopt(SOL_SOCKET, 9_999),
        ):
            with pytest.raises(NotModelledError):
                attempt()
        with pytest.raises(OSError, match="already connected"):
            await near.connect(near.getpeername())
        with pytest.raises(NotModelledError, match="flags=2"):
            await far.recv(1, 2)
        with trio.socket.socket() as other, pytest.raises(NotModelledError, match="'bank'"):
            await other.connect(("bank", 1))
