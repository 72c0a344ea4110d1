"""The health document, built from everything that is known at one moment: pure.

Its shape is that of draft-inadarei-api-health-check-06, which expired and never became a standard:
`checks` maps "component:measurement" to a list of observations, each with a status of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

import msgspec

from actors.operations import tree
from actors.operations.messages import Reported, Status
from actors.operations.model import (
    Identity,
    Phase,
    Readiness,
    age_seconds,
    fit,
    line,
    unit_of,
    worst,
)
from runtime import Fates, Node


class Check(TypedDict, total=False):
    """One observation; `output` is there unless it passed, `limit` where there is one."""

    componentId: str
    componentType: str
    observedValue: object
    observedUnit: str
    limit: int
    status: Status
    time: str
    output: str


class HealthDocument(TypedDict):
    """The body of `/health`."""

    status: Status
    version: str
    releaseId: str
    serviceId: str
    notes: list[str]
    output: str
    checks: dict[str, list[Check]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """All that the verdict is taken from.

    `now` is aware; `reports` is None when the observer did not answer.
    """

    identity: Identity
    now: datetime
    uptime_seconds: float
    readiness: Readiness
    tree: Node
    fates: Fates
    reports: tuple[Reported, ...] | None


def health_document(condition: Condition) -> HealthDocument:
    """Build the answer of `/health`. The overall status is the worst of all checks."""
    checks: dict[str, list[Check]] = {}
    for part in (_process, _supervision, _messages, _reports):
        for key, check in part(condition):
            checks.setdefault(key, []).append(check)
    flat = [check for several in checks.values() for check in several]
    outputs = [check["output"] for check in flat if "output" in check]
    return {
        "status": worst(check["status"] for check in flat),
        "version": condition.identity.version,
        "releaseId": condition.identity.release_id,
        "serviceId": condition.identity.service_id,
        "notes": [f"the process is {condition.readiness.phase}"],
        "output": "; ".join(outputs),
        "checks": checks,
    }


def read_document(body: bytes) -> HealthDocument:
    """Read what somebody's `/health` answered. Raises ValueError unless it is such a document."""
    try:
        return msgspec.json.decode(body, type=HealthDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"no health document: {error}") from error


def _process(condition: Condition) -> Iterator[tuple[str, Check]]:
    now, readiness = condition.now, condition.readiness
    yield (
        "process:uptime",
        {
            **_passed(round(condition.uptime_seconds, 3), now, kind="system"),
            "observedUnit": "s",
        },
    )
    serving = readiness.phase is Phase.SERVING
    yield (
        "process:phase",
        _judged(
            _passed(readiness.phase.value, now, kind="system"),
            "pass" if serving else "warn",
            f"the process is {readiness.phase}: no new work is taken",
        ),
    )
    for name in readiness.present:
        yield f"{fit(name)}:ready", _passed(value=True, at=now)
    for name, output in readiness.missing:
        # While starting, what is missing is on its way.
        status: Status = "warn" if readiness.phase is Phase.STARTING else "fail"
        yield f"{fit(name)}:ready", _judged(_passed(value=False, at=now), status, output)


def _supervision(condition: Condition) -> Iterator[tuple[str, Check]]:
    now = condition.now
    for node in tree.static(condition.tree):
        state = tree.of_state(node)
        if condition.readiness.phase is not Phase.SERVING and state.status == "fail":
            state = tree.Finding("warn", state.output)  # stopping is what draining is for
        yield (
            "supervision:state",
            _judged(_passed(node.state, now, path=node.path), state.status, state.output),
        )
        if node.kind == "supervisor":
            continue
        queue = tree.of_mailbox(node)
        depth = _passed(node.mailbox_depth, now, path=node.path)
        if node.mailbox_limit is not None:
            depth["limit"] = node.mailbox_limit
        yield "mailbox:depth", _judged(depth, queue.status, queue.output)
        waited = _passed(round(node.oldest_message_seconds, 3), now, path=node.path)
        waited["observedUnit"] = "s"
        yield "mailbox:oldest_message_seconds", waited
        if node.kind == "region":
            yield "region:awake", _passed(node.awake, now, path=node.path)
            continue
        restarts = tree.of_restarts(node)
        used = _passed(node.restarts_used, now, path=node.path)
        used["limit"] = node.restarts_allowed
        yield "supervision:restarts", _judged(used, restarts.status, restarts.output)


def _messages(condition: Condition) -> Iterator[tuple[str, Check]]:
    fates = condition.fates
    for fate in ("sent", "handled", "dead", "expired", "queued"):
        yield f"messages:{fate}", _passed(getattr(fates, fate), condition.now, kind="system")


def _reports(condition: Condition) -> Iterator[tuple[str, Check]]:
    if condition.reports is None:
        silent = _passed(None, condition.now)
        yield (
            "operations:state",
            _judged(silent, "warn", "the observer does not answer: reports are missing"),
        )
        return
    for report in condition.reports:
        component = fit(report.component)
        at = condition.now - timedelta(seconds=age_seconds(report))
        yield (
            f"{component}:state",
            _judged(_passed(report.status, at), report.status, report.output),
        )
        for measurement in report.measurements:
            value = measurement.value if math.isfinite(measurement.value) else None
            check = _passed(value, at)  # JSON has no NaN and no infinity
            check["observedUnit"] = unit_of(measurement.name)
            yield f"{component}:{fit(measurement.name)}", check


def _passed(value: object, at: datetime, *, kind: str = "component", path: str = "") -> Check:
    check: Check = {"componentId": path} if path else {}
    check["componentType"] = kind
    check["observedValue"] = value
    check["status"] = "pass"
    check["time"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return check


def _judged(check: Check, status: Status, output: str) -> Check:
    """Attach a verdict; the draft wants no `output` with a pass."""
    if status == "pass":
        return check
    told = line(output) or f"{status} without a reason"  # a sloppy report is still shown
    return {**check, "status": status, "output": told}
