"""Helping: the turn of a question runs in the asker's step, and nobody can tell the difference."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime import (
    Actor,
    ActorDeadError,
    ActorRef,
    ActorSystem,
    AskCycleError,
    Dispatch,
    Future,
    State,
    Timeout,
    Unavailable,
    VirtualWorld,
    correlation_id,
)
from runtime.cell import current_worker
from runtime.helping import Helper
from runtime.testing import TestSystem, running
from tests.runtime.puppet import QUICK, Puppet, fail, outage, sleeps


class Plain(Actor[Any]):
    """A callable it is told runs inside it; anything else is answered with itself."""

    def on_receive(self, message: Any) -> Any:
        return message(self) if callable(message) else message


async def plain(system: ActorSystem) -> ActorRef[Any]:
    """An actor that is up and at rest."""
    ref = system.spawn(Plain, backoff=QUICK)
    await ref.ask("hello")
    await wait_all_tasks_blocked()
    return ref


def helped(_: object) -> bool:
    """Told to an actor, it answers whether its asker runs it."""
    return isinstance(current_worker.get(), Helper)


def act(deed: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Told to an actor, it makes sure that it is helped before it acts."""

    def do(me: Any) -> Any:
        assert helped(me)
        return deed(me)

    return do


async def test_a_question_to_an_actor_at_rest_is_answered_without_a_switch_of_tasks() -> None:
    async with running() as system:
        ref = await plain(system)
        me = trio.lowlevel.current_task()
        assert await ref.ask(helped)
        assert await ref.ask(lambda _: trio.lowlevel.current_task() is me)
        assert await system.spawn(Puppet).ask(helped) is False, "a coroutine function is not helped"


async def test_an_actor_helps_another_that_it_asks() -> None:
    async with running() as system:
        ref, asker = await plain(system), system.spawn(Puppet)
        assert await asker.ask(lambda _: ref.ask(helped))


async def test_whoever_has_others_before_him_waits_for_his_turn() -> None:
    order: list[str] = []
    async with running() as system:
        ref, other = await plain(system), await plain(system)
        other.tell(lambda _: order.append("other"))
        await ref.ask(lambda _: order.append("ref"))
        ref.tell(lambda _: order.append("told"))
        await ref.ask(lambda _: order.append("asked"))
        question = ref.ask(lambda _: order.append("first"))
        other.tell(lambda _: order.append("second"))
        await question
        await system.settle()
    assert order == ["other", "ref", "told", "asked", "first", "second"]


async def test_a_handler_sees_nothing_of_its_askers_context() -> None:
    secret: ContextVar[str] = ContextVar("secret", default="nothing")
    async with running() as system:
        ref = await plain(system)
        secret.set("the asker's")
        assert await ref.ask(act(lambda _: secret.get())) == "nothing"
        assert secret.get() == "the asker's"


async def test_sender_deadline_and_correlation_are_those_of_the_question() -> None:
    seen: list[Any] = []
    asked: list[Any] = []

    def look(me: Any) -> None:
        _, _, sender, deadline, correlation, _ = me._cell.current
        seen.append((sender and sender.path, deadline, correlation))

    async with running() as system:
        last, ref = system.spawn(Puppet), await plain(system)
        token = correlation_id.set("edge-1")
        await ref.ask(act(lambda _: last.tell(look)))
        await system.settle()
        await ref.ask(act(lambda _: asked.append(last.ask(look))), timeout=2.0)
        correlation_id.reset(token)
        await system.settle()
        assert seen == [
            (ref._cell.path, None, "edge-1"),
            (ref._cell.path, trio.current_time() + 2.0, "edge-1"),
        ]


async def test_a_failure_is_the_actors_and_the_askers_and_its_supervisor_decides() -> None:
    async with running() as system:
        ref = await plain(system)
        with pytest.raises(ValueError, match="told to"):
            await ref.ask(act(fail))
        assert ref.state is State.RESTARTING
        assert [dead.reason for dead in system.dead_letters] == ["failed"]
        assert await ref.ask("again") == "again"
        assert ref._cell.incarnation == 2


async def test_an_outage_suspends_and_the_asker_is_told() -> None:
    async with running() as system:
        ref = await plain(system)
        with pytest.raises(Unavailable):
            await ref.ask(act(outage()))
        assert ref.state is State.WAITING
        assert await ref.ask("again") == "again"


async def test_a_handler_that_answers_a_coroutine_goes_on_with_the_leader() -> None:
    async def slowly(me: Any) -> tuple[bool, str]:
        await trio.sleep(1)
        return helped(me), me._cell.current[4]

    async with running() as system:
        ref = await plain(system)
        correlation_id.set("edge-2")
        assert await ref.ask(act(slowly)) == (False, "edge-2")
        assert trio.current_time() == 1.0
        assert await ref.ask("again") == "again"


async def test_a_coroutine_that_fails_is_a_failure_as_any_other() -> None:
    async def falls(_: Any) -> None:
        await trio.sleep(1)
        raise ValueError("late")

    async with running() as system:
        ref = await plain(system)
        with pytest.raises(ValueError, match="late"):
            await ref.ask(act(falls))
        assert [dead.reason for dead in system.dead_letters] == ["failed"]


async def test_one_that_kills_itself_has_handled_its_message_first() -> None:
    async with running() as system:
        ref = await plain(system)
        answer = ref.ask(act(lambda me: me.actor_ref.kill() or "done"))
        assert await answer == "done"
        assert not ref.is_alive()
        await system.settle()
        assert ref.state is State.STOPPED


async def test_one_that_stops_itself_stops_after_what_is_queued() -> None:
    async with running() as system:
        ref = system.spawn(Plain, restart="temporary")
        await ref.ask("up")
        assert await ref.ask(act(lambda me: me.stop() or "bye")) == "bye"
        await system.settle()
        assert ref.state is State.STOPPED


def hand_over(system: ActorSystem, ref: ActorRef[Any], deed: Callable[[Any], Any]) -> Future[Any]:
    """A question whose handler could not be ended by whoever helped; the leader comes next."""
    question: Future[Any] = ref.ask(act(deed))
    assert not system.workers.help(ref._cell, question)
    assert system.workers.helper.handed is not None
    return question


@pytest.mark.parametrize(
    ("deed", "end", "reason"),
    [(fail, ValueError, "failed"), (sleeps(5), ActorDeadError, "killed")],
    ids=["a failure", "a coroutine"],
)
async def test_a_kill_before_the_leader_has_taken_over_leaves_one_fate(
    deed: Callable[[Any], Any], end: type[Exception], reason: str
) -> None:
    async with running() as system:
        ref = await plain(system)
        question = hand_over(system, ref, deed)
        ref.kill()  # has to wait, as for a handler on the stack
        await system.settle()
        ref.kill()
        with pytest.raises(end):
            await question
        assert ref.state is State.STOPPED
        assert [dead.reason for dead in system.dead_letters] == [reason]


async def test_a_coroutine_that_was_handed_over_does_not_begin_after_a_kill() -> None:
    async with running() as system:
        ref = await plain(system)
        question = hand_over(system, ref, sleeps(math.inf))
        ref.kill()
        with pytest.raises(ActorDeadError):
            await question
        assert ref.state is State.STOPPED
        assert trio.current_time() == 0.0
        assert [dead.reason for dead in system.dead_letters] == ["killed"]


@pytest.mark.parametrize("deed", [fail, sleeps(5)], ids=["a failure", "a coroutine"])
async def test_a_system_that_is_cancelled_before_the_leader_comes_leaves_nothing_behind(
    deed: Callable[[Any], Any],
) -> None:
    system = TestSystem(None, VirtualWorld(), dispatch=Dispatch(lead_turns_max=2))
    left: Any = None
    with trio.CancelScope() as scope:
        async with system:
            while system.workers.leader is None:  # until we run between two turns of his
                ref, one, two = [await plain(system) for _ in range(3)]
                handled = two._cell.handled
                one.tell("first")
                two.tell("second")
                question = ref.ask(act(deed))
                while two._cell.handled == handled:
                    await trio.lowlevel.checkpoint()
            scope.cancel()
            assert not system.workers.help(ref._cell, question)
            assert system.workers.helper.handed is not None
            left = system.workers.helper.handed[0]
    system.check_fates()
    assert system.workers.helper.handed is None
    assert left is None or inspect.getcoroutinestate(left) == inspect.CORO_CLOSED


async def test_a_proxys_call_is_no_plain_message_and_takes_the_usual_way() -> None:
    async with running() as system:
        ref = await plain(system)
        assert await ref.proxy().actor_urn == ref.actor_urn


async def test_a_killed_asker_hears_of_it_at_once_and_the_answer_counts() -> None:
    seen: list[str] = []
    async with running() as system:
        ref = await plain(system)

        async def ask(me: Any) -> None:
            await ref.ask(act(lambda _: me.actor_ref.kill()))
            seen.append("went on")

        asker = system.spawn(Puppet)
        with pytest.raises(ActorDeadError):
            await asker.ask(ask)
        assert seen == []
        assert [dead.reason for dead in system.dead_letters] == ["killed"]
        assert ref._cell.handled == 2
        assert await ref.ask("again") == "again"


async def test_a_handler_that_was_woken_and_then_killed_helps_nobody() -> None:
    async with running() as system:
        ref, asker, event = await plain(system), system.spawn(Puppet), trio.Event()

        async def ask(_: Any) -> None:
            await event.wait()
            await ref.ask(lambda _: seen.append("helped") if helped(_) else None)

        seen: list[str] = []
        asker.tell(ask)
        await system.settle()
        event.set()
        asker.kill()
        await system.settle()
        assert seen == []


async def test_what_is_put_aside_is_answered_when_it_comes_back() -> None:
    class Shy(Plain):
        ready = False

        def on_receive(self, message: Any) -> Any:
            if message == "ready":
                self.ready = True
                self.unstash()
            elif not self.ready:
                self.stash()
            return message

    async with running() as system:
        ref = system.spawn(Shy)
        await system.settle()
        answers: list[Any] = []

        async def ask() -> None:
            answers.append(await ref.ask("shy"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await system.settle()
            assert ref._cell.stash is not None
            assert await ref.ask("ready") == "ready"
        assert answers == ["shy"]


async def test_a_promised_answer_comes_later_and_only_once() -> None:
    promises: list[Any] = []
    async with running() as system:
        ref = await plain(system)
        question = ref.ask(act(lambda me: promises.append(me.reply_later())))
        with trio.move_on_after(1):
            await question
        assert not question.done
        assert await ref.ask(act(lambda _: promises[0].set("at last"))) is None
        assert await question == "at last"


async def test_a_coroutine_that_is_handed_over_may_have_promised_before() -> None:
    promises: list[Any] = []

    def promise(me: Any) -> Any:
        promises.append(me.reply_later())
        return sleeps(1)(me)

    async with running() as system:
        ref = await plain(system)
        with pytest.raises(Timeout):
            await ref.ask(act(promise), timeout=2)


async def test_a_question_whose_deadline_has_passed_is_not_worked_on() -> None:
    ran: list[str] = []
    async with running() as system:
        ref = await plain(system)
        with pytest.raises(Timeout):
            await ref.ask(lambda _: ran.append("late"), timeout=0)
        await system.settle()
        assert ran == []
        assert system.fates().expired == 1


async def test_actors_that_ask_each_other_in_a_circle_are_told() -> None:
    class Asks(Plain):
        async def on_receive(self, message: Any) -> Any:
            return await message(self)

    async with running() as system:
        asker = system.spawn(Asks)
        ref = await plain(system)

        async def back(_: Any) -> Any:
            return await asker.ask("circle")

        with pytest.raises(AskCycleError):
            await asker.ask(lambda _: ref.ask(act(back)))


async def test_what_stops_the_program_stops_the_asker_and_the_actor() -> None:
    def leave(_: Any) -> None:
        raise SystemExit(3)

    async with running() as system:
        ref = await plain(system)
        with pytest.raises(SystemExit):
            await ref.ask(act(leave))
        assert ref.state is State.STOPPED
        assert await (await plain(system)).ask("others") == "others"
