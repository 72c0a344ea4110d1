"""Looking on at a broadcast from a terminal: a bar with its pace, and when it will be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

import trio
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from actors.broadcasts.panel import duration
from actors.kernel import local_time
from actors.operations.model import line
from config.process import Terminal
from config.whereabouts import Unreachable

STATES_AT_REST = frozenset({"draft", "ready", "finished", "cancelled", "deleted"})
"""States that change only when somebody says so."""
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""For a shop that is restarted meanwhile: the broadcast outlives it."""

LIST_COLUMNS = {
    "broadcast_id": "broadcast",
    "state": "state",
    "what": "what",
    "counts": "recipients",
    "when": "pace",
    "created_at": "created",
    "trouble": "trouble",
    "text": "text",
}
"""Of a broadcast with what `in_a_list` says of it."""
TEXT_CHARACTERS = 60
"""Of a broadcast's text in a list."""

Look = Callable[[], Awaitable[dict[str, Any]]]


async def watch(look: Look, seen: dict[str, Any], zone: tzinfo = UTC) -> dict[str, Any]:
    """Show the progress on stderr until it rests; how it stands then. Raises `Unreachable`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TextColumn("{task.fields[pace]}"),
    )
    with Progress(*columns, console=Terminal(stderr=True)) as progress:
        task = progress.add_task("", total=1, pace="")
        _draw(progress, task, seen, zone)
        while seen["state"] not in STATES_AT_REST:
            await trio.sleep(LOOK_SECONDS)
            seen = await _look(look, progress, task)
            _draw(progress, task, seen, zone)
    return seen


async def _look(look: Look, progress: Progress, task: TaskID) -> dict[str, Any]:
    deadline = trio.current_time() + PATIENCE_SECONDS
    while True:
        try:
            return await look()
        except Unreachable:
            if trio.current_time() >= deadline:
                raise
            progress.update(task, pace="the shop does not answer")
        await trio.sleep(LOOK_SECONDS)


def _draw(progress: Progress, task: TaskID, seen: dict[str, Any], zone: tzinfo) -> None:
    progress.update(
        task,
        description=f"broadcast {seen['broadcast_id']} {seen['state']}",
        total=max(seen["total"], 1),
        completed=seen["total"] - seen["pending"],
        pace=pace_of(seen, zone),
    )


def pace_of(seen: dict[str, Any], zone: tzinfo = UTC) -> str:
    """How fast it goes, and how long it will: `28 a second, 12 min left`."""
    if seen["state"] == "scheduled":
        starts_at = datetime.fromisoformat(seen["starts_at"])
        return f"starts at {local_time.told(starts_at, zone)}"
    if seen["state"] != "running" or not seen.get("per_second"):
        return ""
    left = seen.get("remaining_seconds")
    told = f"{seen['per_second']:.0f} a second"
    return told if left is None else f"{told}, {duration(left)} left"


def told_in_a_line(seen: dict[str, Any], zone: tzinfo = UTC) -> str:
    """How one broadcast stands."""
    told = in_a_list(seen, zone)
    words = [f"{told['broadcast_id']} {told['state']} {told['what']}", told["counts"], told["when"]]
    return line("; ".join(word for word in [*words, told["trouble"], told["text"]] if word))


def in_a_list(seen: dict[str, Any], zone: tzinfo = UTC) -> dict[str, str]:
    """One broadcast among others (`LIST_COLUMNS`)."""
    counted = [
        f"{seen[name]} {name.replace('_', ' ')}"
        for name in ("sent", "blocked", "failed", "unknown", "pending", "left_out")
        if seen[name]
    ]
    if seen.get("reachable") and not seen["total"]:
        counted.append(f"for {seen['reachable']}")
    if seen.get("unreachable") and not seen["total"]:
        counted.append(f"{seen['unreachable']} cannot be reached")
    return {
        "broadcast_id": str(seen["broadcast_id"]),
        "state": seen["state"],
        "what": seen["kind"] if seen["of"] is None else f"{seen['kind']} of {seen['of']}",
        "counts": ", ".join(counted),
        "when": pace_of(seen, zone),
        "trouble": seen["trouble"],
        "text": line(seen["text"][:TEXT_CHARACTERS]),
    }
