"""Blocking actors: own threads, the same references, supervision and promises."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pykka
import pytest
import trio

from runtime import (
    ActorDeadError,
    ActorSystem,
    DeadLetter,
    KeyedSpec,
    State,
    SupervisorSpec,
    Terminated,
    Timeout,
    WouldBlockError,
)
from runtime.cell import correlation_id
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Blocking, Plain, Puppet, child, fail, outage, sleeps

pytestmark = pytest.mark.real_clock

KINDS = pytest.mark.parametrize("kind", [Blocking, Plain])


@asynccontextmanager
async def threaded(spec: SupervisorSpec | None = None) -> AsyncIterator[ActorSystem]:
    """A system with real threads, in which nothing may be left without a fate."""
    threads = threading.active_count()
    async with ActorSystem(spec) as system:
        yield system
    fates = system.fates()
    assert (fates.queued, fates.lost) == (0, 0), fates
    for _ in range(5_000):
        if threading.active_count() <= threads + _trios():
            return
        await trio.sleep(0.001)
    raise AssertionError(threading.enumerate())


def _trios() -> int:
    """Trio keeps the threads of `to_thread` for a while."""
    return sum(thread.name.startswith("Trio") for thread in threading.enumerate())


@KINDS
async def test_hooks_and_handlers_run_in_one_thread_that_is_not_ours(kind: Any) -> None:
    class Notes(kind):  # type: ignore[misc]
        def on_start(self) -> None:
            self.seen = [threading.get_ident()]

        def on_receive(self, message: Any) -> Any:
            self.seen.append(threading.get_ident())
            return self.seen

        def on_stop(self) -> None:
            ended.append(threading.get_ident())

    ended: list[int] = []
    spec = SupervisorSpec(name="root", children=(child(Notes, "notes"),))
    async with threaded(spec) as system:
        await system.ref("root/notes").ask("hello")
        seen = await system.ref("root/notes").ask("hello")
    assert len(seen) == 3
    assert len({*seen, *ended}) == 1
    assert threading.get_ident() not in seen


@KINDS
async def test_a_plain_pykka_actor_knows_its_place_in_the_tree(kind: Any) -> None:
    spec = SupervisorSpec(name="root", children=(child(kind, "one"),))
    async with threaded(spec) as system:
        ref = system.ref("root/one")
        mine, urn, empty = await ref.ask(
            lambda me: (me.actor_ref, me.actor_urn, me.actor_inbox.empty())
        )
        assert (mine, urn, empty) == (ref, "urn:actor:root/one", True)
        assert isinstance(ref, pykka.ActorRef)


async def test_an_actor_sees_whether_more_is_queued_behind_the_current_message() -> None:
    async with threaded() as system:
        ref = system.spawn(Blocking)
        go = threading.Event()
        ref.tell(lambda _: go.wait(5))
        await trio.sleep(0.05)
        looks = [ref.ask(lambda me: me.actor_inbox.empty()) for _ in range(3)]
        go.set()
        assert [await look for look in looks] == [False, False, True]


@KINDS
async def test_a_restart_gets_a_fresh_instance_in_a_fresh_thread(kind: Any) -> None:
    async with threaded() as system:
        ref = system.spawn(kind, backoff=QUICK)
        first = await ref.ask(lambda me: (threading.current_thread(), id(me)))
        ref.tell(fail)
        second = await ref.ask(lambda me: (threading.current_thread(), id(me)))
        assert first[0] is not second[0]
        first[0].join(5)
        assert not first[0].is_alive()


async def test_an_outage_suspends_and_what_was_told_is_done_again() -> None:
    async with threaded() as system:
        ref = system.spawn(Blocking, backoff=QUICK)
        done: list[str] = []
        away = outage()
        ref.tell(lambda _: (away(None), done.append("told")))
        ref.tell(lambda _: done.append("behind"))
        await trio.sleep(0.05)
        assert ref.state is State.WAITING
        await ref.ask("back")
        assert done == ["told", "behind"]


async def test_a_thread_asks_trio_actors_and_threads_and_they_ask_back() -> None:
    async with threaded() as system:
        a, b = system.spawn(Blocking), system.spawn(Blocking)
        c = system.spawn(Puppet)
        assert await a.ask(lambda _: b.ask("from a thread").get()) == "from a thread"
        assert await a.ask(lambda _: c.ask("to trio", block=True)) == "to trio"
        assert await c.ask(lambda _: a.ask("from trio")) == "from trio"
        assert await a.ask(lambda _: c.proxy().actor_urn.get()) == c.actor_urn


async def test_a_question_from_a_thread_has_a_deadline_of_its_own() -> None:
    def impatient(_: Any) -> float:
        began = time.monotonic()
        with pytest.raises(Timeout):
            slow.ask(sleeps(60), timeout=0.1).get()
        return time.monotonic() - began

    async with threaded() as system:
        slow, asker = system.spawn(Puppet), system.spawn(Blocking)
        assert await asker.ask(impatient) < 2
        slow.kill()


async def test_deadline_correlation_and_sender_travel_through_threads() -> None:
    seen: list[tuple[Any, ...]] = []

    def look(me: Puppet) -> None:
        assert me._cell.current is not None
        _, _, sender, deadline, correlation, _ = me._cell.current
        seen.append((sender and sender.path, deadline is not None, correlation))

    async with threaded() as system:
        last = system.spawn(Puppet)
        middle = system.spawn(Blocking, name="middle")
        token = correlation_id.set("edge-1")
        await middle.ask(lambda _: last.tell(look))
        await middle.ask(lambda _: last.ask(look).get())
        correlation_id.reset(token)
        await last.ask("done")
    name = "root/spawned/middle"
    assert seen == [(name, False, "edge-1"), (name, True, "edge-1")]


async def test_the_askers_deadline_holds_for_what_the_thread_asks() -> None:
    ran: list[str] = []
    async with threaded() as system:
        busy, middle = system.spawn(Puppet), system.spawn(Blocking, backoff=QUICK)
        busy.tell(sleeps(0.4))
        with pytest.raises(Timeout):
            await middle.ask(
                lambda _: busy.ask(lambda _: ran.append("late"), timeout=60).get(), timeout=0.1
            )
        await trio.sleep(0.5)
        assert ran == []


async def test_foreign_threads_may_tell_ask_and_stop_actors_and_keys() -> None:
    out = Probe()
    keyed = KeyedSpec(name="keyed", factory=lambda _: Puppet(out))

    def outsider(system: ActorSystem) -> list[Any]:
        ref, region = system.ref("root/one"), system.region("root/keyed")
        for number in range(100):
            ref.tell(number)
        region.tell(7, "to a key")
        return [
            ref.ask("asked", block=True),
            region.ref(7).ask("a key").get(),
            region.ref(8).ask("another", block=True, timeout=2),
            region.ref(7).stop(block=True),
            ref.is_alive(),
        ]

    spec = SupervisorSpec(name="root", children=(child(lambda: Puppet(out), "one"), keyed))
    async with threaded(spec) as system:
        await trio.sleep(0.01)
        answers = await trio.to_thread.run_sync(outsider, system)
    assert answers == ["asked", "a key", "another", True, True]
    assert [told for told in out.told if isinstance(told, int)] == list(range(100))
    assert "to a key" in out.told


async def test_a_thread_that_waits_for_an_answer_hears_of_the_end() -> None:
    ends: list[str] = []

    def ask(ref: Any) -> None:
        try:
            ref.ask(sleeps(60), block=True, timeout=30)
        except ActorDeadError as error:
            ends.append(str(error))

    async with threaded() as system, trio.open_nursery() as nursery:
        ref = system.spawn(Puppet)
        nursery.start_soon(trio.to_thread.run_sync, ask, ref)
        await trio.sleep(0.1)
        ref.kill()
    assert len(ends) == 1


def test_when_trio_is_gone_threads_are_refused_at_once() -> None:
    keep: list[Any] = []

    async def main() -> None:
        async with ActorSystem(
            SupervisorSpec(
                name="root", children=(KeyedSpec(name="keyed", factory=lambda _: Puppet()),)
            )
        ) as system:
            keep.extend([system.spawn(Puppet), system.region("root/keyed").ref(1)])

    trio.run(main)
    ends: list[str] = []

    def late(use: Callable[[], object]) -> None:
        try:
            ends.append(repr(use()))
        except ActorDeadError:
            ends.append("dead")

    began = time.monotonic()
    for ref in keep:
        for use in (
            partial(ref.ask, "late", block=True, timeout=5),
            ref.ask("late", timeout=5).get,
            partial(ref.stop, block=True),
        ):
            thread = threading.Thread(target=late, args=(use,))
            thread.start()
            thread.join()
    assert ends == ["dead", "dead", "False"] * 2
    assert time.monotonic() - began < 3


async def test_a_thread_may_answer_later_from_any_message() -> None:
    promised: list[Any] = []
    async with threaded() as system:
        ref = system.spawn(Blocking)
        later = ref.ask(lambda me: promised.append(me.reply_later()))
        broken = ref.ask(lambda me: promised.append(me.reply_later()))
        await ref.ask(lambda _: promised[0].set("at last"))
        assert await later == "at last"
        await ref.stop()
        with pytest.raises(ActorDeadError):
            await broken


async def test_a_thread_may_publish_subscribe_and_watch() -> None:
    out = Probe()
    async with threaded() as system:
        system.events.subscribe(str, out)
        ref, other = system.spawn(Blocking), system.spawn(Puppet)
        heard: list[Any] = []

        class Ears(Blocking):
            def on_receive(self, message: Any) -> Any:
                heard.append(message)
                return super().on_receive(message)

        ears = system.spawn(Ears)
        await ears.ask(lambda me: (me.subscribe(float), me.watch(other)))
        await ref.ask(lambda me: (me.publish("news"), me.publish(1.5)))
        await other.stop()
        await ears.ask("done")
        assert out.told == ["news"]
        assert heard[1:] == [1.5, Terminated(ref=other, reason="stopped"), "done"]


async def test_a_kill_writes_off_what_the_thread_still_has() -> None:
    out = Probe()
    async with threaded() as system:
        system.events.subscribe(DeadLetter, out)
        ref = system.spawn(Blocking)
        first, begun, go, ran = threading.Event(), threading.Event(), threading.Event(), []
        ref.tell(lambda _: first.wait(5))
        await trio.sleep(0.05)
        ref.tell(lambda _: (begun.set(), go.wait(5)))  # what follows is in the same batch
        for number in range(5):
            ref.tell(lambda _, number=number: ran.append(number))
        future = ref.ask("behind")
        first.set()
        await trio.to_thread.run_sync(begun.wait, 5)
        ref.kill()
        with pytest.raises(ActorDeadError):
            await future
        go.set()
        await trio.sleep(0.1)
        assert ran == []
        assert {dead.reason for dead in out.told} == {"killed"}


async def test_leaving_the_block_lets_a_thread_finish_what_it_was_told() -> None:
    done: list[int] = []
    async with threaded() as system:
        ref = system.spawn(Blocking)
        for number in range(1_000):
            ref.tell(lambda _, number=number: done.append(number))
    assert done == list(range(1_000))


async def test_inline_threads_run_on_trio_and_must_not_block_it() -> None:
    async with running() as system:
        ref, other = system.spawn(Blocking, backoff=QUICK), system.spawn(Puppet)
        assert await ref.ask(lambda _: threading.get_ident()) == threading.get_ident()
        with pytest.raises(WouldBlockError):
            await ref.ask(lambda _: other.ask("hello").get())
        later = ref.ask(lambda me: me.reply_later().set("later"))
        assert await later == "later"
