"""What is known about the system's condition, and the verdict on it: pure.

The verdict is always the worst of its parts. A report stays as it was until the component
reports again; its age is shown instead of guessing what silence means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from actors.operations.messages import Measurement, Reported, Status

REPORT_AGE = "report_age_seconds"
"""The measurement that the observer adds to each report it hands out."""

NAME_MAX_CHARACTERS = 100
LINE_MAX_CHARACTERS = 500

_SEVERITY: dict[Status, int] = {"pass": 0, "warn": 1, "fail": 2}
_UNITS = {"seconds": "s", "bytes": "bytes", "ratio": "ratio"}
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")


def worst(statuses: Iterable[Status]) -> Status:
    """Return the most severe of `statuses`; `pass` when there are none."""
    return max(statuses, key=_SEVERITY.__getitem__, default="pass")


class Phase(StrEnum):
    """Where the process is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether new work may come: the phase is `serving` and nothing required is missing.

    `missing` names each required thing that is not there with what a person can do about it,
    such as `{"store": "root/store/writer is waiting: connection refused"}`; `present` names
    the ones that are.
    """

    phase: Phase
    missing: tuple[tuple[str, str], ...] = ()
    present: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether new work may come."""
        return self.phase is Phase.SERVING and not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is speaking: the service, its version and the exact release (a commit, for instance)."""

    service_id: str
    version: str
    release_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A report and when it came (`World.monotonic`, seconds)."""

    report: Reported
    at: float

    def aged(self, now: float) -> Reported:
        """Return the report with its age as one more measurement."""
        age = Measurement(name=REPORT_AGE, value=round(max(0.0, now - self.at), 3))
        return replace(self.report, measurements=(*self.report.measurements, age))


def age_seconds(report: Reported) -> float:
    """How old a report from the observer is; 0 for one that comes straight from its component."""
    return next((m.value for m in report.measurements if m.name == REPORT_AGE), 0.0)


def unit_of(name: str) -> str:
    """Return the unit that a measurement's name ends with: `s` for `latency_seconds`.

    Counts are in what they count: `requests` for `requests_total`.
    """
    words = name.split("_")
    last = words[-2] if words[-1] == "total" and len(words) > 1 else words[-1]
    return _UNITS.get(last, last)


def line(text: str) -> str:
    """Return `text` as one line of bounded length that any terminal and any encoding can take.

    Errors quote what came from outside: control characters, half a surrogate pair, a novel.
    """
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * LINE_MAX_CHARACTERS])
    return " ".join(printable.split())[:LINE_MAX_CHARACTERS]


def fit(name: str) -> str:
    """Return `name` as a key of the health document: letters, digits, `_`, `.`, `-`."""
    return _UNFIT.sub("_", name)[:NAME_MAX_CHARACTERS] or "_"
