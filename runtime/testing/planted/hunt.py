"""Does the kit find what was planted, and does it leave the sound twins alone?

```
hunted = hunt_all(seeds=100)
assert not hunted.missed
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime.testing.crashes import crash_everywhere
from runtime.testing.planted.bug import Bug, Kind
from runtime.testing.planted.table import BUGS
from runtime.testing.report import arguments
from runtime.testing.scheduler import PORTFOLIO, scheduler_of
from runtime.testing.simulation import Plan, Run, Scenario, simulate

CRASH_EVERYWHERE = "crash everywhere"
"""Stands where a scheduler's name does: the node is killed at each step of a run in turn."""
SEEDS = 100
SEEDS_PER_CRASH_SEED = 10
"""A seed that is crashed at every step is as many runs as it has steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What one scheduler came to with one bug."""

    seeds: int
    """Tried."""
    hits: int
    """Of them, those in which the bug showed."""
    runs: int
    """One for each seed, or for each seed and each step at which it was crashed."""
    broken: int
    """Runs in which the bug showed."""
    first: int | None = None
    """The first seed in which it did."""
    failure: str = ""
    """What was broken there."""
    plan: str = ""
    """How to run it again: seed, scheduler, crashes."""
    repeated: bool = True
    """Whether it was run again, and was the same to the last step."""
    cried_wolf: tuple[int, ...] = ()
    """Seeds in which the sound twin failed."""
    endangered: int = 0
    """How often the sound twin was in the danger that the bug does not withstand."""

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "seeds": self.seeds,
            "hits": self.hits,
            "runs": self.runs,
            "broken": self.broken,
            "first": self.first,
            "failure": self.failure,
            "plan": self.plan,
            "repeated": self.repeated,
            "cried_wolf": list(self.cried_wolf),
            "endangered": self.endangered,
        }


@dataclass(frozen=True, slots=True)
class Hunted:
    """What became of one bug."""

    bug: str
    what: str
    kind: Kind
    by: Mapping[str, Hits]
    """What each scheduler came to."""

    @property
    def found(self) -> bool:
        """Some scheduler shows it, each in a run that can be repeated."""
        by = self.by.values()
        return any(hits.hits for hits in by) and all(hits.repeated for hits in by)

    @property
    def sound(self) -> bool:
        """Its sound twin has been in danger, and has never failed."""
        by = self.by.values()
        return any(hits.endangered for hits in by) and not any(hits.cried_wolf for hits in by)

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "what": self.what,
            "kind": self.kind,
            "found": self.found,
            "sound": self.sound,
            "found_by": {name: hits.hits for name, hits in self.by.items() if hits.hits},
            "seeds": max((hits.seeds for hits in self.by.values()), default=0),
            "schedulers": {name: hits.as_json() for name, hits in self.by.items()},
        }


@dataclass(frozen=True, slots=True)
class Hunt:
    """What became of all of them."""

    bugs: tuple[Hunted, ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """Bugs that were not found, or whose sound twin is not sound: here the kit has failed."""
        return tuple(hunted.bug for hunted in self.bugs if not (hunted.found and hunted.sound))

    def as_json(self) -> dict[str, Any]:
        """As plain values: how many were planted and found, what was missed, each by name."""
        return {
            "planted": len(self.bugs),
            "found": len(self.bugs) - len(self.missed),
            "missed": list(self.missed),
            "bugs": {hunted.bug: hunted.as_json() for hunted in self.bugs},
        }


Progress = Callable[[int, int, str], None]
"""Told how many bugs are done, of how many, and the name of the next ("" at the end)."""


def hunt_all(
    *,
    seeds: int = SEEDS,
    schedulers: Sequence[str] = PORTFOLIO,
    bugs: Sequence[Bug] = BUGS,
    progress: Progress | None = None,
) -> Hunt:
    """Hunt every bug with every scheduler, `seeds` seeds each."""
    done: list[Hunted] = []
    for bug in bugs:
        if progress is not None:
            progress(len(done), len(bugs), bug.name)
        done.append(hunt(bug, seeds=seeds, schedulers=schedulers))
    if progress is not None:
        progress(len(done), len(bugs), "")
    return Hunt(tuple(done))


def hunt(bug: Bug, *, seeds: int = SEEDS, schedulers: Sequence[str] = PORTFOLIO) -> Hunted:
    """Hunt `bug`, and its sound twin in the same way.

    Raises what a scenario raises that is no broken promise (`AssertionError`): what cannot
    even be played is neither found nor missed.
    """
    by = {scheduler: _hunt_by(bug, scheduler, seeds) for scheduler in schedulers}
    if bug.crashed is not None:
        by[CRASH_EVERYWHERE] = _hunt_by(bug, CRASH_EVERYWHERE, -(-seeds // SEEDS_PER_CRASH_SEED))
    return Hunted(bug.name, bug.what, bug.kind, by)


def _hunt_by(bug: Bug, scheduler: str, seeds: int) -> Hits:
    runs = hits = endangered = 0
    broken: list[Run] = []
    cried_wolf: list[int] = []
    for seed in range(seeds):
        planted = list(_runs(bug, scheduler, seed, sound=False))
        runs += len(planted)
        shown = [run for run in planted if run.failure is not None]
        hits += bool(shown)
        broken += shown
        for twin in _runs(bug, scheduler, seed, sound=True):
            endangered += twin.sometimes.get(bug.danger, 0)
            if twin.failure is not None and seed not in cried_wolf:
                cried_wolf.append(seed)
    tally = Hits(
        seeds=seeds,
        hits=hits,
        runs=runs,
        broken=len(broken),
        cried_wolf=tuple(cried_wolf),
        endangered=endangered,
    )
    return _with_first(tally, bug.scenario(sound=False), broken[0]) if broken else tally


def _with_first(tally: Hits, scenario: Scenario, run: Run) -> Hits:
    again = simulate(scenario, run.plan)
    return replace(
        tally,
        first=run.plan.seed,
        failure=str(run.failure).partition("\n")[0],
        plan=" ".join(arguments(run.plan, run.scheduler)),
        repeated=again.digest == run.digest and again.failure is not None,
    )


def _runs(bug: Bug, scheduler: str, seed: int, *, sound: bool) -> Iterator[Run]:
    scenario = bug.scenario(sound=sound)
    if scheduler == CRASH_EVERYWHERE:
        assert bug.crashed is not None
        plan = Plan(seed=seed, scheduler=scheduler_of(seed))
        runs = crash_everywhere(scenario, plan, node=bug.crashed)
    else:
        runs = iter([simulate(scenario, Plan(seed=seed, scheduler=scheduler))])
    for run in runs:
        if run.failure is not None and not isinstance(run.failure, AssertionError):
            raise run.failure
        yield run
