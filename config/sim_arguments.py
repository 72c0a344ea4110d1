"""What is typed behind `main.py sim`, made into scenarios and plans, and back into a command."""

from __future__ import annotations

import inspect
import pkgutil
import random
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import cyclopts

from config.scenarios import SCENARIOS, Scenario
from runtime.testing.choices import Choices, from_text
from runtime.testing.node import Crash
from runtime.testing.report import arguments
from runtime.testing.scheduler import Scheduler
from runtime.testing.simulation import Plan

PROGRAM = ("python", "main.py", "sim", "replay")

Words = Annotated[tuple[str, ...], cyclopts.Parameter(negative="", show_default=False)]
Flag = Annotated[bool, cyclopts.Parameter(negative="", show_default=False)]
Count = Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=1))]
ScenarioName = Annotated[
    str,
    cyclopts.Parameter(
        help="A name from `sim list`, or a coroutine function as `module:attribute`."
    ),
]
Jobs = Annotated[
    Count | None, cyclopts.Parameter(help="Processes; as many as there are processors.")
]
Json = Annotated[Flag, cyclopts.Parameter(help="Print JSON on stdout, one line for each scenario.")]


class RefusedError(ValueError):
    """What was typed makes no sense; the text is for whoever typed it."""


@cyclopts.Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a run depends on besides its seed."""

    scheduler: Annotated[str, cyclopts.Parameter(show_default=False)] = ""
    """fifo, shuffle, walk or pct:DEPTH; without it each seed has one of its own."""

    crash: Words = ()
    """Kill a node before one of its steps, as NODE@STEP. May be repeated."""

    set_: Annotated[Words, cyclopts.Parameter(name="--set")] = ()
    """Change an option of the scenario, as OPTION=NUMBER. May be repeated."""

    def plan(self, scenario: Known, seed: int, *, choices: str | None = None) -> Plan:
        """The plan of one run. Raises `RefusedError`."""
        if seed < 0:
            raise RefusedError(f"no seed: {seed}; seeds count from 0")
        try:
            if self.scheduler:
                Scheduler(self.scheduler, luck=random.Random(0), choices=Choices())  # noqa: S311 - only its name counts
            crashes = tuple(Crash.parse(text) for text in self.crash)
            played = None if choices is None else from_text(choices)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        return Plan(
            seed=seed,
            scheduler=self.scheduler,
            crashes=crashes,
            options=scenario.options(self.set_),
            choices=played,
        )


@cyclopts.Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class OneRun(Circumstances):
    """One run of a scenario, as it was or as it is made small."""

    scenario: ScenarioName

    choices: Annotated[str | None, cyclopts.Parameter(show_default=False)] = None
    """Decisions to be played back instead of being drawn, as `sim shrink` prints them."""

    def known(self, seed: int) -> tuple[Known, Plan]:
        """The scenario, and the plan of its run with this seed. Raises `RefusedError`."""
        known = Known.by(self.scenario)
        return known, self.plan(known, seed, choices=self.choices)


@dataclass(frozen=True, slots=True)
class Known:
    """A scenario with the name that it was called by."""

    name: str
    record: Scenario

    @classmethod
    def by(cls, name: str) -> Known:
        """The scenario in the list, or the one that `module:attribute` names.

        That may be a coroutine function or a `Scenario` record. Raises `RefusedError`.
        """
        if name in SCENARIOS:
            return cls(name, SCENARIOS[name])
        if ":" not in name:
            known = _listed(SCENARIOS)
            raise RefusedError(
                f"no scenario {name!r}; there are {known}, and any `module:function`"
            )
        try:
            found: object = pkgutil.resolve_name(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise RefusedError(f"no scenario {name!r}: {error}") from error
        if isinstance(found, Scenario):
            return cls(name, found)
        if not inspect.iscoroutinefunction(found):
            raise RefusedError(f"no scenario {name!r}: it is no coroutine function")
        title = (inspect.getdoc(found) or "").partition("\n")[0]
        return cls(name, Scenario(title=title, run=name))

    def options(self, changes: Iterable[str]) -> Mapping[str, int]:
        """All options of this scenario, with `OPTION=NUMBER` changed. Raises `RefusedError`."""
        known = {name: option.default for name, option in self.record.options.items()}
        bare = self.record.run == self.name  # a function, of whose options nobody knows
        for change in changes:
            name, _, value = change.partition("=")
            if name not in known and not bare:
                raise RefusedError(f"{self.name} has no option {name!r}; it has {_listed(known)}")
            if not name or not value.isdecimal():
                raise RefusedError(f"no setting: {change!r}; expected OPTION=NUMBER, from 0")
            known[name] = int(value)
        return known

    def replay(self, plan: Plan, scheduler: str) -> str:
        """The command that shows the run of `plan` again."""
        usual = self.options(())
        unusual = {name: size for name, size in plan.options.items() if usual.get(name) != size}
        words = arguments(replace(plan, options=unusual), scheduler)
        return shlex.join([*PROGRAM, words[0], "--scenario", self.name, *words[1:]])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
