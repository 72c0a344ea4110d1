"""Testing actors: a running system under a clock that jumps, and probes that watch.

```
async def test_a_greeting_is_returned():
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Greeter(out=probe), name="greeter")
        ref.tell(Hello())
        await probe.expect(Greeted)
```

Time is virtual where the test's trio runs on a clock that jumps: an hour of timers takes
milliseconds, and a test never sleeps.
"""

from __future__ import annotations

from runtime.testing.probe import KeyedProbe, Probe
from runtime.testing.system import TestSystem, running

__all__ = ["KeyedProbe", "Probe", "TestSystem", "running"]
