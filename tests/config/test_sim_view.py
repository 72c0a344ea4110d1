"""Progress is drawn on a terminal and told in lines elsewhere; summaries add up."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from config.sim_arguments import Known
from config.sim_view import SHOWN, View, print_summary, summary
from runtime.testing.campaign import Campaign, Result
from runtime.testing.simulation import Plan
from tests.config.program import MAIN, surroundings
from tests.config.simulations import HERE

RACE = f"{HERE}:race"


def result(seed: int, failure: str | None = None) -> Result:
    """A run of half an hour."""
    return Result(
        plan=Plan(seed=seed),
        scheduler="walk",
        digest="0" * 16,
        steps=10,
        seconds=1800.0,
        sometimes={"rain": 2},
        failure=failure,
        events=("  0.0  step 1",),
    )


def campaign(*results: Result, wanted: tuple[str, ...] = ()) -> Campaign:
    """What these came to."""
    counted = Campaign(wanted=wanted)
    for each in results:
        counted.add(each)
    return counted


def test_a_summary_has_rates_and_failures_by_seed() -> None:
    counted = campaign(result(9, "X: b"), result(1), result(2, "X: a"), wanted=("snow",))

    figures = summary(Known.by(RACE), counted, seconds=3.0)

    assert (figures["seeds"], figures["failed"], figures["simulated_hours"]) == (3, 2, 1.5)
    assert (figures["seeds_per_second"], figures["simulated_hours_per_second"]) == (1.0, 0.5)
    assert figures["sometimes"] == {"snow": 0, "rain": 6}
    assert figures["never"] == ["snow"]
    failures = figures["failures"]
    assert isinstance(failures, list)
    assert [failure["seed"] for failure in failures] == [2, 9]
    assert failures[0]["replay"] == (
        f"python main.py sim replay 2 --scenario {RACE} --scheduler walk"
    )


@pytest.mark.parametrize(("judged", "line"), [(True, "  proves"), (False, "  warning: proves")])
def test_what_never_happened_is_told_as_it_counts(
    judged: bool, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = summary(Known.by(RACE), campaign(result(1), wanted=("snow",)), seconds=1.0)

    print_summary(figures, judged=judged)

    assert f"\n{line} nothing about: snow\n" in capsys.readouterr().out


def test_a_failure_takes_one_line_of_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    figures = summary(Known.by(RACE), campaign(result(1, "X: a\nb\nc")), seconds=1.0)

    print_summary(figures, judged=True)

    assert "  failed: seed 1, X: a\n    python main.py" in capsys.readouterr().out


def test_only_the_first_failures_are_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    counted = Campaign()
    view = View(RACE, counted, total=10)
    with view.shown():
        for seed in range(SHOWN + 4):
            failed = result(seed, "X: a")
            counted.add(failed)
            view.came(Known.by(RACE), failed)

    assert capsys.readouterr().err.count("last events (more: --events N):") == SHOWN


@pytest.mark.process
def test_on_a_terminal_a_bar_is_drawn_and_taken_away_again(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    arguments = ["sim", "run", RACE, "--seeds", "600", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, MAIN, *arguments],
        cwd=tmp_path,
        env=surroundings({"TERM": "xterm", "COLUMNS": "100"}),
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    drawn = _all_of(ours)

    assert done.returncode == 1
    assert b"600 runs" in done.stdout
    assert f"{RACE} ".encode() in drawn
    assert b"/600" in drawn
    assert b"runs/s" in drawn
    assert b"\x1b[?25h" in drawn, "the cursor is shown again"


def _all_of(terminal: int) -> bytes:
    told = b""
    try:
        while chunk := os.read(terminal, 65_536):
            told += chunk
    except OSError:  # Linux says so when nobody has the other end any more
        pass
    os.close(terminal)
    return told
