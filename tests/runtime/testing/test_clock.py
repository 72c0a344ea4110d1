"""Virtual time is exact, passes only when nothing else can, and never hangs."""

from __future__ import annotations

import contextlib
import gc
import itertools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime import Actor
from runtime.testing import running
from runtime.testing.clock import (
    ASK_EVERY_PASSES,
    Deadlock,
    JumpClock,
    Livelock,
    Patience,
    TimeIsUp,
    run,
    stop_listening,
)


def test_a_day_passes_at_once_and_ends_exactly_on_its_deadline() -> None:
    clock = JumpClock()
    run(trio.sleep, 86_400.25, clock=clock)
    assert clock.current_time() == 86_400.25


def test_ten_thousand_naps_are_exact() -> None:
    async def naps() -> float:
        for number in range(1, 10_001):
            await trio.sleep_until(number / 10)
        return trio.current_time()

    assert run(naps) == 1_000.0


def test_what_can_run_runs_before_time_passes() -> None:
    async def busy() -> float:
        with trio.move_on_after(1):
            for _ in range(1_000):
                await trio.lowlevel.checkpoint()
            return trio.current_time()
        raise AssertionError("time passed although a task could run")

    assert run(busy) == 0.0


def test_waiting_for_idleness_lets_no_time_pass() -> None:
    async def idle() -> float:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 5)
            await wait_all_tasks_blocked()
            return trio.current_time()

    assert run(idle) == 0.0


def test_a_deadlock_is_told_with_every_task_and_where_it_waits() -> None:
    async def waits_for_godot() -> None:
        await trio.Event().wait()

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waits_for_godot)
            await waits_for_godot()

    with pytest.raises(Deadlock) as told:
        run(both)
    assert str(told.value).count("test_clock.py") == 2
    assert "waits_for_godot" in str(told.value)


class Waiter(Actor[object]):
    async def on_receive(self, message: object) -> None:
        if isinstance(message, str):
            await trio.Event().wait()
        else:
            await message.ask("hello", timeout=float("inf"))  # type: ignore[attr-defined]


def test_a_deadlock_names_the_actors_and_for_whom_they_wait() -> None:
    async def circle() -> None:
        async with running() as system:
            first = system.spawn(Waiter, name="first")
            second = system.spawn(Waiter, name="second")
            second.tell("wait")
            first.tell(second)
            await trio.sleep_forever()

    with pytest.raises(Deadlock) as told:
        run(circle)
    lines = str(told.value).splitlines()
    (first,) = [line for line in lines if "root/spawned/first" in line.split(" handling ")[0]]
    assert "handling ActorRef, waiting for root/spawned/second: testing/test_clock.py:" in first
    assert any("root/spawned/second handling str: testing/test_clock.py:" in one for one in lines)


def test_a_deadlock_behind_a_shield_is_told_as_well() -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.Event().wait()

    with pytest.raises(Deadlock, match="stubborn"):
        run(stubborn)


def test_a_run_that_goes_round_in_circles_is_told_that_time_is_up() -> None:
    async def ticks() -> None:
        for _ in itertools.count():
            await trio.sleep(60)

    with pytest.raises(TimeIsUp, match="no end after 3,600 virtual seconds"):
        run(ticks, clock=JumpClock(limit_seconds=3_600))


def test_the_error_of_the_code_comes_out_as_it_is() -> None:
    async def fails() -> None:
        await trio.sleep(1)
        raise KeyError("as it is")

    with pytest.raises(KeyError, match="as it is"):
        run(fails)


def test_an_instrument_can_end_the_run() -> None:
    clock = JumpClock()

    class Ender(trio.abc.Instrument):
        def before_io_wait(self, _: float) -> None:
            if clock.current_time() >= 10:
                clock.fail(ValueError("seen enough"))

    async def ticks() -> None:
        for _ in itertools.count():
            await trio.sleep(1)

    with pytest.raises(ValueError, match="seen enough"):
        run(ticks, clock=clock, instruments=[Ender()])


def test_the_real_world_is_not_waited_for() -> None:
    """A thread answers later than any virtual deadline: such a test needs trio's own clock."""

    async def asks_a_thread() -> bool:
        done = threading.Event()
        with trio.move_on_after(3_600) as patience:
            await trio.to_thread.run_sync(done.wait, 0.05, abandon_on_cancel=True)
        done.set()
        return patience.cancelled_caught

    assert run(asks_a_thread)


def test_who_does_not_listen_to_the_outside_hears_it_in_the_end() -> None:
    async def naps_until_called() -> int:
        called: list[None] = []
        stop_listening()
        trio.lowlevel.current_trio_token().run_sync_soon(called.append, None)
        naps = 0
        while not called:
            naps += 1
            await trio.sleep(1)
        return naps

    assert run(naps_until_called) <= 2 * ASK_EVERY_PASSES


def test_a_deadlock_is_told_to_who_does_not_listen_too() -> None:
    async def waits() -> None:
        stop_listening()
        await trio.sleep_forever()

    with pytest.raises(Deadlock):
        run(waits)


def test_patience_begins_anew_whenever_the_clock_has_moved() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0], 10, "steps")
    for moment in (1.0, 2.0):
        now[0] = moment
        assert patience.lost(patience.until + 1, []) is None
    stuck = patience.lost(patience.until + 1, ["the last one"])
    assert str(stuck) == (
        "livelock: 10 steps without the virtual clock moving; the last:\n  the last one"
    )


async def _spins() -> None:
    while True:
        await trio.lowlevel.checkpoint()


async def _spins_behind_a_shield() -> None:
    with trio.CancelScope(shield=True):
        await _spins()


async def _spins_whatever_happens() -> None:
    while True:
        with contextlib.suppress(trio.Cancelled):
            await trio.lowlevel.checkpoint()


async def _plays_ping_pong() -> None:
    there, here = trio.open_memory_channel[int](0)

    async def serves() -> None:
        while True:
            await there.send(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serves)
        while True:
            await here.receive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "spins",
    [_spins, _plays_ping_pong, _spins_behind_a_shield, _spins_whatever_happens],
)
def test_who_never_lets_the_clock_move_is_a_livelock(spins: Callable[[], Awaitable[None]]) -> None:
    told = _livelock(spins)
    gc.collect()  # what was dropped goes now, and trio is not silent about it
    assert told.startswith(
        "livelock: 500 passes of trio without the virtual clock moving; the last:"
    )
    assert "test_clock.py" in told
    assert run(_naps) == 10.0, "the next run knows nothing of it"


def _livelock(spins: Callable[[], Awaitable[None]]) -> str:
    try:
        run(spins, passes_max=500)
    except Livelock as error:
        return str(error)
    return "it ended"


async def _naps() -> float:
    await trio.sleep(10)
    return trio.current_time()


class Spinner(Actor[str]):
    async def on_receive(self, message: str) -> None:
        await _spins()


def test_an_actor_that_spins_is_named_and_stopped_when_its_patience_is_over() -> None:
    stopped: list[float] = []

    async def scenario() -> None:
        try:
            async with running() as system:
                system.spawn(Spinner, name="top").tell("spin")
                await system.settle()
        finally:
            stopped.append(trio.current_time())

    with pytest.raises(Livelock, match=r"actor root/spawned/top handling str: .*test_clock.py"):
        run(scenario, passes_max=500)
    assert stopped[0] >= 10, "in good order: time passed for it"


def test_what_a_run_leaves_behind_has_its_time_and_no_more() -> None:
    async def tidies_up() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3600)

    left: list[AsyncIterator[int]] = []  # else the collector would finish it, and trio complain

    async def leaves() -> None:
        left.append(tidies_up())
        await anext(left[0])

    async def waits() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()

    async def starts() -> None:
        trio.lowlevel.spawn_system_task(waits)
        await trio.sleep(1)

    run(leaves)
    with pytest.raises(Deadlock, match="waits"):
        run(starts)
