"""The world as actors see it: time, randomness and fresh ids, all of it replaceable.

This is the one file of the runtime that may ask the machine for any of them.
"""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Protocol

import trio

THREAD_SECONDS_MAX = 0.01


class World(Protocol):
    """Where an `ActorSystem` gets its time and its luck from."""

    random: random.Random

    def bind(self, clock: trio.abc.Clock) -> None:
        """Use the clock of the running trio; called once when the system starts."""
        ...

    def now(self) -> datetime:
        """The wall clock, aware, in UTC; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""
        ...

    def uuid(self) -> uuid.UUID:
        """A fresh random id."""
        ...

    def stopwatch(self) -> float:
        """Seconds for measuring how long our own code ran; constant where time is virtual."""
        ...

    def thread_seconds(self) -> float:
        """How long a thread that is played on trio's takes until it has done its next job."""
        ...


class RealWorld:
    """The machine's own clocks and randomness."""

    def __init__(self) -> None:
        self.random: random.Random = random.SystemRandom()

    def bind(self, clock: trio.abc.Clock) -> None:
        """Take monotonic time from `clock`, so that every thread may ask for it."""
        self.monotonic = clock.current_time  # type: ignore[method-assign]

    def now(self) -> datetime:
        """The machine's wall clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """The clock of the running trio."""
        return trio.current_time()  # until `bind` has replaced it

    def uuid(self) -> uuid.UUID:
        """A version 4 UUID."""
        return uuid.uuid4()

    def stopwatch(self) -> float:
        """`time.perf_counter`."""
        return time.perf_counter()

    def thread_seconds(self) -> float:
        """Nothing: real threads take their own time."""
        return 0.0


class VirtualWorld:
    """A world that repeats itself: seeded luck, and a wall clock that follows trio's.

    `epoch` is the wall clock's reading when the system starts; `shift` makes it jump.
    """

    def __init__(
        self, *, seed: int | str = 0, epoch: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose, never a secret
        self._threads = random.Random(f"threads:{seed}")  # noqa: S311 - as above
        self._epoch = epoch
        self._started = 0.0

    def bind(self, clock: trio.abc.Clock) -> None:
        """Take monotonic time from `clock`; the epoch is now."""
        self.monotonic = clock.current_time  # type: ignore[method-assign]
        self._started = clock.current_time()

    def now(self) -> datetime:
        """The epoch plus the virtual seconds since the start."""
        return self._epoch + timedelta(seconds=self.monotonic() - self._started)

    def shift(self, seconds: float) -> None:
        """Let the wall clock jump, as an NTP correction or an operator would."""
        self._epoch += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """The clock of the running trio, which jumps in tests instead of sleeping."""
        return trio.current_time()  # until `bind` has replaced it

    def uuid(self) -> uuid.UUID:
        """A UUID drawn from the seed."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def stopwatch(self) -> float:
        """Always zero: how fast the machine is must not change what happens."""
        return 0.0

    def thread_seconds(self) -> float:
        """Up to 10 ms, drawn from a stream of its own."""
        return self._threads.uniform(0.0, THREAD_SECONDS_MAX)
