"""The states of a cell, as operators read them."""

from __future__ import annotations

import trio

from runtime import State
from runtime.state import Signal
from runtime.testing import running
from tests.runtime.puppet import QUICK, Puppet, fail, outage, sleeps


def test_a_states_value_is_its_name_in_lower_case() -> None:
    for member in (*State, *Signal):
        assert member.value == member.name.lower()


async def test_an_actor_passes_through_its_states_in_order() -> None:
    async with running() as system:
        seen: list[State] = []
        ref = system.spawn(
            lambda: Puppet(starts=sleeps(1), stops=sleeps(1)),
            backoff=QUICK,
        )

        async def look(seconds: float) -> None:
            await trio.sleep(seconds)
            seen.append(ref.state)

        await look(0.5)
        await look(1.0)
        ref.tell(fail)
        await look(0.05)
        await look(2.0)
        ref.tell(outage())
        await look(0.05)
        await look(2.0)
        ref.stop()
        await look(0.5)
        await look(2.0)
        assert seen == [
            State.STARTING,
            State.RUNNING,
            State.RESTARTING,
            State.RUNNING,
            State.WAITING,
            State.RUNNING,
            State.STOPPING,
            State.STOPPED,
        ]
