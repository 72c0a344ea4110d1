"""What a handler leaves for later: slow work, messages put aside, promised answers."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime import ActorDeadError, Timeout, Unavailable
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Puppet, fail

# Slow work


async def work(seconds: float, result: object = None) -> object:
    """Take a while, then succeed or fail."""
    await trio.sleep(seconds)
    if isinstance(result, Exception):
        raise result
    return result


async def test_slow_work_does_not_hold_up_the_mailbox_and_ends_as_a_message() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        ref.tell(lambda me: me.pipe(work, 5.0, 7, then=lambda result: ("done", result)))
        ref.tell("meanwhile")
        await trio.sleep(10)
        assert out.told == ["meanwhile", ("done", 7)]


async def test_a_failure_of_the_work_is_translated() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        error = OSError("gone")
        ref.tell(lambda me: me.pipe(work, 1.0, error, then=str, failed=lambda e: ("failed", e)))
        await trio.sleep(5)
        assert out.told == [("failed", error)]
        assert ref._cell.incarnation == 1


@pytest.mark.parametrize(
    "pipe",
    [
        lambda me: me.pipe(work, 1.0, OSError("gone"), then=str),
        lambda me: me.pipe(work, 1.0, then=lambda _: fail(me)),
        lambda me: me.pipe(work, 1.0, OSError("gone"), then=str, failed=fail),
    ],
    ids=["nobody translates", "then fails", "failed fails"],
)
async def test_a_failure_that_nobody_translates_is_the_actors(pipe: Any) -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(pipe)
        await trio.sleep(5)
        assert ref._cell.incarnation == 2
        assert len(system.dead_letters) == 1


async def test_an_outage_during_the_work_suspends_the_actor() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(lambda me: me.pipe(work, 1.0, Unavailable("out"), then=str))
        await trio.sleep(5)
        assert (ref._cell.incarnation, ref._cell.failed) == (2, 0)


@pytest.mark.parametrize("end", ["fails", "stops", "is killed"])
async def test_the_work_is_cancelled_with_the_incarnation(end: str) -> None:
    async with running() as system:
        out, ended = Probe(), []

        async def long_work() -> str:
            try:
                await trio.sleep(100)
            finally:
                ended.append(trio.current_time())
            return "stale"

        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        ref.tell(lambda me: me.pipe(long_work, then=str))
        await trio.sleep(3)
        match end:
            case "fails":
                ref.tell(fail)
            case "stops":
                ref.stop()
            case _:
                ref.kill()
        await trio.sleep(200)
        assert ended == [3.0]
        assert out.told == []


async def test_work_that_cannot_be_cancelled_any_more_comes_too_late() -> None:
    async def no_checkpoint() -> str:
        return "stale"

    def begin_and_fail(me: Puppet) -> None:
        me.pipe(no_checkpoint, then=str)
        fail(me)

    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out), backoff=QUICK)
        ref.tell(begin_and_fail)
        await trio.sleep(5)
        assert out.told == []
        assert system.fates().expired == 1


async def test_work_knows_no_worker_and_may_tell_the_dead_without_crashing_the_actor() -> None:
    async with running() as system:
        out = Probe()
        dead = system.spawn(Puppet)
        await dead.stop()

        async def tell_the_dead() -> None:
            dead.tell("hello")

        ref = system.spawn(lambda: Puppet(out))
        ref.tell(lambda me: me.pipe(tell_the_dead, then=str, failed=lambda e: type(e).__name__))
        assert await ref.ask("still here") == "still here"
        await system.settle()
        assert set(out.told) == {"still here", "ActorDeadError"}


# Putting aside


class Door(Puppet):
    """Puts everything aside while it is closed."""

    open = False

    async def on_receive(self, message: Any) -> Any:
        if not self.open and not callable(message):
            self.stash()
            return None
        return await super().on_receive(message)


def open_up(me: Door) -> None:
    """Let in who waits."""
    me.open = True
    me.unstash()


async def test_what_was_put_aside_comes_first_and_in_its_order() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Door(out))
        for number in (1, 2, 3):
            ref.tell(number)
        asked = ref.ask(4)
        await system.settle()
        assert (out.told, ref._cell.queued) == ([], 4)
        ref.tell(open_up)
        ref.tell(5)
        assert await asked == 4
        await system.settle()
        assert out.told == [1, 2, 3, 4, 5]


async def test_what_was_put_aside_survives_a_crash_and_dies_with_the_actor() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Door(out), backoff=QUICK)
        ref.tell(1)
        ref.tell(fail)
        ref.tell(2)
        ref.tell(open_up)
        await trio.sleep(1)
        assert out.told == [1, 2], "put aside again by the fresh instance, then let in"
        other = system.spawn(Door)
        other.tell(3)
        await other.stop()
        assert [dead.message for dead in system.dead_letters] == [fail, 3]


async def test_at_most_a_thousand_are_put_aside() -> None:
    async with running() as system:
        ref = system.spawn(Door, restart="temporary")
        for number in range(1_001):
            ref.tell(number)
        await trio.sleep(1)
        assert isinstance(system.dead_letters[0].error, RuntimeError)
        assert "1000 messages are stashed" in str(system.dead_letters[0].error)
        assert len(system.dead_letters) == 1_001


async def test_a_handler_that_fails_after_putting_aside_has_put_nothing_aside() -> None:
    def stash_and_fail(me: Door) -> None:
        me.stash()
        fail(me)

    async with running() as system:
        ref = system.spawn(Door, backoff=QUICK)
        ref.tell(stash_and_fail)
        await trio.sleep(1)
        assert [dead.message for dead in system.dead_letters] == [stash_and_fail]
        assert ref._cell.queued == 0


# Promised answers


class Clerk(Puppet):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.promised: list[Any] = []

    async def on_receive(self, message: Any) -> Any:
        if message == "question":
            self.promised.append(self.reply_later())
            return "not this"
        return await super().on_receive(message)


async def test_an_answer_may_come_after_the_handler() -> None:
    async with running() as system:
        ref = system.spawn(Clerk)
        first, second = ref.ask("question"), ref.ask("question")
        await trio.sleep(2)
        assert not first.done
        ref.tell(lambda me: me.promised[1].set("two"))
        ref.tell(lambda me: me.promised[0].set_exception(KeyError("one")))
        assert await second == "two"
        with pytest.raises(KeyError, match="one"):
            await first
        assert ref._cell.incarnation == 1, "an asker's failure is not the actor's"


@pytest.mark.parametrize("end", ["fails", "stops", "is killed", "is suspended"])
async def test_a_promise_is_broken_off_when_the_actor_ends_first(end: str) -> None:
    def out_of_order(_: Puppet) -> None:
        raise Unavailable("out")

    async with running() as system:
        ref = system.spawn(Clerk, backoff=QUICK)
        future = ref.ask("question", timeout=60)
        await system.settle()
        expected: type[Exception] = ActorDeadError
        match end:
            case "fails":
                ref.tell(fail)
                expected = ValueError
            case "stops":
                ref.stop()
            case "is killed":
                ref.kill()
            case _:
                ref.tell(out_of_order)
                expected = Unavailable
        assert isinstance(await future.failure(), expected)
        with pytest.raises(expected):
            await future
        assert trio.current_time() < 1


async def test_an_edge_hears_of_a_failure_without_catching_it() -> None:
    async with running() as system:
        ref = system.spawn(Clerk)
        answered, late = ref.ask("question"), ref.ask("question", timeout=0.5)
        assert isinstance(await late.failure(), Timeout)
        ref.tell(lambda me: me.promised[0].set("one"))
        assert await answered.failure() is None
        assert await answered == "one"


async def test_a_promise_of_a_handler_that_fails_is_forgotten_by_its_worker() -> None:
    def promise_and_fail(me: Puppet) -> None:
        me.reply_later()
        fail(me)

    async with running() as system:
        ref, other = system.spawn(Puppet, backoff=QUICK), system.spawn(Puppet)
        future = ref.ask(promise_and_fail)
        assert await other.ask("hello") == "hello", "the next answer is its own actor's"
        with pytest.raises(ValueError, match="told to"):
            await future


async def test_a_promise_for_a_message_put_aside_is_none() -> None:
    def promise_and_stash(me: Puppet) -> None:
        me.reply_later()
        me.stash()

    async with running() as system:
        ref = system.spawn(Puppet)
        ref.tell(promise_and_stash)
        assert await ref.ask("hello") == "hello"
        ref.kill()


async def test_an_answer_that_comes_too_late_hurts_nobody() -> None:
    async with running() as system:
        ref = system.spawn(Clerk)
        with pytest.raises(Timeout):
            await ref.ask("question", timeout=0.5)
        ref.tell(lambda me: me.promised[0].set("late"))
        ref.tell("question")
        await ref.ask(lambda me: me.promised[-1].set("told messages have no asker"))
        assert ref._cell.failed == 0
