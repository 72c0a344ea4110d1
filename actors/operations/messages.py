"""Facts about the system's own condition, published on the event stream by every subject."""

from __future__ import annotations

from typing import Literal

from runtime import Asks, message

HEARTBEAT_SECONDS = 60.0
"""A component with nothing new to say reports again after this. Of one that has not for twice as
long nobody knows how it is: `model.REPORT_AGE` shows how long ago that was."""

Status = Literal["pass", "warn", "fail"]


@message
class Measurement:
    """One figure. `name` is snake_case with its unit last: `latency_seconds`, `requests_total`.

    A name that ends in `_total` only ever grows.
    """

    name: str
    value: float


@message
class Reported:
    """How `component` is now; the newest report of a component replaces the one before.

    `output` says in one sentence what a person can do, and is empty for `pass`.
    """

    component: str
    status: Status
    output: str = ""
    measurements: tuple[Measurement, ...] = ()


@message
class Describe(Asks[tuple[Reported, ...]]):
    """The newest report of every component, sorted by component."""


Command = Reported | Describe
