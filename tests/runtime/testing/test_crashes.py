"""Who cannot be killed at every step is not safe to be killed at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import trio

from runtime.testing.crashes import crash_everywhere
from runtime.testing.node import Life
from runtime.testing.simulation import Plan, PropertyError, Scenario, Simulation

PLAN = Plan(seed=1, scheduler="fifo")
Pay = Callable[[Life, "World"], trio.abc.AsyncResource]


class World:
    """What outlives the node: its disk, and the provider's books."""

    def __init__(self) -> None:
        self.disk: set[str] = set()
        self.paid: Counter[str] = Counter()
        self.keys: set[str] = set()

    async def write(self, life: Life, fact: str) -> None:
        life.check()
        await trio.sleep(0.01)
        life.check()
        self.disk.add(fact)
        await trio.sleep(0.01)

    async def pay(self, life: Life, key: str | None = None) -> None:
        life.check()
        await trio.sleep(0.05)
        life.check()
        if key is None or key not in self.keys:
            self.paid["payout"] += 1
        if key is not None:
            self.keys.add(key)
        await trio.sleep(0.05)


def _payer(way: str) -> Scenario:
    async def scenario(sim: Simulation) -> None:
        world = World()

        async def boot(life: Life) -> None:
            if "done" in world.disk:
                return
            match way:
                case "send, then record":
                    await world.pay(life)
                    await world.write(life, "done")
                case "record, then send":
                    await world.write(life, "done")
                    await world.pay(life)
                case _:
                    await world.pay(life, key="the key")
                    await world.write(life, "done")

        await sim.node("payer", boot).run()
        if world.paid["payout"] != 1:
            raise PropertyError(f"paid {world.paid['payout']} times")

    return scenario


def _failures(way: str, *, pairs: bool = False) -> tuple[set[str], int]:
    runs = list(crash_everywhere(_payer(way), PLAN, node="payer", pairs=pairs))
    return {str(run.failure) for run in runs if run.failure is not None}, len(runs)


def test_send_then_record_pays_twice_somewhere() -> None:
    assert _failures("send, then record")[0] == {"paid 2 times"}


def test_record_then_send_loses_it_somewhere() -> None:
    assert _failures("record, then send")[0] == {"paid 0 times"}


def test_a_key_survives_every_crash_and_every_two() -> None:
    found, singles = _failures("with a key")
    assert found == set()
    found, all_of_them = _failures("with a key", pairs=True)
    assert found == set()
    steps = singles - 1
    assert all_of_them == 1 + steps + steps * (steps - 1) // 2


def test_a_scenario_that_fails_undisturbed_is_not_crashed() -> None:
    async def broken(sim: Simulation) -> None:
        raise PropertyError("anyway")

    runs = list(crash_everywhere(broken, PLAN, node="payer"))
    assert [str(run.failure) for run in runs] == ["anyway"]


def test_a_node_that_does_not_exist_is_refused() -> None:
    runs = crash_everywhere(_payer("with a key"), PLAN, node="teller")
    with pytest.raises(
        ValueError, match=r"no node 'teller' in this scenario; there are \['payer'\]"
    ):
        list(runs)
