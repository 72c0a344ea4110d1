"""Clocks jump, together or alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runtime.testing.wall import NodeWorld, WallClock

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_clock_follows_and_jumps_together_with_the_others_or_alone() -> None:
    seconds = 60.0
    clock = WallClock(EPOCH, lambda: seconds)
    assert clock.now("") == clock.now("bot") == EPOCH + timedelta(minutes=1)

    clock.shift("", -30.0)
    clock.shift("bot", 3600.0)
    clock.shift("bot", 1.0)

    assert clock.now("") == clock.now("other") == EPOCH + timedelta(seconds=30)
    assert clock.now("bot") == EPOCH + timedelta(seconds=3631)


def test_a_world_shows_its_hosts_clock_and_has_luck_of_its_own() -> None:
    jumps: list[float] = []
    one, other = (NodeWorld(name, now=lambda: EPOCH, shift=jumps.append) for name in "ab")

    one.shift(5.0)

    assert (one.now(), jumps) == (EPOCH, [5.0])
    assert one.random.random() != other.random.random()
