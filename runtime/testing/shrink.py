"""Make a failure small: fewer crashes, and as many plain choices as it can bear.

Delta debugging (Zeller and Hildebrandt, 2002) over the choices that were not plain: halves of
them become 0, then quarters, down to single ones, for as long as the same kind of failure
stays. What is left is what matters: which task overtook which, which fault was needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.testing.choices import Taken
from runtime.testing.failures import kinds
from runtime.testing.simulation import Plan, Run, Scenario, simulate

RUNS_MAX = 500


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest failing run that was found, and what it took."""

    run: Run
    runs: int
    choices_before: int
    choices: int
    """Choices that are not plain."""


def shrink(
    scenario: Scenario,
    failed: Run,
    *,
    runs_max: int = RUNS_MAX,
    progress: Callable[[Shrunk], None] | None = None,
) -> Shrunk:
    """Reduce `failed`, whose failure is of the same kind when it is done: see `kinds`.

    Raises `ValueError` for a run that did not fail.
    """
    if failed.failure is None:
        raise ValueError("this run did not fail: there is nothing to shrink")
    return _Shrinking(scenario, failed, runs_max, progress).reduced()


class _Shrinking:
    def __init__(
        self,
        scenario: Scenario,
        failed: Run,
        runs_max: int,
        progress: Callable[[Shrunk], None] | None,
    ) -> None:
        self._scenario = scenario
        self._wanted = _kind(failed)
        self._best = failed
        self._before = _count(failed.choices)
        self._left = runs_max
        self._runs_max = runs_max
        self._progress = progress

    def reduced(self) -> Shrunk:
        """Drop crashes one by one, then choices by halves."""
        played = replace(
            self._best.plan, scheduler=self._best.scheduler, choices=self._best.choices
        )
        if not self._try(played):
            # Played back it should fail alike; where it does not, only the seed is a replay.
            return self._state()
        for crash in self._best.plan.crashes[: self._left]:
            plan = self._best.plan
            left = tuple(other for other in plan.crashes if other is not crash)
            self._try(replace(plan, crashes=left))
        size = len(_unplain(self._best.choices))
        while size and self._left:
            if not self._drop(size):
                size //= 2
            size = min(size, len(_unplain(self._best.choices)))
        return self._state()

    def _drop(self, size: int) -> bool:
        """Make the first `size` choices plain without which it fails as well."""
        places = _unplain(self._best.choices)
        for start in range(0, len(places), size):
            if self._left and self._try(self._with(places[:start] + places[start + size :])):
                return True
        return False

    def _with(self, places: list[tuple[str, int]]) -> Plan:
        recorded = self._best.choices
        kept: dict[str, list[int]] = {}
        for stream, place in places:
            row = kept.setdefault(stream, [])
            row.extend([0] * (place + 1 - len(row)))
            row[place] = recorded[stream][place]
        return replace(self._best.plan, choices=kept)

    def _try(self, plan: Plan) -> bool:
        self._left -= 1
        run = simulate(self._scenario, plan)
        alike = run.failure is not None and _kind(run) == self._wanted
        if alike:  # it made no more choices than the plan allowed it: never more than before
            self._best = run
            if self._progress is not None:
                self._progress(self._state())
        return alike

    def _state(self) -> Shrunk:
        run = self._best
        if run.plan.choices is not None:  # what was played beyond the end of the run is no choice
            run = replace(run, plan=replace(run.plan, choices=run.choices))
        return Shrunk(run, self._runs_max - self._left, self._before, _count(run.choices))


def _kind(run: Run) -> list[str]:
    return [] if run.failure is None else kinds(run.failure)


def _unplain(taken: Taken) -> list[tuple[str, int]]:
    return [
        (stream, place)
        for stream, row in sorted(taken.items())
        for place, choice in enumerate(row)
        if choice
    ]


def _count(taken: Taken) -> int:
    return sum(1 for row in taken.values() for choice in row if choice)
