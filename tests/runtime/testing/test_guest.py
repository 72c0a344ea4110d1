"""A trio run that is stepped from outside: no thread, no real time, no step too many."""

from __future__ import annotations

import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.testing.clock import Deadlock, Livelock
from runtime.testing.guest import TICKS_MAX, Guest

Told = list[tuple[float, Any]]


def run(deed: Callable[[Told], Awaitable[None]], ticks_max: int = TICKS_MAX) -> tuple[Guest, Told]:
    told: Told = []
    return Guest(lambda: deed(told), ticks_max=ticks_max), told


def note(told: Told, what: Any) -> None:
    told.append((trio.current_time(), what))


async def ticks(told: Told) -> None:
    for number in range(3):
        note(told, number)
        await trio.sleep(10)


def test_nothing_moves_by_itself_and_time_only_when_told() -> None:
    before = threading.active_count()
    stepped, told = run(ticks)

    assert told == []
    stepped.settle()
    assert told == [(0.0, 0)]
    stepped.advance(9.5)
    assert told == [(0.0, 0)]
    stepped.advance(0.5)
    assert told == [(0.0, 0), (10.0, 1)]
    assert threading.active_count() == before, "no thread waits for it"
    stepped.end().unwrap()
    assert told == [(0.0, 0), (10.0, 1), (20.0, 2)]
    assert stepped.clock.seconds == 30.0


def test_each_deadline_is_met_at_its_own_time() -> None:
    stepped, told = run(ticks)

    stepped.advance(1000)
    assert [when for when, _ in told] == [0.0, 10.0, 20.0]


def test_what_the_run_ends_with_is_raised_where_it_was_stepped() -> None:
    async def fails(_: Told) -> None:
        await trio.sleep(1)
        raise KeyError("x")

    stepped, _ = run(fails)

    stepped.settle()
    with pytest.raises(KeyError):
        stepped.advance(2)


def test_waiting_until_something_is_done_takes_the_time_it_takes() -> None:
    stepped, told = run(ticks)

    stepped.until(lambda: len(told) == 3)
    assert stepped.clock.seconds == 20.0
    stepped.end().unwrap()


def test_a_run_that_cannot_go_on_says_where_it_waits() -> None:
    gate: list[trio.Event] = []

    async def waits(_: Told) -> None:
        gate.append(trio.Event())
        await gate[0].wait()

    stepped, _ = run(waits)

    with pytest.raises(Deadlock, match=r"test_guest.py:\d+ in .*waits"):
        stepped.end()
    gate[0].set()
    stepped.end().unwrap()


def test_tasks_that_never_rest_are_a_livelock() -> None:
    async def spins(_: Told) -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            while True:
                await trio.lowlevel.checkpoint()

    scopes: list[trio.CancelScope] = []
    stepped, _ = run(spins, ticks_max=1_000)

    with pytest.raises(Livelock, match="no rest after 1,000 ticks"):
        stepped.settle()
    scopes[0].cancel()
    stepped.end().unwrap()


def test_what_waits_for_everybody_to_rest_lets_no_time_pass() -> None:
    async def rests(told: Told) -> None:
        await wait_all_tasks_blocked()
        note(told, "rested")

    stepped, told = run(rests)

    stepped.end().unwrap()
    assert told == [(0.0, "rested")]


def test_what_comes_in_from_outside_is_seen() -> None:
    async def listens(told: Told) -> None:
        token.append(trio.lowlevel.current_trio_token())
        await trio.sleep(5)

    token: list[trio.lowlevel.TrioToken] = []
    stepped, told = run(listens)

    stepped.settle()
    token[0].run_sync_soon(note, told, "in")
    stepped.settle()
    assert told == [(0.0, "in")]
    stepped.end().unwrap()


def test_what_is_due_at_once_is_done_before_it_rests() -> None:
    async def hurries(told: Told) -> None:
        for number in range(10):
            with trio.CancelScope(deadline=trio.current_time()):
                await trio.sleep_forever()
            note(told, number)
        await trio.sleep(5)

    stepped, told = run(hurries)

    stepped.settle()
    assert told == [(0.0, number) for number in range(10)]
    stepped.end().unwrap()


def test_who_spins_until_his_patience_is_over_has_it() -> None:
    async def spins(_: Told) -> None:
        with trio.move_on_after(3600):
            while True:
                await trio.lowlevel.checkpoint()

    stepped, _ = run(spins)

    stepped.drop()
    assert stepped.outcome is not None
    stepped.outcome.unwrap()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("waits", [trio.lowlevel.checkpoint, trio.sleep_forever])
def test_what_nothing_can_stop_is_dropped_and_another_run_may_begin(
    waits: Callable[[], Awaitable[None]],
) -> None:
    async def stubborn(_: Told) -> None:
        with trio.CancelScope(shield=True):
            while True:
                await waits()

    stepped, _ = run(stubborn)

    stepped.drop()
    assert stepped.outcome is not None
    with pytest.raises(trio.TrioInternalError):
        stepped.outcome.unwrap()
    del stepped
    gc.collect()  # it goes now, and trio is not silent about it
    other, told = run(ticks)
    other.end().unwrap()
    assert len(told) == 3


def test_time_does_not_go_back() -> None:
    stepped, _ = run(ticks)

    with pytest.raises(ValueError, match="seconds is -1"):
        stepped.advance(-1)
    stepped.end().unwrap()
