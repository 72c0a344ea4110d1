"""Where two parts of the runtime meet at a bad moment; each of these went wrong once."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest
import trio

from runtime import (
    Actor,
    Backoff,
    Budget,
    ChildSpec,
    Future,
    KeyedSpec,
    Mailbox,
    SupervisorSpec,
    Unavailable,
)
from runtime.testing import Probe, running

QUICK = Backoff(first_seconds=0.1, last_seconds=0.4, jitter=0.0)


class Poller(Actor[Any]):
    """Polls once a second, and starts to when it starts; its store is away now and then."""

    def __init__(self, out: Probe, outages: list[None]) -> None:
        super().__init__()
        self._out = out
        self._outages = outages

    async def on_start(self) -> None:
        self.after(1.0, "poll")

    def on_receive(self, message: Any) -> None:
        if self._outages:
            self._outages.pop()
            raise Unavailable("away")
        self._out.tell(message)
        self.after(1.0, "poll")


async def test_an_outage_leaves_one_timer_and_not_one_more() -> None:
    out, outages = Probe(), [None] * 4
    async with running() as system:
        system.spawn(lambda: Poller(out, outages), backoff=QUICK)
        await trio.sleep(20)
        out.told.clear()
        await trio.sleep(10)
        assert 9 <= len(out.told) <= 10


async def test_whoever_gives_up_waiting_to_send_takes_nobodys_turn() -> None:
    class Slow(Actor[Any]):
        mailbox: ClassVar[Mailbox] = Mailbox(send_below=1)

        async def on_receive(self, message: Any) -> None:
            await trio.sleep(1.0)

    async with running() as system:
        ref = system.spawn(Slow)
        ref.tell("first")
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(0.1):
                await ref.send("gives up")
            nursery.start_soon(ref.send, "waits")
            with trio.fail_after(5):
                await trio.sleep(3)
        assert system.fates().handled >= 2


@pytest.mark.real_clock
async def test_a_future_set_in_another_thread_wakes_whoever_awaits_it() -> None:
    async with running() as system:
        future: Future[int] = Future(system)
        threading.Timer(0.05, future.set, args=[7]).start()
        with trio.fail_after(5):
            assert await future == 7


class Messy(Actor[Any]):
    """Its own tasks raise while they are being cancelled."""

    async def on_receive(self, message: Any) -> None:
        if message == "pipe":
            self.pipe(self._mess, then=lambda _: "never")
        else:
            await self._mess()

    async def _mess(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._fall_over)
            await trio.sleep_forever()

    @staticmethod
    async def _fall_over() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("while being cancelled")


@pytest.mark.parametrize("how", ["handler", "pipe"])
async def test_work_that_is_cancelled_untidily_hurts_nobody_else(how: str) -> None:
    async with running() as system:
        messy = system.spawn(Messy)
        other = system.spawn(lambda: Poller(Probe(), []))
        messy.tell(how)
        await system.settle()
        messy.kill()
        await system.settle()
        assert other.is_alive()
        assert not messy.is_alive()


class Session(Actor[Any]):
    def __init__(self, key: int, out: Probe) -> None:
        super().__init__()
        self._key, self._out = key, out

    async def on_receive(self, message: Any) -> Any:
        if message == "bye":
            self.stop()
        if message == "later":
            later = self.reply_later()
            self.pipe(trio.sleep, 1.0, then=lambda _: later.set("answered"))
        if message == "busy":
            await trio.sleep(2.0)
        self._out.tell((self._key, message))


def _region(out: Probe, **options: Any) -> SupervisorSpec:
    spec = KeyedSpec(name="sessions", factory=lambda key: Session(key, out), **options)
    return SupervisorSpec(name="root", children=(spec,))


async def test_a_crowd_that_comes_at_once_goes_to_sleep_down_to_the_cap() -> None:
    async with running(_region(Probe(), awake_max=100)) as system:
        region = system.region("root/sessions")
        for key in range(1_000):
            region.tell(key, "busy")
        await trio.sleep(10)
        assert region.awake <= 100


async def test_what_is_queued_behind_a_keyed_actors_own_stop_is_for_the_next() -> None:
    out = Probe()
    async with running(_region(out)) as system:
        for told in ("bye", "order 1", "order 2"):
            system.region("root/sessions").tell(7, told)
        await trio.sleep(1)
        assert out.told == [(7, "bye"), (7, "order 1"), (7, "order 2")]
        assert system.dead_letters == []


async def test_an_actor_that_owes_an_answer_stays_awake() -> None:
    async with running(_region(Probe(), awake_max=1)) as system:
        region = system.region("root/sessions")
        future = region.ref(1).ask("later")
        await system.settle()
        for key in range(2, 9):
            region.tell(key, "hello")
            await system.settle()
        assert not future.done


async def test_a_supervisor_that_is_restarted_forgives_its_children() -> None:
    class Fails(Actor[Any]):
        def on_receive(self, message: Any) -> None:
            raise ValueError(message)

    inner = SupervisorSpec(
        name="inner",
        children=(
            ChildSpec(name="fails", factory=Fails, budget=Budget(restarts=2), backoff=QUICK),
        ),
        budget=Budget(restarts=2),
        backoff=QUICK,
    )
    async with running(SupervisorSpec(name="root", children=(inner,))) as system:
        for number in range(3 * 2 + 2):  # two escalations of three failures each, and two more
            system.ref("root/inner/fails").tell(number)
        await trio.sleep(20)
        assert system.ref("root/inner/fails").is_alive()


async def test_a_fallen_session_keeps_nothing_of_its_failure_alive() -> None:
    class Heavy(Actor[Any]):
        def on_receive(self, message: Any) -> None:
            raise ValueError(message)

    async with running() as system:
        ref = system.spawn(Heavy, backoff=QUICK)
        ref.tell("once")
        await trio.sleep(1)
        (spawned,) = (node for node in system.snapshot().children if node.name == "spawned")
        assert spawned.children[0].last_error == "ValueError('once')"
        assert isinstance(ref._cell.last_error, str)
