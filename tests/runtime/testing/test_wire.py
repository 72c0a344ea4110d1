"""Bytes arrive in order, when they may, and are lost only by a reset."""

from __future__ import annotations

import math
import random

import pytest
import trio

from runtime.testing.wire import IN_FLIGHT_BYTES_MAX, Flow, Way, leave


def connection(seconds: tuple[float, float] = (1.0, 1.0)) -> tuple[Flow, Flow]:
    """Both directions of a connection; each chunk is under way for so long."""
    luck = random.Random(1)
    flow, back = Flow(Way("a", "b", luck)), Flow(Way("b", "a", luck))
    flow.way.seconds = back.way.seconds = seconds
    flow.back, back.back = back, flow
    return flow, back


async def read(flow: Flow, size: int = 1_000) -> bytes:
    while (data := flow.take(size)) is None:
        await flow.wait_readable()
    return data


async def test_a_chunk_arrives_after_its_time_to_the_point() -> None:
    flow, _ = connection((0.25, 0.25))
    flow.send(b"x")
    assert flow.take(1) is None
    assert await read(flow) == b"x"
    assert trio.current_time() == 0.25


async def test_what_was_sent_first_arrives_first() -> None:
    flow, _ = connection((0.0, 10.0))
    for number in range(20):
        flow.send(bytes([number]))
    assert [await read(flow) for _ in range(20)] == [bytes([number]) for number in range(20)]


async def test_a_waiting_reader_is_served_when_the_first_chunk_arrives() -> None:
    flow, _ = connection()
    async with trio.open_nursery() as nursery:

        async def reads() -> None:
            assert await read(flow) == b"x"
            assert trio.current_time() == 5.0 + 1.0

        nursery.start_soon(reads)
        await trio.sleep(5)
        flow.send(b"x")


async def test_what_is_sent_later_keeps_no_reader_from_what_was_sent_before() -> None:
    flow, _ = connection()
    flow.send(b"first")
    async with trio.open_nursery() as nursery:

        async def reads() -> None:
            assert await read(flow) == b"first"
            assert trio.current_time() == 1.0

        nursery.start_soon(reads)
        await trio.sleep(0.5)
        flow.send(b"second")


async def test_bandwidth_is_shared_by_all_that_leaves() -> None:
    flow, _ = connection((0.0, 0.0))
    other = Flow(flow.way)
    other.back = Flow(flow.back.way)
    flow.way.bytes_per_second = 100
    flow.send(b"x" * 200)
    other.send(b"y" * 100)
    await read(flow)
    assert trio.current_time() == 2.0
    await read(other)
    assert trio.current_time() == 3.0


async def test_there_is_room_for_so_many_bytes_until_they_are_read() -> None:
    flow, _ = connection()
    flow.send(b"x" * (IN_FLIGHT_BYTES_MAX - 1))
    assert flow.room() == 1
    flow.send(b"x")
    assert flow.room() == 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.wait_for_room)
        await read(flow, 10)
    assert flow.room() == 10


async def test_a_stall_holds_what_has_not_arrived_and_loses_nothing() -> None:
    flow, back = connection()
    flow.send(b"here")
    await trio.sleep(1)
    flow.send(b"under way")
    flow.way.cut = True
    flow.stall()
    flow.send(b"sent meanwhile")
    flow.end()
    assert await read(flow) == b"here"
    with trio.move_on_after(100):
        await read(flow)
    flow.way.cut = False
    flow.resume()
    assert trio.current_time() == 101.0
    assert await read(flow) == b"under way"
    assert trio.current_time() == 102.0
    assert [await read(flow), await read(flow), await read(flow)] == [b"sent meanwhile", b"", b""]
    assert back.room() == IN_FLIGHT_BYTES_MAX


async def test_what_was_under_way_goes_on_when_nothing_more_is_sent() -> None:
    flow, back = connection()
    flow.send(b"x")
    flow.reset(leaving=trio.current_time())
    await trio.sleep(0.5)
    flow.way.cut = True
    flow.stall()
    await trio.sleep(10)
    assert not flow.readable()
    assert back.room() == IN_FLIGHT_BYTES_MAX
    flow.way.cut = False
    flow.resume()
    assert await read(flow) == b"x"
    with pytest.raises(ConnectionResetError):
        await read(flow)


async def test_a_stalled_reset_comes_after_the_stall() -> None:
    flow, back = connection()
    flow.send(b"x")
    flow.way.cut = True
    flow.reset(leaving=trio.current_time())
    flow.stall()
    await trio.sleep(10)
    assert back.room() == IN_FLIGHT_BYTES_MAX
    flow.way.cut = False
    flow.resume()
    assert await read(flow) == b"x"
    with pytest.raises(ConnectionResetError):
        await read(flow)
    assert trio.current_time() == 11.0


async def test_a_snapped_connection_loses_what_was_under_way() -> None:
    flow, back = connection()
    flow.send(b"here")
    await trio.sleep(1)
    flow.send(b"under way")
    flow.snap()
    back.snap()
    assert await read(flow) == b"here"
    with pytest.raises(ConnectionResetError):
        await read(flow)
    with pytest.raises(ConnectionResetError):
        flow.room()
    await trio.sleep(5)
    assert await read(flow) == b""


async def test_who_waits_for_room_hears_of_a_reset() -> None:
    flow, back = connection()
    flow.send(b"x" * IN_FLIGHT_BYTES_MAX)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.wait_for_room)
        await trio.sleep(1)
        leave(back, abruptly=True)
    assert trio.current_time() == 2.0
    with pytest.raises(ConnectionResetError):
        flow.room()


async def test_bytes_that_meet_nobody_are_answered_by_a_reset_a_way_later() -> None:
    flow, back = connection()
    flow.send(b"still under way")
    leave(back, abruptly=False)
    assert await read(back) == b""
    assert trio.current_time() == 1.0
    assert flow.room() > 0
    await trio.sleep(1)
    with pytest.raises(BrokenPipeError):
        flow.room()


async def test_what_a_cut_keeps_away_from_a_closed_end_is_answered_by_a_reset_when_it_heals() -> (
    None
):
    for early in (True, False):
        flow, back = connection()
        flow.way.cut = True
        if early:
            flow.send(b"x")
        leave(back, abruptly=False)
        if not early:
            flow.send(b"x")
        await trio.sleep(1_000)
        assert await read(back) == b""
        assert flow.room() > 0
        flow.way.cut = False
        flow.resume()
        await trio.sleep(2)
        with pytest.raises(BrokenPipeError):
            flow.room()


def test_a_cut_way_arrives_nowhere_and_draws_no_luck() -> None:
    luck = random.Random(1)
    before = luck.getstate()
    way = Way("a", "b", luck)
    way.cut = True
    assert way.arrival(10, 0.0) == math.inf
    assert way.loses_connect()
    assert luck.getstate() == before
