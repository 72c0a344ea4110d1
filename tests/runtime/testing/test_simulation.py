"""One plan, one run: time, luck, faults and orders all come from the seed."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import trio

from runtime import Actor, ChildSpec, SupervisorSpec, ThreadingActor, message
from runtime.testing.clock import Deadlock
from runtime.testing.fence import COLLECT_EVERY_STEPS
from runtime.testing.node import Life
from runtime.testing.simulation import (
    EPOCH,
    Plan,
    PropertyError,
    Run,
    Scenario,
    Simulation,
    simulate,
)

ROOT = Path(__file__).resolve().parents[3]


class Counter(Actor[str]):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def on_receive(self, message: str) -> int:
        self.count += message == "one more"
        await trio.sleep(self.world.random.random() / 10)
        return self.count


class Slow(ThreadingActor):
    def on_receive(self, message: str) -> str:
        return message.upper()


async def busy(sim: Simulation) -> None:
    """Actors, threads, tasks, libraries' luck and faults: all that could differ."""
    tree = SupervisorSpec(
        name="root",
        children=(
            ChildSpec(name="counter", factory=Counter),
            ChildSpec(name="slow", factory=Slow),
        ),
    )

    async def one(number: int) -> None:
        await trio.sleep(random.random())
        if sim.chance("nap", 0.3):
            await trio.sleep(1)
        system.ref("root/counter").tell("one more")
        sim.note(f"{number} {uuid.uuid4()} {await system.ref('root/slow').ask('x')}")

    async with sim.running(tree) as system:
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(one, number)
        assert await system.ref("root/counter").ask("how many") == 10


def _run(seed: int, scheduler: str = "") -> Run:
    run = simulate(busy, Plan(seed=seed, scheduler=scheduler))
    assert run.failure is None
    return run


@pytest.mark.parametrize("scheduler", ["fifo", "shuffle", "walk", "pct:3"])
def test_a_plan_gives_one_run(scheduler: str) -> None:
    assert len({_run(5, scheduler).digest for _ in range(3)}) == 1


def test_seeds_give_different_runs() -> None:
    assert len({_run(seed).digest for seed in range(12)}) == 12


def test_what_was_chosen_can_be_played_back() -> None:
    run = _run(6)
    again = simulate(busy, Plan(seed=6, scheduler=run.scheduler, choices=run.choices))
    assert again.digest == run.digest


@pytest.mark.process
def test_a_seed_gives_one_run_in_every_process() -> None:
    """Whatever its hash seed is, and wherever its objects lie in memory."""
    code = (
        "import sys; heap = [bytearray(int(sys.argv[1]) * 37 + n % 91) for n in range(9999)];"
        "del heap[::2]; from tests.runtime.testing.test_simulation import digests; digests()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(noise)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
        )
        for noise, hash_seed in enumerate(("0", "1", "2", "random"))
    ]
    told = {process.communicate()[0] for process in processes}
    assert len(told) == 1
    assert len(set(json.loads(told.pop()))) == 8


def digests() -> None:
    """Print what other processes must print as well."""
    sys.stdout.write(json.dumps([_run(seed).digest for seed in range(8)]))


def test_one_draw_more_from_a_stream_moves_no_other() -> None:
    sim = Simulation(Plan(seed=3))
    first, second = sim.luck("a"), sim.luck("a")
    sim.luck("b").random()
    assert [first.random() for _ in range(3)] == [second.random() for _ in range(3)]
    assert sim.luck("a").random() != sim.luck("b").random()


def test_the_wall_clock_follows_and_jumps() -> None:
    async def scenario(sim: Simulation) -> None:
        world = sim.world("x")
        await trio.sleep(60)
        assert (sim.monotonic(), sim.now()) == (60.0, EPOCH + timedelta(minutes=1))
        sim.shift(-3600)
        assert world.now() == sim.now() == EPOCH - timedelta(minutes=59)
        assert sim.monotonic() == 60.0

    assert simulate(scenario, Plan(seed=1)).failure is None


def test_the_wall_clock_of_one_node_can_be_wrong() -> None:
    async def scenario(sim: Simulation) -> None:
        seen: list[timedelta] = []

        async def boot(life: Life) -> None:
            seen.append(life.world.now() - EPOCH)

        nodes = [sim.node(name, boot) for name in ("late", "other")]
        sim.shift(60)
        sim.shift(3600, host="late")
        for mistake in (partial(sim.shift, 3600, host="latte"), partial(sim.now, "latte")):
            with pytest.raises(ValueError, match=r"no host is called 'latte'; there are .*late"):
                mistake()
        for node in nodes:
            await node.run()
        assert seen == [timedelta(seconds=3660), timedelta(seconds=60)]
        assert sim.now("late") - sim.now() == timedelta(hours=1)
        sim.shift(-3600, host="late")
        assert sim.now("late") == sim.now() == EPOCH + timedelta(seconds=60)

    assert simulate(scenario, Plan(seed=1)).failure is None


async def test_a_simulation_does_not_begin_inside_of_another_run() -> None:
    with pytest.raises(RuntimeError, match="trio runs here already"):
        simulate(busy, Plan(seed=1))


@message
class Weighs:
    grams: int


class Scale(Actor[Weighs]):
    def on_receive(self, message: Weighs) -> None:
        pass


def test_what_a_message_says_is_part_of_the_digest() -> None:
    async def weigh(sim: Simulation, *, grams: int) -> None:
        async with sim.running() as system:
            system.spawn(Scale, name="scale").tell(Weighs(grams=grams))

    one, same, other = (simulate(partial(weigh, grams=g), Plan(seed=1)) for g in (1, 1, 2))
    assert one.digest == same.digest != other.digest
    assert one.events == other.events
    marked = [simulate(partial(weigh, grams=g), Plan(seed=1), marks=True) for g in (1, 2)]
    assert marked[0].events != marked[1].events
    assert [run.digest for run in marked] == [one.digest, other.digest]


def test_what_was_due_while_everything_stood_still_is_due_at_once() -> None:
    async def scenario(sim: Simulation) -> None:
        async def rings(seconds: float) -> None:
            await trio.sleep(seconds)
            rung.append((seconds, trio.current_time()))

        async with trio.open_nursery() as nursery:
            for seconds in (10.0, 20.0, 90.0):
                nursery.start_soon(rings, seconds)
            await trio.sleep(5)
            sim.stall(60)
            assert sim.now() == EPOCH + timedelta(seconds=65)

    rung: list[tuple[float, float]] = []
    assert simulate(scenario, Plan(seed=1, scheduler="fifo")).failure is None
    assert sorted(rung) == [(10.0, 65.0), (20.0, 65.0), (90.0, 90.0)]


def test_what_must_always_be_true_is_looked_at_after_every_step() -> None:
    async def scenario(sim: Simulation) -> None:
        balance = [0]
        sim.always("never in debt", lambda: balance[0] >= 0)
        balance[0] = -1
        await trio.lowlevel.checkpoint()
        balance[0] = 0
        await trio.sleep(100)

    run = simulate(scenario, Plan(seed=1))
    assert isinstance(run.failure, PropertyError)
    assert str(run.failure) == "not always true: never in debt"
    assert run.seconds == 0.0


def test_a_rule_that_cannot_be_checked_does_not_hold() -> None:
    """Trio switches an instrument off that raises: the run would go on, and be a good one."""

    async def scenario(sim: Simulation) -> None:
        accounts: dict[str, int] = {}
        sim.always("never in debt", lambda: accounts["ann"] >= 0)
        await trio.sleep(100)

    run = simulate(scenario, Plan(seed=1))
    assert str(run.failure) == "not always true: never in debt"
    assert isinstance(run.failure, PropertyError)
    assert isinstance(run.failure.__cause__, KeyError)
    assert run.seconds == 0.0


def test_garbage_is_collected_after_the_same_steps_whatever_was_allocated_before() -> None:
    class Circle:
        def __init__(self, note: Callable[[str], None]) -> None:
            self.note, self.again = note, self

        def __del__(self) -> None:
            self.note("gone")

    async def scenario(sim: Simulation) -> None:
        for _ in range(2 * COLLECT_EVERY_STEPS):
            Circle(sim.note)
            await trio.lowlevel.checkpoint()

    before = gc.get_threshold()
    runs = []
    for threshold in (1, 50, 100_000):
        gc.set_threshold(threshold)
        try:
            runs.append(simulate(scenario, Plan(seed=1)))
        finally:
            gc.set_threshold(*before)
    assert len({run.digest for run in runs}) == 1
    assert runs[0].steps > 3 * COLLECT_EVERY_STEPS, "and it was collected"
    assert gc.isenabled()


def test_a_rule_may_say_what_is_wrong() -> None:
    async def scenario(sim: Simulation) -> None:
        wrong: list[str] = []
        sim.always("all is well", lambda: ", ".join(wrong))
        await trio.sleep(1)
        wrong.append("the till is open")
        await trio.sleep(1)

    run = simulate(scenario, Plan(seed=1))
    assert str(run.failure) == "not always true: all is well: the till is open"
    assert run.seconds == 1.0


def test_what_must_come_at_last_has_its_time() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.eventually("ten o'clock", lambda: trio.current_time() >= 10, within=10)
        assert trio.current_time() == 10.0
        await sim.eventually("never", lambda: False, within=60)

    run = simulate(scenario, Plan(seed=1))
    assert str(run.failure) == "not within 60 s: never"
    assert run.seconds == 70.0


def test_faults_are_counted_and_end_with_the_healing() -> None:
    async def scenario(sim: Simulation) -> None:
        happened = [sim.chance("fault", 0.5) for _ in range(100)]
        assert True in happened
        sim.heal()
        assert not any(sim.chance("fault", 1.0) for _ in range(100))
        sim.sometimes("healed")

    run = simulate(scenario, Plan(seed=1))
    assert run.failure is None
    assert 20 < run.sometimes["fault"] < 80
    assert run.sometimes["healed"] == 1


def test_faults_are_choices_that_can_be_taken_away() -> None:
    async def scenario(sim: Simulation) -> None:
        told.append([sim.chance("fault", 0.5) for _ in range(5)])

    told: list[list[bool]] = []
    simulate(scenario, Plan(seed=1, choices={"fault": [0, 1, 0]}))
    assert told == [[False, True, False, False, False]]


def test_options_are_the_plans() -> None:
    async def scenario(sim: Simulation) -> None:
        assert (sim.option("people", 5), sim.option("hours", 24)) == (2, 24)

    assert simulate(scenario, Plan(seed=1, options={"people": 2})).failure is None


def test_a_deadlock_is_a_failure_not_a_hang() -> None:
    async def scenario(_: Simulation) -> None:
        await trio.Event().wait()

    assert isinstance(simulate(scenario, Plan(seed=1)).failure, Deadlock)


def test_a_message_without_a_fate_fails_the_run() -> None:
    async def scenario(sim: Simulation) -> None:
        async with sim.running() as system:
            ref = system.spawn(Counter)
            await ref.ask("hello")
            ref._cell.handled -= 1

    assert "messages without a fate" in str(simulate(scenario, Plan(seed=1)).failure)


def test_the_last_events_tell_what_happened() -> None:
    async def scenario(sim: Simulation) -> None:
        async with sim.running() as system:
            await system.spawn(Counter, name="till").ask("one more")
        sim.note("over")

    events = simulate(scenario, Plan(seed=1)).events
    assert any("actor root/spawned/till str" in event for event in events)
    assert any(event.endswith("over") for event in events)


def test_digests_are_short_and_stable() -> None:
    assert len(_run(1).digest) == len(hashlib.blake2b(digest_size=8).hexdigest())


async def _never(sim: Simulation) -> None:
    async with sim.running():
        sim.note("here it goes wrong")
        await sim.eventually("spring", lambda: False, within=0.5)


async def _not_always(sim: Simulation) -> None:
    async with sim.running():
        sim.note("here it goes wrong")
        sim.always("spring", lambda: False)
        await trio.sleep(1)


async def _mistaken(sim: Simulation) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        async with sim.running():
            sim.note("here it goes wrong")
            raise ValueError("mistaken")


@pytest.mark.parametrize("scenario", [_never, _not_always, _mistaken])
def test_the_clean_up_after_a_failure_drives_no_event_out(scenario: Scenario) -> None:
    run = simulate(scenario, Plan(seed=1), keep=6)

    assert run.failure is not None
    assert any("here it goes wrong" in event for event in run.events)
