"""What a failure prints: everything that it takes to see it again, in one line to paste."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runtime.testing.campaign import Result
from runtime.testing.choices import as_text
from runtime.testing.simulation import Plan, Run, Scenario

REVISION_DIGITS = 10
_HOME = Path(__file__).resolve().parents[2]
REPLAY = "python main.py sim replay"
"""The command that runs one seed of a scenario again."""


class SimulationFailedError(AssertionError):
    """A seed failed; the text tells how, and how to run it again."""


def arguments(plan: Plan, scheduler: str) -> list[str]:
    """`plan` as words behind `replay`; the scheduler always, for portfolios may change."""
    words = [str(plan.seed), "--scheduler", scheduler]
    for crash in plan.crashes:
        words += ["--crash", str(crash)]
    for name, value in sorted(plan.options.items()):
        words += ["--set", f"{name}={value}"]
    if plan.choices is not None:
        words += ["--choices", as_text(plan.choices)]
    return words


def told(run: Run | Result, *, name: str, replay: str, shrunk: Sequence[str] = ()) -> str:
    """The failure of `run`: what was broken, the last events, and `replay`, the command."""
    failure = run.failure if isinstance(run, Result) else Result.of(run).failure
    lines = [
        f"{name} failed with seed {run.plan.seed}: {failure}",
        (
            f"  scheduler {run.scheduler}, step {run.steps:,}, virtual second {run.seconds:,.3f}, "
            f"digest {run.digest}, revision {revision()}"
        ),
        *(f"  option {option}={value}" for option, value in sorted(run.plan.options.items())),
        *(f"  crash {crash}" for crash in run.plan.crashes),
        *(f"  shrunk: {line}" for line in shrunk),
        f"  last events{' (more: --events N)' if replay.startswith(REPLAY) else ''}:",
        *(f"    {event}" for event in run.events),
        f"  replay: {replay}",
    ]
    return "\n".join(lines)


def check(run: Run, *, name: str = "scenario") -> None:
    """Raise `SimulationFailedError` with the whole report if `run` failed.

    `name` is what Python calls the scenario. One that can be imported is also told as the
    command which replays it.
    """
    if run.failure is not None:
        plan = replace(run.plan, scheduler=run.scheduler)
        replay = f"simulate({name}, {plan!r})"
        found = _importable(run.scenario)
        if found is not None:
            seed, *words = arguments(run.plan, run.scheduler)
            command = shlex.join([*REPLAY.split(), seed, "--scenario", found, *words])
            replay = f"{command}\n  or: {replay}"
        raise SimulationFailedError(told(run, name=name, replay=replay)) from run.failure


def _importable(scenario: Scenario | None) -> str | None:
    """`module:function`, if that is what `main.py`, in the folder above ours, finds there."""
    module, name = getattr(scenario, "__module__", ""), getattr(scenario, "__qualname__", "")
    there = sys.modules.get(module)
    if scenario is None or getattr(there, name, None) is not scenario:
        return None
    file = _HOME.joinpath(*module.split("."))
    here = Path(getattr(there, "__file__", None) or "").resolve()
    return f"{module}:{name}" if here in (file.with_suffix(".py"), file / "__init__.py") else None


def revision(start: Path | None = None) -> str:
    """The git commit of the code that runs; `unknown` outside of a work tree.

    Read from git's files: a simulation starts no process.
    """
    for folder in (start or Path(__file__)).resolve().parents:
        head = folder / ".git" / "HEAD"
        if head.is_file():
            return _commit(folder / ".git", head.read_text().strip())[:REVISION_DIGITS]
    return "unknown"


def _commit(git: Path, head: str) -> str:
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    loose, packed = git / name, git / "packed-refs"
    if loose.is_file():
        return loose.read_text().strip()
    if packed.is_file():
        for line in packed.read_text().splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
    return "unknown"
