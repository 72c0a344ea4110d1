"""A thread gets all that is queued at once: order, failures and deadlines inside a batch."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest
import trio

from runtime import ActorSystem, Timeout
from runtime.batch import BATCH_MESSAGES_MAX
from tests.runtime.puppet import QUICK, Blocking, fail, outage

pytestmark = pytest.mark.real_clock


class Held:
    """An actor that waits until the test lets it go, so that what follows queues up."""

    def __init__(self, system: ActorSystem) -> None:
        self.go = threading.Event()
        self.done: list[Any] = []
        self.ref = system.spawn(Blocking, backoff=QUICK)
        self.ref.tell(lambda _: self.go.wait(5))

    def note(self, what: object) -> Any:
        """A message that leaves a note."""
        return lambda _: self.done.append(what)


async def test_a_flood_costs_one_crossing_for_hundreds_of_messages() -> None:
    async with ActorSystem() as system:
        held = Held(system)
        await trio.sleep(0.05)
        calls = 0
        thread: Any = held.ref._cell.thread
        put = thread._jobs.put

        class Counting:
            """The thread's queue of jobs, and how many it was given."""

            get = staticmethod(thread._jobs.get)

            @staticmethod
            def put(job: Any) -> None:
                nonlocal calls
                calls += 1
                put(job)

        thread._jobs = Counting()
        for number in range(2 * BATCH_MESSAGES_MAX):
            held.ref.tell(held.note(number))
        held.go.set()
        await held.ref.ask("done")
        assert held.done == list(range(2 * BATCH_MESSAGES_MAX))
        assert calls <= 4


async def test_a_failure_in_the_middle_keeps_what_is_behind_it_in_order() -> None:
    async with ActorSystem() as system:
        held = Held(system)
        await trio.sleep(0.05)
        for number in range(10):
            held.ref.tell(held.note(number))
            if number == 4:
                held.ref.tell(fail)
        failed = held.ref.ask(fail)
        last = held.ref.ask("last")
        held.go.set()
        with pytest.raises(ValueError, match="told to"):
            await failed
        assert await last == "last"
        assert held.done == list(range(10))
        assert held.ref._cell.incarnation == 3


async def test_an_outage_in_the_middle_repeats_that_message_only() -> None:
    async with ActorSystem() as system:
        held, away = Held(system), outage()
        await trio.sleep(0.05)
        held.ref.tell(held.note("before"))
        held.ref.tell(lambda _: (away(None), held.done.append("repeated")))
        held.ref.tell(held.note("behind"))
        held.go.set()
        await held.ref.ask("done")
        assert held.done == ["before", "repeated", "behind"]


async def test_questions_that_expire_inside_a_batch_are_not_worked_on() -> None:
    def slow(held: Held, number: int, _: object) -> None:
        held.done.append(number)
        time.sleep(0.2)

    async with ActorSystem() as system:
        held = Held(system)
        await trio.sleep(0.05)
        futures = [held.ref.ask(partial(slow, held, n), timeout=0.3) for n in range(10)]
        held.ref.tell(held.note("told"))
        held.go.set()
        for future in futures[3:]:
            with pytest.raises(Timeout):
                await future
        await held.ref.ask("done")
        assert held.done[-1] == "told"
        assert len(held.done) <= 4
        assert system.fates().expired >= 7


async def test_a_stop_in_the_queue_waits_for_what_is_before_it() -> None:
    async with ActorSystem() as system:
        held = Held(system)
        await trio.sleep(0.05)
        for number in range(BATCH_MESSAGES_MAX + 10):
            held.ref.tell(held.note(number))
        stopped = held.ref.stop()
        held.go.set()
        assert await stopped
        assert held.done == list(range(BATCH_MESSAGES_MAX + 10))


async def test_answers_of_a_batch_go_to_those_who_asked() -> None:
    async with ActorSystem() as system:
        held = Held(system)
        await trio.sleep(0.05)
        futures = [held.ref.ask(number) for number in range(100)]
        held.go.set()
        assert [await future for future in futures] == list(range(100))


async def test_a_batch_that_runs_is_seen_from_outside() -> None:
    async with ActorSystem() as system:
        held = Held(system)
        held.ref.tell("behind")
        await trio.sleep(0.2)
        (node,) = system.snapshot().children[0].children
        assert node.mailbox_depth == 2
        assert node.busy_seconds > 0.1
        assert node.oldest_message_seconds > 0.1
        held.go.set()
