"""Campaigns of `main.py sim`: many runs over several processes, with progress and a verdict."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from config.process import DONE, FAILED, INTERRUPTED
from config.sim_arguments import Known
from config.sim_log import heard, mute
from config.sim_view import View, print_json, print_summary, summary
from runtime.testing.campaign import Campaign, Result, find, results
from runtime.testing.processes import WorkerDiedError, in_processes
from runtime.testing.scheduler import scheduler_of
from runtime.testing.simulation import Plan, simulate

T = TypeVar("T")


def processors() -> int:
    """How many jobs are of use on this machine."""
    return os.cpu_count() or 1


SEEDS_TO_JUDGE = 30
"""Fewer may miss what has to happen sometimes by mere luck: that is a warning then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How campaigns are carried out and told of."""

    jobs: int
    json: bool

    def carry_out(
        self, scenario: Known, plans: Iterable[Plan], *, total: int, wanted: Sequence[str]
    ) -> int:
        """Run all `plans`, print what came of it, and answer the exit status.

        What is `wanted` must have happened, unless there are too few runs to tell.
        """
        campaign = Campaign(wanted=tuple(wanted))
        view = View(scenario.name, campaign, total=total)

        def came(result: Result) -> None:
            campaign.add(result)
            view.came(scenario, result)

        def asked(plan: Plan) -> str:
            return scenario.replay(plan, plan.scheduler or scheduler_of(plan.seed))

        arriving = results(scenario.record.run, plans, jobs=min(self.jobs, total), warm_up=mute)
        ended = _consume(view, arriving, came, asked)
        judged = ended == DONE and campaign.seeds >= SEEDS_TO_JUDGE
        self.tell(scenario, campaign, seconds=view.pace.seconds, judged=judged)
        if ended != DONE:
            return ended
        return FAILED if _fails(campaign) else DONE

    def soak(self, scenarios: Sequence[Known], *, seconds: float, first: int) -> int:
        """Run all `scenarios` with seeds from `first` on until `seconds` of real time are over.

        Each gets the same share of the processes' time, however long its runs are.
        """
        everything = Campaign()
        campaigns = {known.name: Campaign(wanted=known.record.sometimes) for known in scenarios}
        by_name = {known.name: known for known in scenarios}
        spent = dict.fromkeys(by_name, 0.0)
        view = View("soak", everything, total=None)

        def came(played: _Played) -> None:
            spent[played.name] += played.seconds
            everything.add(played.result)
            campaigns[played.name].add(played.result)
            view.came(by_name[played.name], played.result)

        def asked(piece: _Piece) -> str:
            return by_name[piece.name].replay(piece.plan, scheduler_of(piece.plan.seed))

        pieces = _pieces(by_name, spent, seconds=seconds, first=first)
        arriving = in_processes(_play, pieces, jobs=self.jobs, warm_up=mute)
        ended = _consume(view, arriving, came, asked)
        for name, campaign in campaigns.items():
            share = spent[name] / self.jobs
            judged = ended == DONE and campaign.seeds >= SEEDS_TO_JUDGE
            self.tell(by_name[name], campaign, seconds=share, judged=judged)
        if ended != DONE:
            return ended
        return FAILED if any(map(_fails, campaigns.values())) else DONE

    def tell(self, scenario: Known, campaign: Campaign, *, seconds: float, judged: bool) -> None:
        """Print the summary of a campaign that took so many real `seconds`."""
        figures = summary(scenario, campaign, seconds=seconds)
        if self.json:
            print_json(figures)
        else:
            print_summary(figures, judged=judged)


def _consume(
    view: View, arriving: Generator[T], came: Callable[[T], None], asked: Callable[[Any], str]
) -> int:
    """Take in all that arrives: `DONE`, or why it ended before.

    `asked` is the command that replays a piece of work at which a process died.
    """
    with view.shown(), closing(arriving), heard(log=False):
        try:
            for each in arriving:
                came(each)
        except KeyboardInterrupt:
            view.say("interrupted; so far:")
            return INTERRUPTED
        except WorkerDiedError as error:
            view.say(f"a process died (exit status {error.status}) at: {asked(error.piece)}")
            return FAILED
    return DONE


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run that a process is asked for in a soak."""

    name: str
    run: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Played:
    """What became of it, and how many real seconds it took."""

    name: str
    result: Result
    seconds: float


def _pieces(
    scenarios: Mapping[str, Known], spent: dict[str, float], *, seconds: float, first: int
) -> Iterator[_Piece]:
    """Always the scenario that has had the least of the time, with its next seed."""
    ends = time.monotonic() + seconds
    given = dict.fromkeys(scenarios, 0)
    while time.monotonic() < ends:
        name = min(scenarios, key=lambda each: (spent[each], given[each]))
        known = scenarios[name]
        plan = Plan(seed=first + given[name], options=known.options(()))
        given[name] += 1
        spent[name] += 1e-6  # until it comes back, others are before it
        yield _Piece(name, known.record.run, plan)


def _play(piece: _Piece) -> _Played:
    began = time.perf_counter()
    result = Result.of(simulate(find(piece.run), piece.plan))
    return _Played(piece.name, result, time.perf_counter() - began)


def _fails(campaign: Campaign) -> bool:
    """A run failed, or enough of them prove nothing about something."""
    return campaign.failed > 0 or (campaign.seeds >= SEEDS_TO_JUDGE and bool(campaign.never))
