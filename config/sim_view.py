"""What `main.py sim` shows: progress on stderr while it lasts, and what came of it at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from config.process import Terminal
from config.sim_arguments import Known
from runtime.testing.campaign import Campaign, Pace, Result
from runtime.testing.report import told

LINE_SECONDS = 5.0
"""Between two lines of progress where there is no terminal to draw on."""
FIRST_LINE_SECONDS = 1.0
DRAW_SECONDS = 0.2
"""Between two drawings of the bar."""
SHOWN = 3
"""Failures that are told in full; of all others the summary has one line, up to those it keeps."""


class View:
    """One campaign on the screen: a bar on a terminal, else a line every few seconds."""

    def __init__(self, name: str, campaign: Campaign, *, total: int | None) -> None:
        self.pace = Pace(campaign)
        self._name, self._campaign, self._total = name, campaign, total
        self._console = Terminal(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._drawn = time.perf_counter() - LINE_SECONDS + FIRST_LINE_SECONDS

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While the campaign lasts."""
        if not self._console.is_terminal:
            yield
            return
        # Drawn by us: a thread of rich's would run while the time of the process is not its own.
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._bar.add_task(self._name, total=self._total, pace="")
        with self._bar:
            yield
        self._bar = None

    def came(self, scenario: Known, result: Result) -> None:
        """A run of `scenario` has ended, and the campaign has counted it."""
        if result.failure is not None and self._campaign.failed <= SHOWN:
            replay = scenario.replay(result.plan, result.scheduler)
            self.say(told(result, name=scenario.name, replay=replay))
        now = time.perf_counter()
        if now - self._drawn >= (LINE_SECONDS if self._bar is None else DRAW_SECONDS):
            self._drawn = now
            self._draw()

    def _draw(self) -> None:
        if self._bar is not None:
            [task] = self._bar.task_ids
            self._bar.update(task, completed=self._campaign.seeds, pace=self._figures())
            self._bar.refresh()
        else:
            of = "" if self._total is None else f" of {self._total:,}"
            self.say(f"{self._name}: {self._campaign.seeds:,}{of}, {self._figures()}")

    def _figures(self) -> str:
        pace, failed = self.pace, self._campaign.failed
        return (
            f"{pace.seeds_per_second:,.1f} runs/s, {pace.hours_per_second:,.1f} simulated h/s, "
            f"{failed:,} failed"
        )

    def say(self, text: str) -> None:
        """Lines of text above the progress."""
        if self._bar is None:
            sys.stderr.write(f"{text}\n")
        else:
            self._console.out(text, highlight=False)


def summary(scenario: Known, campaign: Campaign, *, seconds: float) -> dict[str, object]:
    """The figures of a campaign that took so many real `seconds`, as `--json` prints them."""
    hours = campaign.seconds / 3600
    failures = sorted(campaign.failures, key=lambda result: (result.seed, result.plan.crashes))
    return {
        "scenario": scenario.name,
        "seeds": campaign.seeds,
        "failed": campaign.failed,
        "simulated_hours": round(hours, 3),
        "seconds": round(seconds, 3),
        "seeds_per_second": round(campaign.seeds / max(seconds, 1e-9), 3),
        "simulated_hours_per_second": round(hours / max(seconds, 1e-9), 3),
        "sometimes": {name: campaign.sometimes[name] for name in _names(campaign)},
        "never": list(campaign.never),
        "failures": [
            {
                "seed": result.seed,
                "scheduler": result.scheduler,
                "failure": result.failure,
                "replay": scenario.replay(result.plan, result.scheduler),
            }
            for result in failures
        ],
    }


def print_summary(figures: Mapping[str, object], *, judged: bool) -> None:
    """The same figures for people. Not `judged`, what never happened proves nothing yet."""
    counts, never, failures = (figures[key] for key in ("sometimes", "never", "failures"))
    assert isinstance(counts, dict)  # noqa: S101 - made above
    assert isinstance(never, list)  # noqa: S101
    assert isinstance(failures, list)  # noqa: S101
    lines = [
        f"{figures['scenario']}: {figures['seeds']:,} runs, {figures['failed']:,} failed",
        (
            f"  {figures['simulated_hours']:,} simulated hours in {figures['seconds']:,} s: "
            f"{figures['seeds_per_second']:,} runs/s, "
            f"{figures['simulated_hours_per_second']:,} simulated hours/s"
        ),
        *(f"  sometimes {name}: {count:,}" for name, count in counts.items()),
        *(f"  failed: {_first_line(each)}\n    {each['replay']}" for each in failures),
    ]
    if never:
        weight = "" if judged else "warning: "
        lines.append(f"  {weight}proves nothing about: {', '.join(never)}")
    sys.stdout.write("\n".join(lines) + "\n")


def print_json(document: Mapping[str, object]) -> None:
    """One line for machines."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _names(campaign: Campaign) -> list[str]:
    """What is wanted first, then whatever else was reached."""
    return [*campaign.wanted, *sorted(set(campaign.sometimes) - set(campaign.wanted))]


def _first_line(failure: Mapping[str, object]) -> str:
    return f"seed {failure['seed']}, {str(failure['failure']).partition(chr(10))[0]}"
