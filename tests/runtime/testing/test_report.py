"""A failure prints all that it takes to see it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.testing.campaign import Result
from runtime.testing.node import Crash
from runtime.testing.report import REVISION_DIGITS, arguments, revision, told
from runtime.testing.simulation import Plan, simulate
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
