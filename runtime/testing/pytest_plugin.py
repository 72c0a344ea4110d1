"""For pytest: async tests in virtual time on a virtual network, and `@simulation` over many seeds.

In a conftest: `pytest_plugins = ["runtime.testing.pytest_plugin"]`. Servers and clients then
meet on 127.0.0.1 of a host that each test has for itself; who wants to break the network asks
for the fixture `network`. A test that talks to the outside world - real sockets, threads,
processes - is marked `real_clock`: while it waits trio sees only idle tasks, and a clock that
jumps would let every deadline pass at once.

```
async def test_a_reset_is_an_outage(network: Network) -> None: ...

@simulation(seeds=50, sometimes=("the payment came late",))
async def test_a_late_payment_still_counts(sim: Simulation) -> None: ...
```
"""

from __future__ import annotations

import difflib
import functools
import inspect
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import pytest
import trio

from runtime.testing.campaign import Campaign, Result
from runtime.testing.clock import run
from runtime.testing.explain import explain
from runtime.testing.network import OUTSIDE, Network
from runtime.testing.report import SimulationFailedError, told
from runtime.testing.scheduler import check_trio, shuffled_by
from runtime.testing.shrink import RUNS_MAX, shrink
from runtime.testing.simulation import Plan, Run, Scenario, Simulation, simulate

SEEDS = 20
SHRINK_SECONDS = 10.0
"""Real seconds spent on making a failure small before it is told."""
CAUSES_MAX = 12
"""Lines in which it is told."""
MARK = "simulation"
REAL_CLOCK = "real_clock"


def simulation(
    *bare: object, seeds: int = SEEDS, sometimes: Sequence[str] = (), twice: bool = True
) -> Callable[[Any], Any]:
    """Run an `async def test(sim, ...)` once for each of `seeds`, and the first one twice.

    `sometimes` names what has to happen in one of the runs at least (`Simulation.sometimes`,
    faults of `Simulation.chance`, `crash of NODE`). The second run of the first seed must leave
    the same trace: a test that is not repeatable is worth nothing. `twice=False` spares it where
    another test runs the same code twice. Raises `TypeError` where the parentheses are missing.
    """
    if bare:
        raise TypeError("write `@simulation()`, with parentheses")
    return pytest.mark.simulation(seeds=seeds, sometimes=tuple(sometimes), twice=twice)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The words with which a failure is replayed."""
    group = parser.getgroup("simulation")
    group.addoption("--sim-seed", type=int, help="run @simulation tests with this seed only")
    group.addoption("--sim-seeds", type=int, help="run @simulation tests with so many seeds")
    group.addoption("--sim-scheduler", default="", help="fifo, shuffle, walk or pct:DEPTH")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    config.addinivalue_line("markers", f"{MARK}: one test, many seeds (runtime.testing)")
    config.addinivalue_line(
        "markers",
        f"{REAL_CLOCK}: runs on trio's real clock, because it talks to the outside world",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Turn a coroutine test into a plain one that runs it under trio."""
    mark = pyfuncitem.get_closest_marker(MARK)
    real_clock = pyfuncitem.get_closest_marker(REAL_CLOCK) is not None
    test = pyfuncitem.obj
    given = getattr(test, "hypothesis", None)  # below @given every example is a run of its own
    if mark is not None:
        pyfuncitem.obj = _simulated(test, pyfuncitem, **mark.kwargs)
    elif given is not None and inspect.iscoroutinefunction(given.inner_test):
        given.inner_test = _under_trio(given.inner_test, pyfuncitem, real_clock=real_clock)
    elif inspect.iscoroutinefunction(test):
        pyfuncitem.obj = _under_trio(test, pyfuncitem, real_clock=real_clock)


@pytest.fixture(scope="session")  # else Hypothesis complains before we can
def sim() -> None:
    """Stands for the `Simulation` that each run of a `@simulation` test is given."""


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Network:
    """The network of this test, to be slowed, cut or reset; see `Network`."""
    if any(request.node.get_closest_marker(mark) for mark in (REAL_CLOCK, MARK)):
        pytest.fail("only a test in virtual time has this network; a simulation has its own")
    return _network()


def _network() -> Network:
    """Repeatable, and with one host, which is wherever the test itself is."""
    luck = random.Random(0)  # noqa: S311 - repeatable on purpose
    return Network(luck=luck, note=lambda _: None, host_of=lambda: OUTSIDE)


def _under_trio(
    test: Callable[..., Awaitable[None]], item: pytest.Function, *, real_clock: bool
) -> Callable[..., None]:
    @functools.wraps(test)
    def on_trio(*args: object, **fixtures: object) -> None:
        call = functools.partial(test, *args, **fixtures)
        if real_clock:
            trio.run(call)
        else:
            check_trio()
            with shuffled_by(random.Random(0)):  # noqa: S311 - repeatable on purpose
                run(_connected, item.funcargs.get("network") or _network(), call)

    return on_trio


async def _connected(network: Network, call: Callable[[], Awaitable[None]]) -> None:
    with network.installed():
        await call()


def _simulated(
    test: Callable[..., Awaitable[None]],
    item: pytest.Function,
    *,
    seeds: int,
    sometimes: tuple[str, ...],
    twice: bool,
) -> Callable[..., None]:
    option = item.config.getoption
    seed, scheduler = option("--sim-seed"), option("--sim-scheduler")
    chosen = range(option("--sim-seeds") or seeds) if seed is None else [seed]
    _check_written(test, item)

    def run_all(**fixtures: object) -> None:
        campaign = Campaign(wanted=sometimes if seed is None and not scheduler else ())
        scenario = _scenario(test, fixtures)
        for number, each in enumerate(chosen):
            plan = Plan(seed=each, scheduler=scheduler)
            began = time.perf_counter()
            one = simulate(scenario, plan)
            if isinstance(one.failure, pytest.skip.Exception):
                raise one.failure
            if one.failure is not None:
                smallest = _shrunk(scenario, one, took=time.perf_counter() - began)
                raise SimulationFailedError(_text(one, item, smallest)) from one.failure
            if number == 0 and twice:
                _check_repeatable(one, simulate(scenario, plan))
            campaign.add(Result.of(one))
        if campaign.never:
            never = ", ".join(_missed(name, campaign.sometimes) for name in campaign.never)
            pytest.fail(f"never happened in {campaign.seeds} seeds: {never}", pytrace=False)

    return functools.wraps(test)(run_all)


def _check_written(test: Callable[..., Awaitable[None]], item: pytest.Function) -> None:
    """Fail where no simulation can be made of `test`."""
    wrong = None
    if hasattr(test, "hypothesis"):
        wrong = "has seeds, and no examples by @given: draw from `sim.luck(name)`"
    elif inspect.isasyncgenfunction(test):
        wrong = "does not `yield`"
    elif not inspect.iscoroutinefunction(test):
        wrong = f"is `async def {item.name}(sim)`, not `def`"
    elif "sim" not in item.fixturenames:
        wrong = "takes its simulation as `sim`"
    if wrong is not None:
        pytest.fail(f"a @simulation test {wrong}", pytrace=False)


def _missed(name: str, happened: Iterable[str]) -> str:
    """`name`, beside what did happen and is called nearly like it."""
    known = {other.lower(): other for other in happened}
    close = difflib.get_close_matches(name.lower(), known)
    return name + (f" (did happen: {', '.join(known[each] for each in close)})" if close else "")


def _scenario(test: Callable[..., Awaitable[None]], fixtures: dict[str, object]) -> Scenario:
    async def scenario(sim: Simulation) -> None:
        await test(**{**fixtures, "sim": sim})

    return scenario


def _check_repeatable(first: Run, second: Run) -> None:
    if first.digest != second.digest:
        msg = (
            f"seed {first.plan.seed} gave two different runs ({first.digest} after "
            f"{first.steps} steps, {second.digest} after {second.steps}): something depends on "
            "the machine; `main.py sim diff` shows where two runs part"
        )
        raise SimulationFailedError(msg)


def _shrunk(scenario: Scenario, failed: Run, *, took: float) -> list[str]:
    """What it takes to fail like this, in words, as far as it can be found in some seconds."""
    if took > SHRINK_SECONDS:
        return [f"not yet: a run takes {took:.0f} s"]
    runs_max = max(2, min(RUNS_MAX, int(SHRINK_SECONDS / max(took, 1e-6))))
    smallest = shrink(scenario, failed, runs_max=runs_max)
    size = f"{smallest.choices} of {smallest.choices_before} choices out of the ordinary"
    causes = explain(scenario, smallest.run.plan) if smallest.run.plan.choices is not None else []
    return [size, *causes[:CAUSES_MAX]]


def _text(one: Run, item: pytest.Function, shrunk: Sequence[str]) -> str:
    replay = (
        f"python -m pytest {_typed(item)} --sim-seed {one.plan.seed} "
        f"--sim-scheduler {one.scheduler}"
    )
    return told(one, name=item.name, replay=replay, shrunk=shrunk)


def _typed(item: pytest.Function) -> str:
    """The test as it is named in the shell that pytest was called from."""
    place = os.path.relpath(item.path, item.config.invocation_params.dir)
    node = "".join((place, *item.nodeid.partition("::")[1:]))
    return "'" + node.replace("'", "'\"'\"'") + "'"
