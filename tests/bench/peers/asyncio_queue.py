"""The cases on a bare loop: a task and an `asyncio.Queue` each, and nothing around them.

No envelope, no supervision, no mailbox accounting: what an actor would cost if it were only
this. What has no meaning there (memory of an actor beyond its state) is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.bench.peers import scale
from tests.bench.peers.measuring import Stopwatch

_STOP = object()


async def _tell() -> float:
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def sink() -> None:
        while await queue.get() != scale.TELLS - 1:
            pass

    task = asyncio.create_task(sink())
    await asyncio.sleep(0)
    with Stopwatch() as watch:
        for number in range(scale.TELLS):
            queue.put_nowait(number)
        await task
    return scale.TELLS / watch.seconds


async def _echo(queue: asyncio.Queue[Any]) -> None:
    while (question := await queue.get()) is not _STOP:
        message, answer = question
        answer.set_result(message)


async def _question(queue: asyncio.Queue[Any], message: object) -> object:
    answer = asyncio.get_running_loop().create_future()
    queue.put_nowait((message, answer))
    return await answer


async def _ask() -> float:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    echo = asyncio.create_task(_echo(queue))
    await _question(queue, -1)
    with Stopwatch() as watch:
        for number in range(scale.ASKS):
            await _question(queue, number)
    echo.cancel()
    return scale.ASKS / watch.seconds


async def _ring() -> float:
    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(scale.RING)]
    done = asyncio.Event()

    async def link(mine: asyncio.Queue[int], following: asyncio.Queue[int]) -> None:
        while True:
            left = await mine.get()
            if left == 0:
                done.set()
            else:
                following.put_nowait(left - 1)

    pairs = zip(queues, [*queues[1:], queues[0]], strict=True)
    tasks = [asyncio.create_task(link(*pair)) for pair in pairs]
    await asyncio.sleep(0)
    with Stopwatch() as watch:
        queues[0].put_nowait(scale.HOPS)
        await done.wait()
    for task in tasks:
        task.cancel()
    return scale.HOPS / watch.seconds


async def _started() -> list[tuple[asyncio.Queue[Any], asyncio.Task[None]]]:
    queues: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in range(scale.ACTORS)]
    actors = [(queue, asyncio.create_task(_echo(queue))) for queue in queues]
    await _question(queues[-1], 0)
    return actors


async def _start() -> float:
    with Stopwatch() as watch:
        actors = await _started()
    for _, task in actors:
        task.cancel()
    return scale.ACTORS / watch.seconds


async def _stop() -> float:
    actors = await _started()
    with Stopwatch() as watch:
        for queue, _ in actors:
            queue.put_nowait(_STOP)
        for _, task in actors:
            await task
    return scale.ACTORS / watch.seconds


def run(case: str) -> float:
    """One measurement in a fresh loop."""

    async def measure() -> float:
        return await _CASES[case]()

    return asyncio.run(measure())


_CASES: dict[str, Callable[[], Awaitable[float]]] = {
    "tell": _tell,
    "ask": _ask,
    "ring": _ring,
    "start": _start,
    "stop": _stop,
}
