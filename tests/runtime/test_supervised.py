"""A child as its supervisor sees it: what it may take, and what happens when it takes longer."""

from __future__ import annotations

import math

import pytest
import trio

from runtime import ActorFailed, State, SupervisorSpec
from runtime.testing import running
from tests.runtime.puppet import Puppet, child, fail, sleeps


async def test_a_sibling_that_does_not_halt_in_time_is_killed_and_restarted_once() -> None:
    spec = SupervisorSpec(
        name="root",
        strategy="one_for_all",
        children=(child(Puppet, "a"), child(Puppet, "b", shutdown_seconds=2.0)),
    )
    async with running(spec) as system:
        a, b = system.ref("root/a"), system.ref("root/b")
        b.tell(sleeps(math.inf))
        b.tell("behind")
        await system.settle()
        a.tell(fail)
        await trio.sleep(10)
        assert (a._cell.incarnation, b._cell.incarnation) == (2, 2)
        assert b._cell.handled == 1, "its queue was kept"
        (failure,) = (
            i for i in system.incidents if isinstance(i, ActorFailed) and i.path == "root/b"
        )
        assert "did not halt in time" in str(failure.error)
        used = [leaf.restarts_used for leaf in system.snapshot().children]
        assert used == [1, 0], "being slow to fall with others is not its own failure"


async def test_a_start_cut_short_by_a_restart_leaves_no_clock_running() -> None:
    starts: list[float] = []

    async def hang_once(_: Puppet) -> None:
        starts.append(trio.current_time())
        if len(starts) == 2:
            await trio.sleep_forever()

    hangs = child(lambda: Puppet(starts=hang_once), "b", start_seconds=20.0, shutdown_seconds=2.0)
    inner = SupervisorSpec(name="inner", children=(hangs,))
    family = (child(Puppet, "a"), inner)
    async with running(
        SupervisorSpec(name="root", strategy="one_for_all", children=family)
    ) as system:
        a, b = system.ref("root/a"), system.ref("root/inner/b")
        b.tell(fail)
        await trio.sleep(1)
        a.tell(fail)
        await trio.sleep(60)
        assert b.state is State.RUNNING
        assert len(starts) == 3, "the time limit of the start that hung killed nobody later"


async def test_a_sibling_stopped_by_hand_meanwhile_stays_stopped() -> None:
    spec = SupervisorSpec(
        name="root",
        strategy="one_for_all",
        children=(child(Puppet, "a"), child(lambda: Puppet(stops=sleeps(1)), "b")),
    )
    async with running(spec) as system:
        a, b = system.ref("root/a"), system.ref("root/b")
        a.tell(fail)
        await system.settle()
        assert await b.stop()
        assert await a.ask("back") == "back"
        assert not b.is_alive()


@pytest.mark.parametrize("seconds", [1.0, 4.0])
async def test_a_close_waits_for_its_child_and_no_longer_than_it_may(seconds: float) -> None:
    spec = SupervisorSpec(
        name="root",
        children=(child(lambda: Puppet(stops=sleeps(seconds)), shutdown_seconds=2.0),),
    )
    async with running(spec) as system:
        ref = system.ref("root/child")
    assert trio.current_time() == min(seconds, 2.0)
    assert ref.state is State.STOPPED
