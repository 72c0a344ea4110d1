"""`main.py sim`: simulations of the whole system, replayed from a seed.

Exit status: 0 all is well, 1 a run failed or proves nothing, 2 refused, 3 not repeatable.
"""

from __future__ import annotations

import functools
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cyclopts

from config.process import DONE, FAILED, REFUSED
from config.scenarios import SCENARIOS
from config.sim_arguments import (
    Circumstances,
    Count,
    Flag,
    Jobs,
    Json,
    Known,
    OneRun,
    RefusedError,
    ScenarioName,
    Words,
)
from config.sim_campaign import Manner, processors
from config.sim_log import heard, mute
from config.sim_planted import hunt_planted
from config.sim_single import draw, print_comparison, print_replayed, print_shrunk, reduced
from runtime.testing.campaign import find
from runtime.testing.crashes import crash_plans
from runtime.testing.shrink import RUNS_MAX
from runtime.testing.simulation import simulate
from runtime.testing.timeline import ROWS
from runtime.testing.trace import EVENTS_KEPT
from runtime.testing.twice import compare

SEEDS = 100
FRESH_SEEDS = 1_000_000_000
"""A soak begins somewhere among so many seeds, so that each finds something else."""

app = cyclopts.App(
    name="sim",
    help="Simulate the whole system: virtual time, seeded schedules, faults, kill -9.",
    result_action="return_value",
)

AS_USUAL = Circumstances()


def _answering(command: Callable[..., int]) -> Callable[..., int]:
    """What was typed wrongly is one line and the exit status 2."""

    @functools.wraps(command)
    def answer(*arguments: object, **options: object) -> int:
        try:
            return command(*arguments, **options)
        except RefusedError as error:
            sys.stderr.write(f"{error}\n")
            return REFUSED

    return answer


@app.command(name="list")
def show_list() -> int:
    """Show the scenarios, their options, and what must sometimes happen in them."""
    for name, record in SCENARIOS.items():
        lines = [f"{name}: {record.title}"]
        lines += [
            f"  --set {option}={known.default}  {known.meaning}"
            for option, known in record.options.items()
        ]
        lines += [f"  sometimes {what}" for what in record.sometimes]
        if record.seeds:
            lines.append(f"  in `make sim` with {record.seeds:,} seeds")
        sys.stdout.write("\n".join(lines) + "\n")
    return DONE


@app.command
@_answering
def run(
    *scenario: str,
    seeds: Count | None = None,
    first: int = 0,
    jobs: Jobs = None,
    circumstances: Circumstances = AS_USUAL,
    json: Json = False,
) -> int:
    """Run scenarios with many seeds. Exits with 1 if one fails, or if 30 or more prove nothing.

    Parameters
    ----------
    scenario
        Names from `sim list`, or any coroutine function as `module:attribute`; without one,
        those that `make sim` runs.
    seeds
        How many; without it 100, or as many as `make sim` runs.
    first
        The first seed.
    """
    names = scenario or tuple(name for name, record in SCENARIOS.items() if record.seeds)
    manner = Manner(jobs=jobs or processors(), json=json)
    chosen = [Known.by(name) for name in names]
    plans = [circumstances.plan(known, first) for known in chosen]
    worst = DONE
    for known, plan in zip(chosen, plans, strict=True):
        total = seeds or known.record.seeds or SEEDS
        status = manner.carry_out(
            known,
            (circumstances.plan(known, plan.seed + n) for n in range(total)),
            total=total,
            wanted=known.record.sometimes,
        )
        if status not in (DONE, FAILED):
            return status
        worst = max(worst, status)
    return worst


@app.command
@_answering
def crash(
    scenario: ScenarioName,
    *,
    node: str,
    seed: int = 0,
    pairs: Flag = False,
    every: Count = 1,
    jobs: Jobs = None,
    circumstances: Circumstances = AS_USUAL,
    json: Json = False,
) -> int:
    """Kill a node of a scenario at each of its steps in turn, one run for each.

    Parameters
    ----------
    node
        The node that is killed.
    seed
        Of all these runs.
    pairs
        Kill it at every two steps as well: a square of runs.
    every
        Take only each so-many-th step.
    """
    known = Known.by(scenario)
    plan = circumstances.plan(known, seed)
    with heard(log=False):
        undisturbed = simulate(find(known.record.run), plan)
    manner = Manner(jobs=jobs or processors(), json=json)
    if undisturbed.failure is not None:
        sys.stderr.write("it fails without a crash already:\n")
        return manner.carry_out(known, [plan], total=1, wanted=())
    steps = undisturbed.node_steps.get(node)
    if steps is None:
        there = ", ".join(sorted(undisturbed.node_steps)) or "none"
        raise RefusedError(f"{scenario} has no node {node!r}; there are {there}")
    points = math.ceil(steps / every)
    return manner.carry_out(
        known,
        crash_plans(undisturbed, node=node, pairs=pairs, every=every),
        total=points + (math.comb(points, 2) if pairs else 0),
        wanted=(f"crash of {node}",),
    )


@app.command
@_answering
def soak(
    *,
    minutes: float,
    scenario: Words = (),
    first: int | None = None,
    jobs: Jobs = None,
    json: Json = False,
) -> int:
    """Run all scenarios with seeds that were never tried, until the time is over.

    Parameters
    ----------
    minutes
        Of real time.
    scenario
        Only this one; may be repeated.
    first
        The first seed; without it, one from a thousand millions by luck.
    """
    if not minutes > 0:
        raise RefusedError(f"no time: {minutes:g} minutes")
    chosen = [Known.by(name) for name in dict.fromkeys(scenario or SCENARIOS)]
    begin = random.SystemRandom().randrange(FRESH_SEEDS) if first is None else first
    if begin < 0:
        raise RefusedError(f"no seed: {begin}; seeds count from 0")
    sys.stderr.write(f"seeds from {begin} on\n")
    manner = Manner(jobs=jobs or processors(), json=json)
    return manner.soak(chosen, seconds=minutes * 60, first=begin)


@app.command
@_answering
def replay(
    seed: int,
    *,
    one: OneRun,
    events: Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=0))] = (
        EVENTS_KEPT
    ),
    html: Path | None = None,
    html_events: Count = ROWS,
    log: Flag = False,
    json: Json = False,
) -> int:
    """Run one seed twice and tell what happened. Exits with 1 if it fails, 3 if the runs differ.

    Parameters
    ----------
    seed
        The seed.
    events
        How many of the last lines of the trace are shown.
    html
        Draw the run into this file, a page to be opened in a browser: who told whom what.
    html_events
        How many things are drawn, the last ones before the failure.
    log
        Show what the program logs, with the time of the simulation.
    """
    known, plan = one.known(seed)
    found = find(known.record.run)
    with heard(log=log):
        first = simulate(found, plan, keep=events)
    with heard(log=False):
        if html is None:
            second = simulate(found, plan, keep=0)
        else:
            second = draw(known, plan, html, rows=html_events)
    return print_replayed(known, first, second, as_json=json)


@app.command
@_answering
def shrink(
    seed: int,
    *,
    one: OneRun,
    runs: Count = RUNS_MAX,
    json: Json = False,
) -> int:
    """Find the smallest run that fails like this one, and tell in words what it takes.

    Parameters
    ----------
    seed
        The seed that fails.
    runs
        Try no more runs than this.
    """
    known, plan = one.known(seed)
    with heard(log=False):
        shrunk, status = reduced(known, plan, runs_max=runs)
        return print_shrunk(known, shrunk, as_json=json) or status


@app.command
@_answering
def diff(
    seed: int,
    *,
    one: OneRun,
    json: Json = False,
) -> int:
    """Run one seed in two processes with other hashes and addresses; show where the runs part.

    Parameters
    ----------
    seed
        The seed.
    """
    known, plan = one.known(seed)
    return print_comparison(
        known, seed, compare(known.record.run, plan, warm_up=mute), as_json=json
    )


@app.command
def planted(*, seeds: Count = SEEDS, jobs: Jobs = None, json: Json = False) -> int:
    """Find the bugs that were planted to prove this kit. Exits with 1 if it misses one.

    Parameters
    ----------
    seeds
        For each bug and scheduler; the sound twins of the bugs get as many, and must pass.
    """
    return hunt_planted(seeds=seeds, jobs=jobs or processors(), as_json=json)
