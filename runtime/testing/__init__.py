"""Testing actors: probes, virtual time, and simulations that a seed repeats.

```
async def test_a_greeting_is_returned():
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Greeter(out=probe), name="greeter")
        ref.tell(Hello())
        await probe.expect(Greeted)
```

`docs/testing.md` teaches all of it. Beside what is named here: `pytest_plugin` (async tests in
virtual time, `@simulation`) and `stateful` (Hypothesis drives a system), which need their
libraries; `campaign` and `twice` for many runs, `planted` for the proof that bugs are found.
"""

from __future__ import annotations

from runtime.testing.behaviour import Behaviour
from runtime.testing.crashes import crash_everywhere
from runtime.testing.network import Network
from runtime.testing.node import Crash, Killed, Life, Node
from runtime.testing.probe import KeyedProbe, Probe
from runtime.testing.report import SimulationFailedError, check
from runtime.testing.shrink import shrink
from runtime.testing.simulation import Plan, PropertyError, Run, Simulation, simulate
from runtime.testing.system import TestSystem, running

__all__ = [
    "Behaviour",
    "Crash",
    "KeyedProbe",
    "Killed",
    "Life",
    "Network",
    "Node",
    "Plan",
    "Probe",
    "PropertyError",
    "Run",
    "Simulation",
    "SimulationFailedError",
    "TestSystem",
    "check",
    "crash_everywhere",
    "running",
    "shrink",
    "simulate",
]
