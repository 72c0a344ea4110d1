"""Crash a node at every step of a scenario: what survives that survives `kill -9`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from runtime.testing.node import Crash
from runtime.testing.simulation import Plan, Run, Scenario, simulate


def crash_everywhere(
    scenario: Scenario, plan: Plan, *, node: str, pairs: bool = False, every: int = 1
) -> Iterator[Run]:
    """Runs of `scenario` in each of which `node` is killed at another step.

    `node` may also be the path of an actor, `root/tracker`: it alone is killed and restarted.
    The first run is the undisturbed one, which says how many steps there are; if it fails
    already, it is the only one. With `pairs`, every two steps as well, the second counted on
    through the second life. `every` takes only each so-many-th step. A step that a disturbed
    run does not reach changes nothing, and still costs a run.
    """
    undisturbed = simulate(scenario, plan)
    yield undisturbed
    if undisturbed.failure is None:
        for crashed in crash_plans(undisturbed, node=node, pairs=pairs, every=every):
            yield simulate(scenario, crashed)


def crash_plans(
    undisturbed: Run, *, node: str, pairs: bool = False, every: int = 1
) -> Iterator[Plan]:
    """The plans of `crash_everywhere`, to be carried out by several processes for example.

    Raises `ValueError` for a node that was not there in the `undisturbed` run.
    """
    plan = undisturbed.plan
    if node not in undisturbed.node_steps:
        msg = f"no node {node!r} in this scenario; there are {sorted(undisturbed.node_steps)}"
        raise ValueError(msg)
    steps = range(1, undisturbed.node_steps[node] + 1, every)
    single = ((step,) for step in steps)
    double = itertools.combinations(steps, 2) if pairs else ()
    for killed in itertools.chain[tuple[int, ...]](single, double):
        crashes = tuple(Crash(node, step) for step in killed)
        yield replace(plan, crashes=(*plan.crashes, *crashes))
