"""The plugin, as pytest sees it: inner test files are run by an inner pytest."""

from __future__ import annotations

import contextlib
import shlex

import pytest

from runtime.testing.pytest_plugin import simulation

pytest_plugins = ["pytester"]

BARE = ("-p", "no:cacheprovider", "--disable-plugin-autoload")
"""The inner pytest has this plugin alone: what else is installed takes longer than its tests."""

HEAD = """
import pytest, trio
from runtime.testing import Probe, running
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import PropertyError
"""

LOST_UPDATE = """
@simulation(seeds=30)
async def test_deposits_add_up(sim):
    balance = [0]
    async def deposit(number):
        before = balance[0]
        if sim.chance("slow bank", 0.2):
            await trio.sleep(number)
        balance[0] = before + 1
    async with trio.open_nursery() as nursery:
        for number in range(1, 4):
            nursery.start_soon(deposit, number)
    if balance[0] != 3:
        raise PropertyError("a deposit is lost")
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest('pytest_plugins = ["runtime.testing.pytest_plugin"]')
    return pytester


def _run(inner: pytest.Pytester, code: str, *arguments: str) -> pytest.RunResult:
    inner.makepyfile(HEAD + code)
    return inner.runpytest_inprocess(*BARE, *arguments)


def test_an_async_test_runs_in_virtual_time(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
async def test_a_year():
    await trio.sleep(365 * 86_400)
    assert trio.current_time() == 365 * 86_400

@pytest.mark.real_clock
async def test_now():
    assert trio.current_time() != 0.0

async def test_fails():
    await trio.sleep(1)
    assert False

async def test_hangs():
    await trio.Event().wait()

def test_plain():
    pass
""",
    )
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(["*Deadlock: deadlock: nothing can run any more*"])


def test_the_tasks_of_an_async_test_go_in_one_order_always(inner: pytest.Pytester) -> None:
    """Left to trio, each run and each process has an order of its own."""
    result = _run(
        inner,
        """
orders = []

@pytest.mark.parametrize("run", range(8))
async def test_order(run):
    order = []
    async def step(number):
        for _ in range(3):
            await trio.lowlevel.checkpoint()
            order.append(number)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(step, number)
    orders.append(order)

def test_one():
    assert all(order == orders[0] for order in orders)
    assert orders[0][:10] != list(range(10)), "and luck has part in it"
""",
    )
    result.assert_outcomes(passed=9)


def test_a_simulation_runs_with_every_seed(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
seeds = []

@pytest.fixture
def limit():
    return 100

@simulation(seeds=5)
async def test_seeds(sim, limit):
    seeds.append(sim.seed)
    await trio.sleep(sim.luck("nap").random() * limit)

def test_which():
    assert seeds == [0, 0, 1, 2, 3, 4], "the first one twice"
    seeds.clear()

@simulation(seeds=2, twice=False)
async def test_each_once(sim):
    seeds.append(sim.seed)

def test_which_once():
    assert seeds == [0, 1]
""",
    )
    result.assert_outcomes(passed=4)


def test_a_failure_says_how_to_see_it_again_and_what_it_takes(inner: pytest.Pytester) -> None:
    result = _run(inner, LOST_UPDATE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_deposits_add_up failed with seed *: PropertyError: a deposit is lost",
            "*scheduler *, step *, virtual second *, digest *, revision *",
            "*shrunk: 1 of * choices out of the ordinary",
            "*shrunk: * fault: slow bank",
            "*last events:",
            "*replay: python -m pytest '*::test_deposits_add_up' --sim-seed * --sim-scheduler *",
        ]
    )


def test_the_replay_runs_that_seed_only(inner: pytest.Pytester) -> None:
    failed = _run(inner, LOST_UPDATE)
    (replay,) = [line for line in failed.stdout.lines if "replay: " in line and line[0] == "E"]
    words = replay.partition("pytest ")[2].split()
    result = inner.runpytest_inprocess(*BARE, *words[1:])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*failed with seed {words[2]}: PropertyError*"])


def test_what_has_to_happen_sometimes_must(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
@simulation(seeds=5, sometimes=("rain", "snow"))
async def test_weather(sim):
    sim.sometimes("rain")
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*never happened in 5 seeds: snow*"])


def test_a_wrong_name_is_told_what_did_happen(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
@simulation(seeds=2, sometimes=("crash of Bank", "rain"))
async def test_weather(sim):
    sim.sometimes("crash of bank")
    sim.sometimes("sunshine")
""",
    )
    result.stdout.fnmatch_lines(
        ["*never happened in 2 seeds: crash of Bank (did happen: crash of bank), rain"]
    )


def test_how_a_simulation_is_written_is_told(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
@simulation(seeds=2)
def test_plain(sim):
    pass
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a @simulation test is `async def test_plain(sim)`, not `def`"])
    with pytest.raises(TypeError, match="with parentheses"):
        simulation(test_how_a_simulation_is_written_is_told)


def test_what_cannot_be_repeated_is_no_test(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
runs = []

@simulation(seeds=5)
async def test_differs(sim):
    runs.append(1)
    sim.note(f"run {len(runs)}")
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*seed 0 gave two different runs*"])


def test_an_example_of_hypothesis_is_a_run_of_its_own(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
from hypothesis import given, strategies as st

@given(st.integers(0, 100))
async def test_naps(seconds):
    assert trio.current_time() == 0.0
    await trio.sleep(seconds)
""",
    )
    result.assert_outcomes(passed=1)


def test_a_test_in_virtual_time_has_a_network(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
async def echo(stream):
    async for data in stream:
        await stream.send_all(data)

async def test_echo(network):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, echo, listeners)
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"x")
        assert await stream.receive_some() == b"x"
        assert trio.current_time() > 0.0
        nursery.cancel_scope.cancel()

@pytest.mark.real_clock
async def test_not_here(network):
    pass
""",
    )
    result.assert_outcomes(passed=1, errors=1)


def test_the_replay_can_be_typed_where_pytest_was_called(inner: pytest.Pytester) -> None:
    folder = inner.mkdir("deep")
    (folder / "test_deep.py").write_text(
        HEAD
        + """
@pytest.mark.parametrize("who", ["o'bob; exit"])
@simulation(seeds=1)
async def test_who(sim, who):
    assert not who
"""
    )
    root = ("--rootdir", str(inner.path))
    with contextlib.chdir(folder):
        told = inner.runpytest_inprocess(*BARE, *root, "test_deep.py").stdout
        (replay,) = [line for line in told.lines if "replay: " in line and line[0] == "E"]
        words = shlex.split(replay.partition("replay: ")[2])
        assert words[:4] == ["python", "-m", "pytest", "test_deep.py::test_who[o'bob; exit]"]
        inner.runpytest_inprocess(*BARE, *root, *words[3:]).assert_outcomes(failed=1)


def test_a_simulation_may_be_skipped_from_within(inner: pytest.Pytester) -> None:
    result = _run(
        inner,
        """
@simulation()
async def test_not_here(sim):
    pytest.skip("not here")
""",
    )
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (
            "@given(st.integers())\nasync def test_x(sim, n): pass",
            "has seeds, and no examples by @given",
        ),
        ("async def test_x(sim): yield", "does not `yield`"),
        ("async def test_x(): pass", "takes its simulation as `sim`"),
    ],
)
def test_what_makes_no_simulation_is_told_why(inner: pytest.Pytester, test: str, why: str) -> None:
    imports = "from hypothesis import given, strategies as st\n"
    result = _run(inner, f"{imports}@simulation(seeds=2)\n{test}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*a @simulation test {why}*"])
