"""What everybody waits for is told in lines that lead to the place."""

from __future__ import annotations

from collections.abc import Callable

import trio
from trio.testing import wait_all_tasks_blocked

from runtime import Actor
from runtime.testing import running
from runtime.testing.waiting import TASKS_MAX, runnable, waiting


class Waiter(Actor[Callable[[], object]]):
    async def on_receive(self, message: Callable[[], object]) -> None:
        await self._inner(message)

    async def _inner(self, message: Callable[[], object]) -> None:
        await message()  # type: ignore[misc]


async def nobody_comes() -> None:
    await trio.Event().wait()


async def _told(*tasks: Callable[[], object]) -> list[str]:
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task)  # type: ignore[arg-type]
        await wait_all_tasks_blocked()
        told = waiting().splitlines()
        nursery.cancel_scope.cancel()
    return [line.strip() for line in told]


async def test_a_task_is_told_with_the_innermost_place_of_its_own_code() -> None:
    (line,) = [line for line in await _told(nobody_comes) if "nobody" in line]
    place = "testing/test_waiting.py:24 in nobody_comes"
    assert line == f"task {__name__}.nobody_comes: {place}"


async def test_an_actor_is_told_with_its_message_and_where_its_handler_stands() -> None:
    async with running() as system:
        ref = system.spawn(Waiter, name="waiter")
        ref.tell(nobody_comes)
        (line,) = [line for line in await _told() if "actor" in line]
        place = "testing/test_waiting.py:24 in nobody_comes"
        assert line == f"actor root/spawned/waiter handling function: {place}"
        ref.kill()


async def test_what_only_rests_is_no_news() -> None:
    async with running() as system:
        await system.spawn(Waiter).ask(trio.lowlevel.checkpoint)
        assert [line for line in await _told() if "actor" in line or "timers" in line] == []


async def test_more_than_can_be_read_is_counted() -> None:
    told = await _told(*[nobody_comes] * (TASKS_MAX + 10))
    assert len(told) == TASKS_MAX + 1
    assert told[-1].endswith("tasks more")


class Sleeper(Actor[str]):
    async def on_start(self) -> None:
        await nobody_comes()


async def test_an_actor_that_does_not_come_up_is_told_with_its_own_place() -> None:
    async with running() as system:
        ref = system.spawn(Sleeper, name="sleeper")
        (line,) = [line for line in await _told() if "actor" in line]
        assert line == "actor root/spawned/sleeper: testing/test_waiting.py:24 in nobody_comes"
        ref.kill()


async def test_who_can_go_on_is_told_and_who_waits_is_not() -> None:
    async with trio.open_nursery() as nursery:
        for task in (nobody_comes, nobody_comes, trio.lowlevel.checkpoint):
            nursery.start_soon(task)
        started = f"task {__name__}.nobody_comes: testing/test_waiting.py:23 in nobody_comes"
        assert runnable(2) == [started] * 2
        await wait_all_tasks_blocked()
        assert runnable(5) == []
        nursery.cancel_scope.cancel()
