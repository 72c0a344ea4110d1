"""The actor as its author sees it: hooks, and tools that never wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
import trio

from runtime import Actor, NoSystemError, VirtualWorld, message
from runtime.cell import correlation_id
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Puppet, fail


@message
class Fact:
    number: int


async def test_hooks_may_be_plain_or_async_and_a_plain_handler_answers() -> None:
    class Plain(Actor[Any]):
        def on_start(self) -> None:
            self.seen = ["start"]

        def on_receive(self, message: Any) -> Any:
            return [*self.seen, message]

    async with running() as system:
        assert await system.spawn(Plain).ask("hello") == ["start", "hello"]


async def test_the_reference_to_oneself_is_there_from_the_constructor_on() -> None:
    class Early(Actor[Any]):
        def __init__(self) -> None:
            super().__init__()
            self.known = self.actor_ref

        def on_receive(self, message: Any) -> Any:
            return self.known

    async with running() as system:
        ref = system.spawn(Early, name="early")
        assert await ref.ask("who?") == ref


async def test_start_needs_a_system_and_finds_that_of_its_task_or_of_its_actor() -> None:
    with pytest.raises(NoSystemError):
        Puppet.start()
    async with running() as system:
        parent = Puppet.start()
        child = await parent.ask(lambda _: Puppet.start())
        assert await child.ask("hello") == "hello"
        assert {parent, child} == set(system.registry.get_all())


async def test_start_raises_what_the_constructor_raises_and_leaves_nothing() -> None:
    class Picky(Actor[Any]):
        def __init__(self) -> None:
            raise ValueError("no")

    async with running() as system:
        with pytest.raises(ValueError, match="no"):
            Picky.start()
        assert len(system.registry) == 0
        assert system.cells() == []


async def test_on_stop_is_for_orderly_ends_only() -> None:
    async with running() as system:
        stopped: list[str] = []

        def puppet(name: str) -> Any:
            factory = lambda: Puppet(stops=lambda _: stopped.append(name))  # noqa: E731 - one per name
            return system.spawn(factory, restart="temporary")

        puppet("stopped").stop()
        puppet("failed").tell(fail)
        puppet("killed").kill()
        await system.settle()
        assert stopped == ["stopped"]


async def test_time_luck_and_ids_are_the_worlds() -> None:
    world = VirtualWorld(seed=7, epoch=datetime(2030, 1, 1, tzinfo=UTC))
    async with running(world=world) as system:
        ref = system.spawn(Puppet)
        await trio.sleep(90)
        now, seconds, luck, uuid = await ref.ask(
            lambda me: (me.now(), me.monotonic(), me.world.random.random(), me.world.uuid())
        )
        assert now == datetime(2030, 1, 1, 0, 1, 30, tzinfo=UTC)
        assert seconds == trio.current_time()
        again = VirtualWorld(seed=7)
        assert (luck, uuid) == (again.random.random(), again.uuid())


async def test_events_reach_subscribers_once_over_restarts_until_they_stop() -> None:
    async with running() as system:
        out = Probe()
        listener = system.spawn(
            lambda: Puppet(out, starts=lambda me: me.subscribe(Fact)), backoff=QUICK
        )
        speaker = system.spawn(Puppet)
        await system.settle()
        for number in (1, 2):
            speaker.tell(lambda me, number=number: me.publish(Fact(number=number)))
            listener.tell(fail)
            await trio.sleep(1)
        assert out.told == [Fact(number=1), Fact(number=2)]
        await listener.stop()
        assert not system.events.wanted(Fact)


async def test_what_the_edge_set_travels_from_message_to_message() -> None:
    async with running() as system:
        seen: list[tuple[str, str | None]] = []

        def look(me: Puppet) -> None:
            seen.append((me.actor_ref.actor_urn[-1], correlation_id.get() or _correlation(me)))

        async def pass_on(me: Puppet) -> None:
            look(me)
            await trio.sleep(1)
            last.tell(look)
            me.after(1.0, look)
            me.pipe(trio.sleep, 1.0, then=lambda _: look)

        first, last, middle = (system.spawn(Puppet, name=name) for name in "123")
        token = correlation_id.set("edge-7")
        first.tell(lambda _: middle.tell(pass_on))
        correlation_id.reset(token)
        await trio.sleep(5)
        assert sorted(seen, key=str) == [
            ("2", "edge-7"),
            ("3", "edge-7"),
            ("3", "edge-7"),
            ("3", None),  # a timer begins something new
        ]


def _correlation(me: Puppet) -> str | None:
    assert me._cell.current is not None
    return me._cell.current[4]


async def test_an_actor_may_be_the_edge_itself_and_for_this_message_only() -> None:
    async with running() as system:
        seen: list[str | None] = []
        edge, inner = system.spawn(Puppet), system.spawn(Puppet)

        def begin(me: Puppet) -> None:
            me.correlate("here-1")
            inner.tell(lambda it: seen.append(_correlation(it)))

        edge.tell(begin)
        edge.tell(lambda _: inner.tell(lambda it: seen.append(_correlation(it))))
        await system.settle()
        assert seen == ["here-1", None]


async def test_a_correlation_ends_with_a_failure_too() -> None:
    async with running() as system:
        seen: list[str | None] = []

        def begin_and_fail(me: Puppet) -> None:
            me.correlate("here-1")
            fail(me)

        edge, inner = system.spawn(Puppet, backoff=QUICK), system.spawn(Puppet)
        edge.tell(begin_and_fail)
        edge.tell(lambda _: inner.tell(lambda it: seen.append(_correlation(it))))
        await trio.sleep(1)
        assert seen == [None]


async def test_a_log_line_names_the_actor_and_its_correlation() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, name="clerk")

        def note(me: Puppet) -> None:
            me.log.info("record.filed")
            me.correlate("c-9")
            me.log.info("record.sealed")

        with structlog.testing.capture_logs() as lines:
            await ref.ask(note)
        assert [(line["event"], line["actor"], line.get("correlation_id")) for line in lines] == [
            ("record.filed", "root/spawned/clerk", None),
            ("record.sealed", "root/spawned/clerk", "c-9"),
        ]


async def test_tools_for_the_current_message_need_one() -> None:
    refused: list[str] = []

    def misuse(me: Puppet) -> None:
        for tool in (me.stash, me.reply_later):
            try:
                tool()
            except RuntimeError as error:
                refused.append(str(error))

    async with running() as system:
        system.spawn(lambda: Puppet(starts=misuse))
        await system.settle()
        assert refused == ["there is no message to put aside", "there is no message to answer here"]
