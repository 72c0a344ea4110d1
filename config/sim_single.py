"""What `main.py sim` tells of one run: replayed, made small, or laid beside itself."""

from __future__ import annotations

import sys
import traceback
from dataclasses import asdict
from pathlib import Path

from config.process import DONE, FAILED, INTERRUPTED
from config.sim_arguments import Known, RefusedError
from config.sim_view import print_json
from runtime.testing.campaign import Result, find
from runtime.testing.explain import explain
from runtime.testing.recording import record
from runtime.testing.report import told
from runtime.testing.shrink import Shrunk
from runtime.testing.shrink import shrink as make_small
from runtime.testing.simulation import Plan, Run, simulate
from runtime.testing.timeline import timeline
from runtime.testing.twice import Comparison

UNREPEATABLE = 3
"""Exit status: one plan gave two different runs."""


def print_replayed(known: Known, first: Run, second: Run, *, as_json: bool) -> int:
    """What happened in a run, and whether it happened again; answers the exit status."""
    repeatable = first.digest == second.digest
    replay = known.replay(first.plan, first.scheduler)
    trace = "".join(traceback.format_exception(first.failure)) if first.failure else None
    if as_json:
        print_json(
            {
                "scenario": known.name,
                "seed": first.plan.seed,
                "scheduler": first.scheduler,
                "failure": Result.of(first).failure,
                "traceback": trace,
                "digest": first.digest,
                "repeatable": repeatable,
                "steps": first.steps,
                "simulated_seconds": first.seconds,
                "sometimes": dict(first.sometimes),
                "events": list(first.events),
                "replay": replay,
            }
        )
    else:
        sys.stdout.write(_account(known, first, trace, replay))
        sys.stdout.write(_verdict(known, first, second))
    if not repeatable:
        return UNREPEATABLE
    return DONE if trace is None else FAILED


def _account(known: Known, run: Run, trace: str | None, replay: str) -> str:
    if trace is not None:
        return f"{trace}\n{told(run, name=known.name, replay=replay)}\n"
    lines = [
        f"{known.name} passed with seed {run.plan.seed}",
        f"  scheduler {run.scheduler}, {run.steps:,} steps, {run.seconds:,.3f} virtual seconds",
        *(f"  sometimes {name}: {count:,}" for name, count in sorted(run.sometimes.items())),
        "  last events:",
        *(f"    {event}" for event in run.events),
    ]
    return "\n".join(lines) + "\n"


def _verdict(known: Known, first: Run, second: Run) -> str:
    if first.digest == second.digest:
        return f"  run again it was the same run: digest {first.digest}\n"
    return (
        f"  NOT REPEATABLE: digest {first.digest} after {first.steps:,} steps, then "
        f"{second.digest} after {second.steps:,}; `sim diff {first.plan.seed} --scenario "
        f"{known.name}` shows where two runs part\n"
    )


def draw(known: Known, plan: Plan, file: Path, *, rows: int) -> Run:
    """Run `plan` and write its timeline to `file`. Raises `RefusedError` if that cannot be."""
    recording = record(find(known.record.run), plan)
    run = recording.run
    replay = known.replay(run.plan, run.scheduler)
    drawn = timeline(recording, name=known.name, replay=replay, rows=rows)
    try:
        file.write_text(drawn, encoding="utf-8", errors="replace")
    except OSError as error:
        raise RefusedError(f"cannot write {file}: {error.strerror}") from error
    sys.stderr.write(f"timeline in {file}\n")
    return run


def reduced(known: Known, plan: Plan, *, runs_max: int) -> tuple[Shrunk, int]:
    """The smallest failing run, with progress; interrupted, the smallest so far and that status.

    Raises `RefusedError` if the plan does not fail.
    """
    scenario = find(known.record.run)
    failed = simulate(scenario, plan)
    if failed.failure is None:
        raise RefusedError(f"{known.name} passes with seed {plan.seed}: nothing to shrink")
    best = [Shrunk(failed, 0, 0, 0)]

    def progress(shrunk: Shrunk) -> None:
        best.append(shrunk)
        sys.stderr.write(f"run {shrunk.runs}: {_size(shrunk)}\n")

    try:
        return make_small(scenario, failed, runs_max=runs_max, progress=progress), DONE
    except KeyboardInterrupt:
        return best[-1], INTERRUPTED


def print_shrunk(known: Known, shrunk: Shrunk, *, as_json: bool) -> int:
    """What is left of a failure, in words; answers the exit status."""
    run = shrunk.run
    causes = explain(find(known.record.run), run.plan)
    replay = known.replay(run.plan, run.scheduler)
    if as_json:
        print_json(
            {
                "scenario": known.name,
                "seed": run.plan.seed,
                "scheduler": run.scheduler,
                "failure": Result.of(run).failure,
                "runs": shrunk.runs,
                "choices_before": shrunk.choices_before,
                "choices": shrunk.choices,
                "crashes": [str(crash) for crash in run.plan.crashes],
                "causes": causes,
                "replay": replay,
            }
        )
        return DONE
    size = f"{_size(shrunk)}, found in {shrunk.runs} runs"
    left = (
        ["what it takes:", *(f"  {cause}" for cause in causes)]
        if causes
        else ["it takes nothing out of the ordinary: the plain run fails"]
    )
    sys.stdout.write(told(run, name=known.name, replay=replay, shrunk=[size, *left]) + "\n")
    return DONE


def _size(shrunk: Shrunk) -> str:
    crashes = ", ".join(str(crash) for crash in shrunk.run.plan.crashes)
    return (
        f"{shrunk.choices} of {shrunk.choices_before} choices out of the ordinary"
        f"{f', crash {crashes}' if crashes else ''}"
    )


def print_comparison(known: Known, seed: int, found: Comparison, *, as_json: bool) -> int:
    """Where two runs of one plan part; answers the exit status."""
    if as_json:
        print_json({"scenario": known.name, "seed": seed, "equal": found.equal, **asdict(found)})
    elif found.equal:
        sys.stdout.write(f"equal: {found.lines[0]:,} lines, digest {found.digests[0]}\n")
    else:
        assert found.parted is not None  # noqa: S101 - they are not equal
        one, other = (line or "(the end)" for line in found.parted)
        lines = [*(f"  {line}" for line in found.before), f"- {one}", f"+ {other}"]
        sys.stdout.write("\n".join(lines) + "\n")
    return DONE if found.equal else UNREPEATABLE
