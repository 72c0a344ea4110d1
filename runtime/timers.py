"""Every timer of a system in one heap, served by one task.

A heap entry costs a third of a microsecond and 160 bytes; a sleeping task costs a hundred
times the time and twenty times the memory.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Any, Protocol

import trio

COMPACT_ABOVE = 128

Handle = list[Any]
"""[when, order, callback]; a cancelled one has no callback. Opaque outside this file."""


class Timers:
    """Call back at a monotonic time; cancelling is free and compacts what it leaves behind."""

    def __init__(self) -> None:
        self._heap: list[Handle] = []
        self._order = itertools.count()
        self._cancelled = 0
        self._sleep: trio.CancelScope | None = None
        self._alarm = math.inf

    def __len__(self) -> int:
        """Timers that are still going to fire."""
        return len(self._heap) - self._cancelled

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        """Call `callback` at `when`; it must not raise, and it must not block."""
        handle: Handle = [when, next(self._order), callback]
        heapq.heappush(self._heap, handle)
        if when < self._alarm:
            self._alarm = when
            if self._sleep is not None:
                self._sleep.deadline = when
        return handle

    def cancel(self, handle: Handle) -> None:
        """Take a timer back; one that has fired is none."""
        if handle[2] is not None:
            handle[2] = None
            self._cancelled += 1
            if self._cancelled > COMPACT_ABOVE and self._cancelled * 2 > len(self._heap):
                self._heap = [entry for entry in self._heap if entry[2] is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def fire_due(self, now: float) -> None:
        """Call back whatever is due, in the order of its times."""
        while self._heap and (self._heap[0][2] is None or self._heap[0][0] <= now):
            handle = heapq.heappop(self._heap)
            callback, handle[2] = handle[2], None
            if callback is None:
                self._cancelled -= 1
            else:
                callback()

    async def serve(self) -> None:
        """Fire timers as they come due, until cancelled."""
        while True:
            self._alarm = self._heap[0][0] if self._heap else math.inf
            with trio.CancelScope(deadline=self._alarm) as self._sleep:
                await trio.sleep_forever()
            self._sleep = None
            self.fire_due(trio.current_time())


class Expiring(Protocol):
    """Something that ends at a deadline unless it is done before."""

    def expire(self) -> None:
        """The deadline has come."""
        ...


class Expiries:
    """Deadlines that mostly come in order, as those of asks do: one timer for all of them.

    Nearly every ask has the same time-out and is answered long before it. In order, adding
    and taking back are one dictionary operation each; what comes out of order gets a timer.
    """

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._in_order: dict[Expiring, float] = {}
        self._own: dict[Expiring, Handle] = {}
        self._last = -math.inf
        self._timer: Handle | None = None

    def add(self, expiring: Expiring, deadline: float) -> None:
        """Expire it at `deadline`; twice is once."""
        if deadline == math.inf:
            return
        if deadline >= self._last:
            self._last = deadline
            self._in_order[expiring] = deadline
            if self._timer is None:
                self._timer = self._timers.call_at(deadline, self._look)
        elif expiring not in self._in_order and expiring not in self._own:
            self._own[expiring] = self._timers.call_at(deadline, expiring.expire)

    def discard(self, expiring: Expiring) -> None:
        """It is done."""
        if self._in_order.pop(expiring, None) is None:
            handle = self._own.pop(expiring, None)
            if handle is not None:
                self._timers.cancel(handle)

    def _look(self) -> None:
        """Expire what stands first and is due, and wait for the next."""
        self._timer = None
        due = trio.current_time()
        while self._in_order:
            expiring = next(iter(self._in_order))
            deadline = self._in_order[expiring]
            if deadline > due:
                self._timer = self._timers.call_at(deadline, self._look)
                return
            del self._in_order[expiring]
            expiring.expire()
