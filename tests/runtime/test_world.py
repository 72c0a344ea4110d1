"""Worlds: one that is real, and one that repeats itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
import trio

from runtime import RealWorld, VirtualWorld, World

W = TypeVar("W", bound=World)


def bound(world: W) -> W:
    world.bind(trio.lowlevel.current_clock())
    return world


@pytest.mark.parametrize("kind", [RealWorld, VirtualWorld])
async def test_time_is_aware_utc_and_moves_with_trio(kind: type[World]) -> None:
    world = bound(kind())
    assert world.now().tzinfo is UTC
    before = world.monotonic()
    await trio.sleep(0.01)
    assert world.monotonic() - before >= 0.01


@pytest.mark.parametrize("kind", [RealWorld, VirtualWorld])
async def test_ids_are_random_and_of_version_4(kind: type[World]) -> None:
    world = bound(kind())
    ids = {world.uuid() for _ in range(100)}
    assert len(ids) == 100
    assert {one.version for one in ids} == {4}


async def test_the_same_seed_is_the_same_luck() -> None:
    def luck(seed: int) -> tuple[object, ...]:
        world = VirtualWorld(seed=seed)
        return world.random.random(), world.uuid(), world.random.sample(range(100), 5)

    assert luck(1) == luck(1)
    assert luck(1) != luck(2)


async def test_the_virtual_wall_clock_follows_trios_and_jumps_when_told_to() -> None:
    epoch = datetime(2026, 5, 1, tzinfo=UTC)
    await trio.sleep(1_000)
    world = bound(VirtualWorld(epoch=epoch))
    assert world.now() == epoch
    await trio.sleep(60)
    assert world.now() == epoch + timedelta(seconds=60)
    monotonic = world.monotonic()
    world.shift(-3_600)
    assert world.now() == epoch + timedelta(seconds=60 - 3_600)
    assert world.monotonic() == monotonic


async def test_a_played_thread_takes_up_to_10_ms_drawn_from_a_stream_of_its_own() -> None:
    one, other, third = VirtualWorld(seed=1), VirtualWorld(seed=1), VirtualWorld(seed=2)
    other.random.random()
    draws = [one.thread_seconds() for _ in range(100)]
    assert draws == [other.thread_seconds() for _ in range(100)]
    assert draws != [third.thread_seconds() for _ in range(100)]
    assert 0.0 <= min(draws) < 0.001
    assert 0.009 < max(draws) <= 0.01
    assert one.uuid() == VirtualWorld(seed=1).uuid()
    assert RealWorld().thread_seconds() == 0.0


async def test_how_fast_the_machine_is_shows_in_the_real_world_only() -> None:
    real, virtual = bound(RealWorld()), bound(VirtualWorld())
    looks = [real.stopwatch() for _ in range(1_000)]
    assert looks[-1] > looks[0]
    assert {virtual.stopwatch() for _ in range(1_000)} == {0.0}
