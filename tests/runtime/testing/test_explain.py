"""What was out of the ordinary in a run is told in words, and nothing else is."""

from __future__ import annotations

import trio

from runtime import Actor
from runtime.testing.explain import explain
from runtime.testing.node import Crash
from runtime.testing.simulation import Plan, Simulation
from tests.runtime.testing import errands


def test_a_plain_run_has_only_what_it_says_itself() -> None:
    told = explain(errands.race, Plan(seed=1, choices={}))

    assert [line.strip() for line in told] == [
        "1.000000  the wall clock jumps by 5 s",
    ]


def test_who_overtook_whom_is_told_with_the_choice_and_the_second() -> None:
    plan = Plan(seed=1, scheduler="shuffle", choices={"tasks": [0, 0, 0, 2]})

    told = [line.strip() for line in explain(errands.race, plan)]

    assert told[0] == ("1.000000  task 4 snail overtook task 2 hare and 1 more (choice tasks:3=2)")
    assert len(told) == 2


def test_faults_and_crashes_are_told_in_their_order() -> None:
    rain = explain(errands.race, Plan(seed=1, choices={"rain": [1]}))
    crash = explain(errands.node, Plan(seed=1, choices={}, crashes=(Crash("till", 2),)))

    assert [line.strip() for line in rain] == [
        "1.000000  the wall clock jumps by 5 s",
        "1.000000  fault: rain",
    ]
    assert [line.strip() for line in crash] == [
        "2.000000  crash: till, life 1, step 2",
        "2.000000  till killed",
    ]


async def _actors(sim: Simulation) -> None:
    async with sim.running() as system:
        refs = [system.spawn(errands.Clerk, name=name) for name in ("ann", "bob")]
        for ref in refs:
            ref.tell("go")


def test_actors_are_told_with_what_they_are_told() -> None:
    told = explain(_actors, Plan(seed=1, scheduler="walk", choices={"actors": [1]}))

    [line] = told
    assert line.strip() == (
        "0.000000  actor root/spawned/bob (str) overtook actor root/spawned/ann (str) "
        "(choice actors:0=1)"
    )


async def _call(sim: Simulation) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(b"hello")

    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_tcp, serve, 80)
        stream = await trio.open_tcp_stream("127.0.0.1", 80)
        assert await stream.receive_some() == b"hello"
        sim.heal()
        sim.note("healthy again")
        nursery.cancel_scope.cancel()


def test_a_call_that_goes_well_is_nothing_to_tell() -> None:
    assert [line.split(maxsplit=1)[1] for line in explain(_call, Plan(seed=1, choices={}))] == [
        "healthy again"
    ]


class _Waiter(Actor[object]):
    async def on_receive(self, message: object) -> None:
        if message == "go":
            self.after(1, 3.0)
            self.pipe(_fetch, then=lambda found: [found])


async def _fetch() -> int:
    return 7


async def _waits(sim: Simulation) -> None:
    async with sim.running() as system:
        system.spawn(_Waiter, name="ann").tell("go")
        await trio.sleep(2)


def test_what_a_timer_or_slow_work_brings_is_named() -> None:
    events = Simulation(Plan(seed=1, choices={})).run(_waits).events

    turns = [event.split("ann ")[1] for event in events if "actor root/spawned/ann" in event]
    assert [turn for turn in turns if turn != "-"] == [
        "str", "Piped int", "TimerFired float", "_ActorStop",
    ]  # fmt: skip
