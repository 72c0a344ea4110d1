"""One heap of timers, and deadlines that come in order."""

from __future__ import annotations

from functools import partial

import trio
import trio.testing

from runtime.timers import COMPACT_ABOVE, Expiries, Timers


async def _serving(nursery: trio.Nursery) -> Timers:
    timers = Timers()
    nursery.start_soon(timers.serve)
    await trio.testing.wait_all_tasks_blocked()
    return timers


async def test_timers_fire_in_the_order_of_their_times() -> None:
    fired: list[tuple[str, float]] = []
    async with trio.open_nursery() as nursery:
        timers = await _serving(nursery)
        for name, when in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("a2", 1.0)):
            timers.call_at(when, partial(_note, fired, name))
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert fired == [("a", 1.0), ("a2", 1.0), ("b", 2.0), ("c", 3.0)]


async def test_an_earlier_timer_set_later_is_not_overslept() -> None:
    fired: list[float] = []
    async with trio.open_nursery() as nursery:
        timers = await _serving(nursery)
        timers.call_at(100.0, lambda: fired.append(trio.current_time()))
        await trio.sleep(1)
        timers.call_at(2.0, lambda: fired.append(trio.current_time()))
        await trio.sleep(200)
        nursery.cancel_scope.cancel()
    assert fired == [2.0, 100.0]


async def test_a_cancelled_timer_never_fires_and_leaves_no_litter() -> None:
    async with trio.open_nursery() as nursery:
        timers = await _serving(nursery)
        handles = [timers.call_at(50.0 + n, _never) for n in range(10 * COMPACT_ABOVE)]
        for handle in handles:
            timers.cancel(handle)
            timers.cancel(handle)
        assert len(timers) == 0
        assert len(timers._heap) <= 2 * COMPACT_ABOVE
        await trio.sleep(5_000)
        nursery.cancel_scope.cancel()


async def test_a_timer_may_set_a_timer() -> None:
    fired: list[float] = []
    async with trio.open_nursery() as nursery:
        timers = await _serving(nursery)

        def again() -> None:
            fired.append(trio.current_time())
            if len(fired) < 3:
                timers.call_at(trio.current_time() + 1.0, again)

        timers.call_at(1.0, again)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert fired == [1.0, 2.0, 3.0]


class _Ask:
    def __init__(self, into: list[tuple[str, float]], name: str) -> None:
        self._into = into
        self._name = name

    def expire(self) -> None:
        self._into.append((self._name, trio.current_time()))


async def test_deadlines_in_order_and_out_of_order_expire_exactly() -> None:
    expired: list[tuple[str, float]] = []
    async with trio.open_nursery() as nursery:
        timers = await _serving(nursery)
        expiries = Expiries(timers)
        answered = _Ask(expired, "answered")
        for name, deadline in (("five", 5.0), ("two", 2.0), ("six", 6.0), ("never", float("inf"))):
            expiries.add(_Ask(expired, name), deadline)
        expiries.add(answered, 7.0)
        expiries.discard(answered)
        await trio.sleep(20)
        nursery.cancel_scope.cancel()
    assert expired == [("two", 2.0), ("five", 5.0), ("six", 6.0)]


async def test_a_million_answered_asks_leave_nothing_behind() -> None:
    async with trio.open_nursery() as nursery:
        timers = await _serving(nursery)
        expiries = Expiries(timers)
        for number in range(10_000):
            ask = _Ask([], "")
            expiries.add(ask, 5.0 + number / 1e6)
            expiries.discard(ask)
        assert len(timers) <= 1
        await trio.sleep(10)
        nursery.cancel_scope.cancel()


def _note(into: list[tuple[str, float]], name: str) -> None:
    into.append((name, trio.current_time()))


def _never() -> None:
    raise AssertionError("a cancelled timer fired")
