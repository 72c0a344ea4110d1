"""`python -m tests.bench ingress --minutes 10`: webhooks at a steady rate beside live sessions.

`main.py run` as in production, on a PostgreSQL of its own with fsync. People come first, and each
of them goes on to write now and then, so that all their sessions stay awake; webhooks come at their
rate, whoever is late. Each minute, and at the end, it is said how long acknowledgements took, how
much memory the process has, and how many of the people were answered.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import trio

from adapters.postgres.embedded import EmbeddedServer
from adapters.sandbox.telegram_user import TelegramUser
from tests.bench import ingress, load
from tests.config.program import outside
from tests.fixtures.postgres import reachable_folder, url_of

TALKS_PER_SECOND = 10.0
"""Messages of all people together; a thousand of them write every 100 s, and none falls asleep."""
ANSWER_SECONDS_MAX = 30.0
"""Whoever is answered later is not answered."""
GREETING_SECONDS_MAX = 600.0
"""The same while all of them come at once, and Telegram allows some 28 answers a second."""

UNITS = {
    "p50": "seconds until a webhook was acknowledged, by minute",
    "p99": "the same, for 99 of 100",
    "slowest": "the same, for the slowest",
    "refused": "webhooks that were not answered 200",
    "memory": "resident bytes of the process: before, and after each minute",
    "cpu": "processor seconds of the process, for each second of the load",
    "people": "people, people who wrote and were answered meanwhile, and answers that never came",
    "answer_p99": "seconds until 99 of 100 of them were answered",
}


def run(*, minutes: int, per_second: int, people: int) -> dict[str, Any]:
    """One measurement, a few minutes longer than `minutes`."""
    figures: dict[str, list[float]] = {case: [] for case in UNITS}
    with _world(people) as (channel, settings), ingress.running("factorage", settings) as served:
        port, process = served
        _greet(channel, people)
        figures["memory"].append(resident_bytes(process.pid))
        for minute in range(1, minutes + 1):
            before = ingress.cpu_seconds(process.pid)
            requests = ingress.events(60 * per_second)
            outcome = load.steady(port, requests, per_second=per_second)
            figures["cpu"].append((ingress.cpu_seconds(process.pid) - before) / outcome.seconds)
            for case, part in (("p50", 0.5), ("p99", 0.99), ("slowest", 1.0)):
                figures[case].append(outcome.latency(part))
            figures["refused"].append(len(requests) - outcome.accepted)
            figures["memory"].append(resident_bytes(process.pid))
            newest = (f"{case} {values[-1]:,.4g}" for case, values in figures.items() if values)
            ingress.progress(f"{minute}/{minutes} {'  '.join(newest)}")
        figures |= _enough(channel)
    return {
        "bench": "endurance",
        "unit": UNITS,
        "results": {case: {"factorage": values} for case, values in figures.items()},
    }


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def _greet(channel: Connection, people: int) -> None:
    ingress.progress(f"{people} people come")
    channel.send("come")
    channel.recv()


def _enough(channel: Connection) -> dict[str, list[float]]:
    channel.send("enough")
    told: dict[str, list[float]] = channel.recv()
    return told


@contextmanager
def _world(people: int) -> Iterator[tuple[Connection, dict[str, str]]]:
    """PostgreSQL and Telegram in a process of their own, and how it is told what to do."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    world = spawn.Process(target=_serve, args=(theirs, people))
    world.start()
    theirs.close()  # so that its end is heard
    try:
        yield ours, ours.recv()
    finally:
        ours.close()
        world.join()


def _serve(channel: Connection, people: int) -> None:
    folder = reachable_folder()
    server = EmbeddedServer(folder / "postgres")
    trio.run(_until_enough, server, channel, people)
    shutil.rmtree(folder, ignore_errors=True)


async def _until_enough(server: EmbeddedServer, channel: Connection, people: int) -> None:
    await server.start()
    try:
        async with outside() as world:
            channel.send(world.environment(DATABASE_URL=url_of(server, "postgres")))
            await trio.to_thread.run_sync(channel.recv)
            users = [world.telegram.user(number + 1) for number in range(people)]
            greeted = Crowd()
            async with trio.open_nursery() as nursery:
                for user in users:
                    nursery.start_soon(greeted.talk, user, GREETING_SECONDS_MAX)
            channel.send("everybody has been greeted")
            crowd = Crowd()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(crowd.go_on, users)
                await trio.to_thread.run_sync(channel.recv, abandon_on_cancel=True)
                nursery.cancel_scope.cancel()
            channel.send(crowd.figures(people))
            await trio.to_thread.run_sync(_hang_up, channel)
    finally:
        await server.stop()


def _hang_up(channel: Connection) -> None:
    """Wait until the other side has let go: the system under test has stopped by then."""
    try:
        channel.recv()
    except EOFError:
        channel.close()


class Crowd:
    """People who write to the shop, and how they are answered."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._answered: Counter[int] = Counter()
        self._unanswered = 0

    async def talk(self, user: TelegramUser, patience: float = ANSWER_SECONDS_MAX) -> None:
        """He starts over, and waits for what the shop says to that."""
        user.commands("/start")
        changed, began = user.chat.changed, trio.current_time()
        with trio.move_on_after(patience) as waiting:
            await changed.wait()
        if waiting.cancelled_caught:
            self._unanswered += 1
        else:
            self._seconds.append(trio.current_time() - began)
            self._answered[user.id] += 1

    async def go_on(self, users: list[TelegramUser]) -> None:
        """One after the other, over and over, whoever is answered late."""
        began, written = trio.current_time(), 0
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self.talk, users[written % len(users)])
                written += 1
                await trio.sleep_until(began + written / TALKS_PER_SECOND)

    def figures(self, people: int) -> dict[str, list[float]]:
        """For the report."""
        ordered = sorted(self._seconds) or [0.0]
        return {
            "people": [people, len(self._answered), self._unanswered],
            "answer_p99": [ordered[int(len(ordered) * 0.99)]],
        }
