"""A killed node does nothing more, comes back, and remembers only what was durable."""

from __future__ import annotations

import re

import pytest
import trio

from runtime.testing.node import Crash, Killed, Life, UnknownVictimError
from runtime.testing.simulation import Plan, Simulation, simulate
from tests.runtime.puppet import Puppet


def _plan(*steps: int) -> Plan:
    crashes = tuple(Crash("machine", step) for step in steps)
    return Plan(seed=1, scheduler="fifo", crashes=crashes)


def test_a_node_that_ends_by_itself_is_not_started_again() -> None:
    lives: list[int] = []

    async def boot(life: Life) -> None:
        lives.append(life.number)

    async def scenario(sim: Simulation) -> None:
        await sim.node("machine", boot).run()

    assert simulate(scenario, _plan()).failure is None
    assert lives == [1]


def test_a_second_node_of_one_name_is_refused() -> None:
    async def boot(_: Life) -> None:
        pass

    async def scenario(sim: Simulation) -> None:
        sim.node("machine", boot)
        with pytest.raises(ValueError, match="there is a node 'machine' already"):
            sim.node("machine", boot)

    assert simulate(scenario, _plan()).failure is None


def test_to_kill_what_has_never_run_is_no_crash_and_is_told() -> None:
    async def boot(_: Life) -> None:
        pass

    async def scenario(sim: Simulation) -> None:
        sim.node("machine", boot).crash()

    run = simulate(scenario, _plan())
    assert run.failure is None
    assert run.sometimes == {}
    assert any(event.endswith("no crash: machine has not run yet") for event in run.events)


def test_a_killed_node_starts_again_after_its_time() -> None:
    started: list[float] = []

    async def boot(life: Life) -> None:
        started.append(trio.current_time())
        if life.number < 3:
            await trio.sleep_forever()

    async def scenario(sim: Simulation) -> None:
        node = sim.node("machine", boot, restart_seconds=5.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.run)
            for _ in range(2):
                await trio.sleep(1)
                node.crash()
                node.crash()  # who is down stays down
                await trio.sleep(5)

    assert simulate(scenario, _plan()).failure is None
    assert started == [0.0, 6.0, 12.0]


def test_the_dead_are_fenced_and_their_errors_are_nobodys() -> None:
    tried: list[str] = []

    async def boot(life: Life) -> None:
        if life.number == 2:
            return
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            tried.append("clean-up")
            with pytest.raises(Killed):
                life.check()
            raise ValueError("of a dead man")

    async def scenario(sim: Simulation) -> None:
        node = sim.node("machine", boot)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.run)
            await trio.sleep(1)
            node.crash()

    assert simulate(scenario, _plan()).failure is None
    assert tried == ["clean-up"]


def test_the_errors_of_the_living_end_the_run() -> None:
    async def boot(_: Life) -> None:
        raise ValueError("alive")

    async def scenario(sim: Simulation) -> None:
        await sim.node("machine", boot).run()

    assert str(simulate(scenario, _plan()).failure) == "alive"


def test_a_node_can_be_killed_before_each_of_its_steps() -> None:
    async def boot(life: Life) -> None:
        for _ in range(3):
            done.append(life.number)
            await trio.lowlevel.checkpoint()

    async def scenario(sim: Simulation) -> None:
        await sim.node("machine", boot).run()

    undisturbed: list[int] = []
    done = undisturbed
    steps = simulate(scenario, _plan()).node_steps["machine"]
    told = set()
    for step in range(1, steps + 1):
        done = []
        run = simulate(scenario, _plan(step))
        assert run.failure is None
        assert run.sometimes == {"crash of machine": 1}
        assert done[-3:] == [2, 2, 2]
        told.add(done.count(1))
    assert undisturbed == [1, 1, 1]
    assert told == {1, 2, 3}, "killed between any two of them"


def test_what_a_task_of_a_node_starts_is_part_of_it() -> None:
    hosts: list[str] = []

    async def scenario(sim: Simulation) -> None:
        async def boot(life: Life) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child, life)

        async def child(life: Life) -> None:
            hosts.append(sim.host_of())
            assert sim.life() is life

        hosts.append(sim.host_of())
        await sim.node("machine", boot).run()

    assert simulate(scenario, _plan()).failure is None
    assert hosts == ["outside", "machine"]


@pytest.mark.parametrize("text", ["machine", "@3", "machine@", "machine@x", "m@0", "m@-3"])
def test_a_crash_is_typed_as_node_and_step(text: str) -> None:
    assert Crash.parse(str(Crash("a@b", 17))) == Crash("a@b", 17)
    with pytest.raises(ValueError, match="expected NODE@STEP, with steps from 1"):
        Crash.parse(text)


def test_to_kill_nobody_is_an_error_that_names_who_is_there() -> None:
    async def scenario(sim: Simulation) -> None:
        async def boot(life: Life) -> None:
            async with life.running() as system:
                system.spawn(Puppet, name="clerk")

        sim.node("spare", boot)
        await sim.node("machine", boot).run()

    plan = Plan(seed=1, crashes=(Crash("machine", 9_999), Crash("spare", 1)))
    assert simulate(scenario, plan).failure is None, "they were not there yet, or not so long"
    failure = simulate(scenario, Plan(seed=1, crashes=(Crash("mashine", 1),))).failure
    assert isinstance(failure, UnknownVictimError)
    known = "machine, root/spawned/clerk, spare"
    assert str(failure) == f"no crash mashine@1: nobody has that name; there are {known}"


def test_a_run_that_failed_anyway_tells_why() -> None:
    async def fails(_: Simulation) -> None:
        raise KeyError("as it is")

    assert isinstance(simulate(fails, Plan(seed=1, crashes=(Crash("x", 1),))).failure, KeyError)


def test_what_is_no_node_cannot_be_called_one() -> None:
    async def boot(_: Life) -> None:
        pass

    sim = Simulation(_plan())
    for name in ("outside", "localhost", "*", "", "10.0.0.1", "Bank"):
        with pytest.raises(ValueError, match=f"'{re.escape(name)}'"):
            sim.node(name, boot)


def test_the_dead_make_no_new_connections() -> None:
    """Their old ones are reset; a shielded clean-up would open others in their host's name."""
    heard: list[bytes] = []

    async def hear(stream: trio.SocketStream) -> None:
        heard.extend([bytes(data) async for data in stream])

    async def bank(_: Life) -> None:
        await trio.serve_tcp(hear, 80)

    async def boot(life: Life) -> None:
        try:
            await trio.sleep(10 if life.number == 1 else 1)
        finally:
            with trio.CancelScope(shield=True):
                stream = await trio.open_tcp_stream("bank", 80)
                await stream.send_all(f"life {life.number}".encode())
                await stream.aclose()

    async def scenario(sim: Simulation) -> None:
        machine = sim.node("machine", boot)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sim.node("bank", bank).run)
            nursery.start_soon(machine.run)
            await trio.sleep(5)
            machine.crash()
            await trio.sleep(5)
            nursery.cancel_scope.cancel()

    assert simulate(scenario, _plan()).failure is None
    assert heard == [b"life 2"]
