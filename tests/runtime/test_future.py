"""Asks: answers, failures, deadlines, cycles."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio

from runtime import (
    Actor,
    ActorDeadError,
    ActorSystem,
    AskCycleError,
    Backoff,
    Future,
    Timeout,
    WouldBlockError,
)
from runtime.testing import Probe, running
from tests.runtime.puppet import Puppet, fail, outage


class Helpful(Actor[Any]):
    """Answers, waits, fails, or asks somebody else."""

    def __init__(self, out: Probe | None = None) -> None:
        super().__init__()
        self._out = out or Probe()

    async def on_receive(self, message: Any) -> Any:
        self._out.tell(message)
        match message:
            case ("wait", seconds):
                await trio.sleep(seconds)
            case ("fail", text):
                raise ValueError(text)
            case ("ask", ref, question):
                return await ref.ask(question)
            case ("ask for", seconds, ref, question):
                return await ref.ask(question, timeout=seconds)
            case _:
                pass
        return message


async def test_who_waits_in_vain_is_told_for_how_long_and_why() -> None:
    async with running() as system:
        asleep = system.spawn(Helpful, name="slow")
        with pytest.raises(Timeout, match=r"root/spawned/slow did not answer in 2\.5 s$"):
            await asleep.ask(("wait", 60), timeout=2.5)
        patient = Backoff(first_seconds=60.0, last_seconds=60.0, jitter=0.0)
        for trouble, why in (
            (fail, "it failed, and is restarting"),
            (outage(), "it is suspended, and waits for what is unavailable"),
        ):
            ref = system.spawn(Puppet, backoff=patient)
            ref.tell(trouble)
            await system.settle()
            with pytest.raises(Timeout, match=f"did not answer in 5 s: {why}$"):
                await ref.ask("hello")


async def test_the_handlers_value_is_the_answer() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        future = ref.ask("hello")
        assert not future.done
        assert await future == "hello"
        assert await future == "hello", "an answer can be read again"
        assert future.get() == "hello"


async def test_a_failed_handler_fails_the_ask_and_the_actor_alike() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        with pytest.raises(ValueError, match="no"):
            await ref.ask(("fail", "no"))
        await trio.sleep(1)
        assert len(system.dead_letters) == 1
        assert system.snapshot().children[0].children[0].incarnation == 2


async def test_an_ask_that_is_not_answered_in_time_times_out_exactly() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        with pytest.raises(Timeout):
            await ref.ask(("wait", 60))
        assert trio.current_time() == 5.0
        with pytest.raises(Timeout):
            await ref.ask("hello", timeout=2)
        assert trio.current_time() == 7.0


async def test_a_question_nobody_waits_for_any_more_is_not_worked_on() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Helpful(out))
        ref.tell(("wait", 60))
        with pytest.raises(Timeout):
            await ref.ask("late", timeout=1)
        await trio.sleep(100)
        assert out.told == [("wait", 60)]
        assert system.fates().expired == 1


async def test_the_deadline_travels_with_nested_questions() -> None:
    async with running() as system:
        out = Probe()
        busy = system.spawn(lambda: Helpful(out), name="busy")
        middle = system.spawn(Helpful, name="middle")
        busy.tell(("wait", 3))
        with pytest.raises(Timeout):
            await middle.ask(("ask for", 60, busy, "deep"), timeout=2)
        await trio.sleep(100)
        assert out.told == [("wait", 3)], "the deep question had expired with the first one"


async def test_waiting_for_ever_is_possible_when_asked_for() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        assert await ref.ask(("wait", 10_000), timeout=math.inf) == ("wait", 10_000)


async def test_a_circle_of_questions_is_refused_when_it_closes() -> None:
    async with running() as system:
        a = system.spawn(Helpful, name="a")
        b = system.spawn(Helpful, name="b")
        with pytest.raises(AskCycleError, match="spawned/b -> root/spawned/a -> root/spawned/b"):
            await a.ask(("ask", b, ("ask", a, "hello")))
        with pytest.raises(AskCycleError):
            await a.ask(("ask", a, "myself"))
        assert trio.current_time() < 1


async def test_an_ask_is_answered_when_the_actor_stops_dies_or_is_killed_first() -> None:
    async with running() as system:
        for end in ("stop", "kill"):
            ref = system.spawn(Helpful)
            ref.tell(("wait", 1))
            future = ref.ask("behind")
            getattr(ref, end)()
            if end == "stop":
                assert await future == "behind", "what was queued before a stop is handled"
            else:
                with pytest.raises(ActorDeadError):
                    await future
            with pytest.raises(ActorDeadError):
                await ref.ask("too late")


async def test_a_cancelled_wait_leaves_the_future_usable() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        future = ref.ask(("wait", 2))
        with trio.move_on_after(1) as scope:
            await future
        assert scope.cancelled_caught
        assert await future == ("wait", 2)


async def test_many_may_wait_for_one_answer() -> None:
    async with running() as system:
        future = system.spawn(Helpful).ask(("wait", 1))
        answers: list[Any] = []

        async def wait() -> None:
            answers.append(await future)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(wait)
        assert answers == [("wait", 1)] * 3


@pytest.mark.real_clock  # another thread runs a trio of its own
async def test_another_trio_cannot_await_and_breaks_nothing_by_trying() -> None:
    async with ActorSystem() as system:
        question: Future[str] = Future(system)

        async def abroad() -> None:
            with pytest.raises(RuntimeError, match="another trio"):
                await question

        await trio.to_thread.run_sync(trio.run, abroad)
        question.set("an answer")
        assert await question == "an answer"


async def test_blocking_on_the_trio_thread_is_refused() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        with pytest.raises(WouldBlockError, match="await"):
            ref.ask("hello").get()
        with pytest.raises(WouldBlockError):
            ref.ask("hello", block=True)


async def test_pykkas_combinators_await() -> None:
    async with running() as system:
        ref = system.spawn(Helpful)
        assert await ref.ask(20).map(lambda x: x + 1) == 21
        assert await ref.ask([5, 20]).filter(lambda x: x > 10) == [20]
        assert await ref.ask(1).join(ref.ask(2), ref.ask(3)) == [1, 2, 3]
        assert await ref.ask([1, 2, 3]).reduce(lambda x, y: x + y, 10) == 16
        with pytest.raises(ValueError, match="no"):
            await ref.ask(("fail", "no")).map(lambda x: x)


async def test_a_future_is_set_once() -> None:
    async with running() as system:
        future: Future[int] = Future(system)
        future.set(1)
        with pytest.raises(RuntimeError, match="already"):
            future.set(2)
        assert await future == 1
