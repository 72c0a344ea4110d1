"""The supervision tree as operators see it: a verdict on each actor, regions summed up; pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from actors.operations.messages import Reported, Status
from actors.operations.model import Phase, Readiness, line
from runtime import Node

OLDEST_MESSAGE_WARN_SECONDS = 30.0
"""A message that has waited longer than this is late: asks have given up long before."""

MAILBOX_WARN_RATIO = 0.8
"""Beyond this share of its limit a mailbox will soon refuse."""

RESTARTS_WARN_RATIO = 0.5
"""More than this share of the restarts allowed in a window: the next failures end the actor."""

BUSIEST_KEPT = 5
"""Actors of a region that are shown unasked; the snapshot itself holds a few more."""

_STATES = (
    "dormant",
    "running",
    "new",
    "starting",
    "stopping",
    "restarting",
    "waiting",
    "stopped",
)
"""From best to worst."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on one actor; `output` says what is the matter, and is empty for `pass`."""

    status: Status
    output: str = ""


def static(node: Node) -> Iterator[Node]:
    """Every node that the topology names, parents first; not the keyed actors of regions."""
    yield node
    if node.kind != "region":
        for child in node.children:
            yield from static(child)


def readiness(
    root: Node,
    *,
    phase: Phase,
    required: Mapping[str, str],
    reports: Mapping[str, Reported],
) -> Readiness:
    """Judge whether new work may come: the parts that it needs, by name and path, all run.

    An actor may run and wait for somebody who does not answer: `reports` are what the parts say
    of themselves at this moment, by the same names.
    """
    found = {node.path: node for node in static(root)}
    missing, present = [], []
    for name, path in required.items():
        node = found.get(path)
        if node is None:
            missing.append((name, f"{path} is not there"))
        elif node.state != "running":
            missing.append((name, f"{path} is {node.state}{_because(node)}"))
        elif name in reports and reports[name].status != "pass":
            missing.append((name, reports[name].output))
        else:
            present.append(name)
    return Readiness(phase=phase, missing=tuple(missing), present=tuple(present))


def of_state(node: Node) -> Finding:
    """Judge the state: what recovers by itself is `warn`, what stays down is `fail`.

    A supervisor's state is the worst of its children's, and they speak for themselves.
    """
    if node.kind == "supervisor":
        return Finding("pass")
    match node.state:
        case "running" | "dormant":
            return Finding("pass")
        case "waiting":
            return Finding("warn", f"{node.path} waits for a dependency{_because(node)}")
        case "restarting":
            return Finding("warn", f"{node.path} is being restarted{_because(node)}")
        case "stopped":
            return Finding("fail", f"{node.path} has stopped for good{_because(node)}")
        case state:
            return Finding("warn", f"{node.path} is {state}")


def of_restarts(node: Node) -> Finding:
    """Judge the restarts used in the current window."""
    if node.restarts_used <= node.restarts_allowed * RESTARTS_WARN_RATIO:
        return Finding("pass")
    spent = f"{node.restarts_used} of {node.restarts_allowed}"
    return Finding("warn", f"{node.path} has used {spent} restarts{_because(node)}")


def of_mailbox(node: Node) -> Finding:
    """Judge how full the mailbox is, and how long its oldest message has been waiting."""
    limit, waited = node.mailbox_limit, node.oldest_message_seconds
    if limit and node.mailbox_depth > limit * MAILBOX_WARN_RATIO:
        return Finding("warn", f"{node.path} has {node.mailbox_depth} of {limit} messages waiting")
    if waited > OLDEST_MESSAGE_WARN_SECONDS:
        return Finding("warn", f"{node.path} has had a message waiting for {waited:.0f} s")
    return Finding("pass")


def worst_state(nodes: tuple[Node, ...]) -> str | None:
    """The worst state among `nodes`; None when there are none. An unknown state is the worst."""
    rank = {state: place for place, state in enumerate(_STATES)}
    return max((n.state for n in nodes), key=lambda s: rank.get(s, len(rank)), default=None)


def describe(node: Node, *, everything: bool = False) -> dict[str, object]:
    """One actor and what is below it, as plain data.

    A region is summed up; with `everything` those of its actors that the snapshot holds (the
    troubled and the busiest) follow as `children`, and `truncated` tells whether there are more.
    """
    described: dict[str, object] = {
        "name": line(node.name),
        "path": line(node.path),
        "class": node.class_name,
        "kind": node.kind,
        "state": node.state,
        "incarnation": node.incarnation,
        "mailbox_depth": node.mailbox_depth,
        "mailbox_limit": node.mailbox_limit,
        "oldest_message_seconds": round(node.oldest_message_seconds, 3),
        "busy_seconds": round(node.busy_seconds, 3),
        "handled": node.handled,
        "failed": node.failed,
        "restarts_used": node.restarts_used,
        "restarts_allowed": node.restarts_allowed,
        "last_error": last_error(node),
    }
    if node.kind == "region":
        described |= _summary(node)
        if everything:
            described["truncated"] = (node.awake or 0) > len(node.children)
            described["children"] = [describe(n) for n in node.children]
    else:
        described["strategy"] = node.strategy
        described["children"] = [describe(n, everything=everything) for n in node.children]
    return described


def last_error(node: Node) -> str | None:
    """The last error in a line of bounded length."""
    return None if node.last_error is None else line(node.last_error)


def _summary(region: Node) -> dict[str, object]:
    deepest = heapq.nlargest(BUSIEST_KEPT, region.children, key=lambda n: n.mailbox_depth)
    return {
        "awake": region.awake,
        "asleep": None,  # nobody counts those who sleep: they are rows in a store
        "worst_state": worst_state(region.children),
        "busiest": [describe(n) for n in deepest if n.mailbox_depth],
    }


def _because(node: Node) -> str:
    error = last_error(node)
    return f": {error}" if error else ""
