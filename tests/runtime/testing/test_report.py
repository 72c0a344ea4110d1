"""A failure prints all that it takes to see it again."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from runtime.testing.campaign import Result
from runtime.testing.node import Crash
from runtime.testing.report import (
    REVISION_DIGITS,
    SimulationFailedError,
    arguments,
    check,
    revision,
    told,
)
from runtime.testing.simulation import Plan, Simulation, simulate
from tests.runtime.testing import errands

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FAILS = Plan(
    seed=1,
    scheduler="fifo",
    crashes=(Crash("till", 4),),
    options={"cups": 3},
    choices={"tasks": [0, 1], "rain": [1]},
)


def test_a_plan_is_typed_with_all_that_it_says() -> None:
    assert arguments(FAILS, "walk") == [
        "1", "--scheduler", "walk", "--crash", "till@4", "--set", "cups=3",
        "--choices", "rain:0=1;tasks:1=1",
    ]  # fmt: skip
    assert arguments(Plan(seed=2), "pct:2") == ["2", "--scheduler", "pct:2"]


def test_a_failure_tells_what_when_and_how_to_see_it_again() -> None:
    run = simulate(errands.broken, FAILS)

    lines = told(run, name="broken", replay="do it again", shrunk=["one thing"]).splitlines()

    assert lines[0].startswith("broken failed with seed 1: ValueError: water in the ")
    assert f"digest {run.digest}, revision {revision()}" in "".join(lines)
    assert {"  option cups=3", "  crash till@4", "  shrunk: one thing"} <= set(lines)
    assert lines[-1] == "  replay: do it again"
    assert lines[-2] == f"    {run.events[-1]}"


def test_what_can_be_imported_is_told_as_a_command() -> None:
    with pytest.raises(SimulationFailedError) as failure:
        check(simulate(errands.broken, FAILS), name="errands.broken")

    *lines, command, python = str(failure.value).splitlines()
    assert command == (
        "  replay: python main.py sim replay 1 --scenario tests.runtime.testing.errands:broken "
        "--scheduler fifo --crash till@4 --set cups=3 --choices 'rain:0=1;tasks:1=1'"
    )
    assert python.startswith("  or: simulate(errands.broken, Plan(seed=1, scheduler='fifo'")
    assert "  last events (more: --events N):" in lines


def test_what_cannot_be_imported_is_told_in_python() -> None:
    async def fails(_: Simulation) -> None:
        raise ValueError("x")

    for scenario in (fails, partial(errands.broken)):
        with pytest.raises(SimulationFailedError) as failure:
            check(simulate(scenario, FAILS))
        assert str(failure.value).splitlines()[-1].startswith("  replay: simulate(scenario, Plan(")
        assert "  last events:" in str(failure.value).splitlines()


async def _fails(_: Simulation) -> None:
    raise ValueError("x")


def test_what_main_py_does_not_find_is_told_in_python(tmp_path: Path) -> None:
    """A test of another project: from there our command leads nowhere."""
    elsewhere = ModuleType("elsewhere")
    elsewhere.__file__ = str(tmp_path / "elsewhere.py")
    vars(elsewhere)["_fails"] = _fails
    _fails.__module__ = "elsewhere"
    sys.modules["elsewhere"] = elsewhere
    try:
        with pytest.raises(SimulationFailedError) as failure:
            check(simulate(_fails, FAILS))
    finally:
        del sys.modules["elsewhere"]
        _fails.__module__ = __name__
    assert str(failure.value).splitlines()[-1].startswith("  replay: simulate(scenario, Plan(")


def test_a_run_that_passed_is_no_failure() -> None:
    check(simulate(errands.quiet, Plan(seed=1)))


def test_what_came_from_another_process_is_told_alike() -> None:
    run = simulate(errands.broken, FAILS)

    assert told(Result.of(run), name="x", replay="y") == told(run, name="x", replay="y")


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": COMMIT},
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/main\n", "packed-refs": f"# x\n{COMMIT} refs/heads/main\n"},
    ],
)
def test_the_revision_is_read_where_git_keeps_it(files: dict[str, str], tmp_path: Path) -> None:
    for name, text in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    assert revision(tmp_path / "runtime" / "x.py") == COMMIT[:REVISION_DIGITS]


def test_without_git_the_revision_is_unknown(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/unborn\n")

    assert revision(tmp_path / "x.py") == "unknown"
