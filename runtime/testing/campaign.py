"""Many seeds: in turn or over several processes, counted as they come in."""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from runtime.testing.processes import in_processes
from runtime.testing.simulation import Plan, Run, Scenario, simulate

FAILURES_KEPT = 20
"""Failing runs whose traces are kept; more are only counted."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run as it travels between processes: figures, and the failure as text."""

    plan: Plan
    scheduler: str
    digest: str
    steps: int
    seconds: float
    sometimes: Mapping[str, int]
    failure: str | None
    """`Type: text` of each error, or None."""
    events: tuple[str, ...] = ()
    """The last lines of the trace of a run that failed."""

    @classmethod
    def of(cls, run: Run) -> Result:
        """The figures of `run`."""
        error = run.failure
        failure = None if error is None else "\n".join(innermost(error))
        return cls(
            plan=run.plan,
            scheduler=run.scheduler,
            digest=run.digest,
            steps=run.steps,
            seconds=run.seconds,
            sometimes=run.sometimes,
            failure=failure,
            events=() if error is None else run.events,
        )

    @property
    def seed(self) -> int:
        """Of its plan."""
        return self.plan.seed


def innermost(error: BaseException) -> list[str]:
    """`Type: text` of an error, or of each that it groups, every one of them once."""
    if not isinstance(error, BaseExceptionGroup):
        return [f"{type(error).__name__}: {error}"]
    found = (text for each in error.exceptions for text in innermost(each))
    return list(dict.fromkeys(found))


@dataclass(slots=True)
class Campaign:
    """What many runs came to."""

    wanted: tuple[str, ...] = ()
    """What has to have happened in one of them at least."""
    seeds: int = 0
    steps: int = 0
    seconds: float = 0.0
    """Virtual seconds of all runs."""
    sometimes: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    failures: list[Result] = field(default_factory=list)
    """The first of them."""

    def add(self, result: Result) -> None:
        """Count one run."""
        self.seeds += 1
        self.steps += result.steps
        self.seconds += result.seconds
        self.sometimes.update(result.sometimes)
        if result.failure is not None:
            self.failed += 1
            if len(self.failures) < FAILURES_KEPT:
                self.failures.append(result)

    @property
    def never(self) -> tuple[str, ...]:
        """What should have happened sometimes and never did: the runs prove nothing about it."""
        return tuple(name for name in self.wanted if not self.sometimes[name])


def results(
    scenario: str,
    plans: Iterable[Plan],
    *,
    jobs: int = 1,
    warm_up: Callable[[], None] | None = None,
) -> Generator[Result]:
    """Run `scenario`, named `module:attribute`, for every plan; the results as they come in.

    With several `jobs` each runs in processes of its own, started afresh (and `warm_up` called
    in each), so that no state of this one can matter; see `in_processes`.
    """
    play = partial(_play, scenario)
    if jobs <= 1:
        yield from map(play, plans)
    else:
        yield from in_processes(play, plans, jobs=jobs, warm_up=warm_up)


def _play(scenario: str, plan: Plan) -> Result:
    return Result.of(simulate(find(scenario), plan))


def find(scenario: str) -> Scenario:
    """What `module:attribute` names. Raises `ValueError` when there is no such thing."""
    module, _, attribute = scenario.partition(":")
    found: Any = getattr(importlib.import_module(module), attribute, None)
    if not callable(found):
        msg = f"no scenario {scenario!r}; expected `module:attribute`"
        raise ValueError(msg)  # noqa: TRY004 - the name is wrong, whatever its type
    result: Scenario = found
    return result


class Pace:
    """How fast a campaign is, by the machine's clock."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Real seconds so far."""
        return time.perf_counter() - self._started

    @property
    def seeds_per_second(self) -> float:
        """Runs in a real second."""
        return self._campaign.seeds / max(self.seconds, 1e-9)

    @property
    def hours_per_second(self) -> float:
        """Virtual hours in a real second."""
        return self._campaign.seconds / 3600 / max(self.seconds, 1e-9)
