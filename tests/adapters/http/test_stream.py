"""Bytes of one client, from the kernel and from the virtual network."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from adapters.http.listening import Bind, listen, port_of
from adapters.http.stream import READ_BYTES, Broken, ClientStream
from tests.adapters.http.wire import connect

MUCH = bytes(20_000_000)
"""More than the kernel's buffers hold for whoever does not read."""


@asynccontextmanager
async def both_ends() -> AsyncIterator[tuple[ClientStream, trio.SocketStream, trio.SocketStream]]:
    """Ours, the same for trio, and the client's."""
    (listener,) = await listen(Bind("127.0.0.1", 0))
    async with listener, await connect(port_of(listener)) as client:
        stream = await listener.accept()
        async with stream:
            yield ClientStream(stream), stream, client


async def says_and_ends() -> None:
    async with both_ends() as (ours, _, client):
        await client.send_all(b"x" * (READ_BYTES + 1))
        received = b""
        while len(received) < READ_BYTES + 1:
            piece = await ours.receive()
            assert len(piece) <= READ_BYTES
            received += piece
        assert received == b"x" * (READ_BYTES + 1)
        await client.send_eof()
        assert await ours.receive() == b""


async def test_what_the_client_says_arrives_and_so_does_its_end() -> None:
    await says_and_ends()


@pytest.mark.real_clock
async def test_the_same_from_the_kernel() -> None:
    await says_and_ends()


async def test_a_virtual_network_takes_nothing_at_once() -> None:
    async with both_ends() as (ours, _, _):
        assert ours.send_now(b"hello") == 0


@pytest.mark.real_clock
async def test_the_kernel_takes_at_once_what_it_has_room_for() -> None:
    async with both_ends() as (ours, _, client):
        assert ours.send_now(b"hello") == 5
        assert await client.receive_some() == b"hello"
        assert 0 < ours.send_now(MUCH) < len(MUCH)
        while ours.send_now(MUCH):
            pass
        assert ours.send_now(b"more") == 0


@pytest.mark.real_clock
async def test_a_client_that_breaks_the_connection_is_heard_of() -> None:
    async with both_ends() as (ours, _, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
        with pytest.raises(Broken):
            await ours.receive()
        with pytest.raises(Broken):
            ours.send_now(b"hello")


@pytest.mark.real_clock
async def test_whoever_waits_for_the_client_hears_that_we_have_closed() -> None:
    async with both_ends() as (ours, stream, _), trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(Broken):
                await ours.receive()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()
