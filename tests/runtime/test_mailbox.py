"""Bounded mailboxes: lossless by default, lossy only where a class asks for it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import structlog
import trio

from runtime import Actor, Mailbox, MailboxFullError, Terminated
from runtime.testing import Probe, running
from tests.runtime.puppet import Puppet, sleeps


class Slow(Actor[Any]):
    """Takes a second for each message."""

    def __init__(self, out: Probe) -> None:
        super().__init__()
        self._out = out

    async def on_receive(self, message: Any) -> Any:
        await trio.sleep(1.0)
        self._out.tell(message)
        return message


class Small(Slow):
    mailbox: ClassVar[Mailbox] = Mailbox(limit=3, warn_at=2, send_below=2)


class Newest(Slow):
    mailbox: ClassVar[Mailbox] = Mailbox(limit=3, overflow="drop_oldest")


class Latest(Slow):
    mailbox: ClassVar[Mailbox] = Mailbox(
        overflow="coalesce", key=lambda told: told[0] if isinstance(told, tuple) else None
    )


async def test_one_too_many_is_refused_to_the_caller_and_recorded() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Small(out), name="small")
        await system.settle()
        ref.tell(0)
        await system.settle()
        for number in (1, 2, 3):
            ref.tell(number)
        with pytest.raises(MailboxFullError, match="root/spawned/small is full"):
            ref.tell(4)
        with pytest.raises(MailboxFullError):
            await ref.ask(5)
        assert [(dead.message, dead.reason) for dead in system.dead_letters] == [
            (4, "refused"),
            (5, "refused"),
        ]
        await trio.sleep(10)
        assert out.told == [0, 1, 2, 3]


async def test_a_refusal_does_not_crash_an_actor_that_writes() -> None:
    class Writer(Actor[Any]):
        def __init__(self, to: Any) -> None:
            super().__init__()
            self._to = to

        def on_receive(self, message: Any) -> str:
            for number in range(10):
                self._to.tell(number)
            return "still here"

    async with running() as system:
        small = system.spawn(lambda: Small(Probe()), name="small")
        await system.settle()
        writer = system.spawn(lambda: Writer(small), name="writer")
        assert await writer.ask("go") == "still here"
        assert len(system.dead_letters) == 10 - 3
        assert system.dead_letters[0].sender == "root/spawned/writer"


async def test_whoever_can_wait_is_slowed_down_and_loses_nothing() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Small(out), name="small")
        await system.settle()

        async def send(start: int) -> None:
            for number in range(start, start + 10):
                await ref.send(number)

        async with trio.open_nursery() as nursery:
            for start in (0, 100, 200):
                nursery.start_soon(send, start)
        await trio.sleep(60)
        assert sorted(out.told) == [*range(10), *range(100, 110), *range(200, 210)]
        for start in (0, 100, 200):
            mine = [told for told in out.told if start <= told < start + 100]
            assert mine == sorted(mine)
        assert system.dead_letters == []


async def test_the_oldest_are_dropped_where_a_class_says_so() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Newest(out), name="newest")
        await system.settle()
        ref.tell("first")
        await system.settle()
        for number in range(10):
            ref.tell(number)
        await trio.sleep(20)
        assert out.told == ["first", 7, 8, 9]
        assert {dead.reason for dead in system.dead_letters} == {"dropped"}


async def test_a_newer_message_of_the_same_key_takes_the_place_of_the_older() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Latest(out), name="latest")
        await system.settle()
        ref.tell("first")
        await system.settle()
        for told in [("a", 1), ("b", 1), "plain", ("a", 2), ("b", 2), ("a", 3)]:
            ref.tell(told)
        await trio.sleep(20)
        assert out.told == ["first", ("a", 3), ("b", 2), "plain"]
        assert [dead.message for dead in system.dead_letters] == [("a", 1), ("b", 1), ("a", 2)]


async def test_a_warning_comes_at_each_doubling() -> None:
    async with running() as system:
        ref = system.spawn(lambda: Slow(Probe()), name="slow")
        await system.settle()
        with structlog.testing.capture_logs() as logs:
            for number in range(45_000):
                ref.tell(number)
        depths = [entry["depth"] for entry in logs if entry["event"] == "mailbox.deep"]
        assert depths == [10_000, 20_000, 40_000]
        ref.kill()


class Lossy(Puppet):
    mailbox: ClassVar[Mailbox] = Mailbox(limit=3, overflow="drop_oldest")


async def test_a_flood_does_not_drop_an_actors_own_timers() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Lossy(out))
        await ref.ask(lambda me: me.every(1.0, "tick"))
        ref.tell(sleeps(1.5))
        await trio.sleep(1.2)
        for number in range(10):
            ref.tell(number)
        await trio.sleep(3)
        assert out.told == ["tick", 8, 9, "tick", "tick"]


async def test_a_flood_does_not_drop_an_actors_own_stop() -> None:
    async def stop_slowly(me: Puppet) -> None:
        me.stop()
        await trio.sleep(1)

    async with running() as system:
        ref = system.spawn(Lossy, restart="transient")
        ref.tell(stop_slowly)
        await system.settle()
        for number in range(10):
            ref.tell(number)
        await trio.sleep(2)
        assert not ref.is_alive()


async def test_what_the_runtime_itself_sends_has_no_key_to_coalesce_by() -> None:
    class ByNumber(Puppet):
        mailbox: ClassVar[Mailbox] = Mailbox(overflow="coalesce", key=lambda told: told.number)

    async with running() as system:
        out = Probe()
        watched = system.spawn(Puppet)
        watcher = system.spawn(lambda: ByNumber(out, starts=lambda me: me.watch(watched)))
        await system.settle()
        watched.kill()
        await system.settle()
        assert [type(told) for told in out.told] == [Terminated]
        await watcher.stop()


def test_coalescing_needs_a_key_and_only_coalescing_does() -> None:
    with pytest.raises(ValueError, match="coalesce"):
        Mailbox(overflow="coalesce")
    with pytest.raises(ValueError, match="coalesce"):
        Mailbox(key=lambda told: told)
