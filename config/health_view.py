"""How `main.py health` shows a health document: a line for each fact, or a table and a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from actors.ingress.model import SourceName
from actors.operations.document import HealthDocument
from actors.operations.messages import Status
from actors.operations.model import REPORT_AGE, line

EXIT = {"pass": 0, "warn": 1, "fail": 2}

_GLYPHS = {"pass": ("✓", "green"), "warn": ("▲", "yellow"), "fail": ("✗", "red")}
_FATES = ("sent", "handled", "dead", "expired", "queued")

LANES = ("answer", "notice", "typing", "bulk")
"""Of the dispatcher."""
FIGURES: Mapping[str, Mapping[str, str]] = {
    "broadcasts": {
        "running": "running",
        "scheduled": "scheduled",
        "paused": "paused",
        "recipients_pending": "recipients pending",
        "per_second": "a second",
    },
    "database": {"in_flight": "in flight", "batch_seconds": "a batch takes"},
    "ledger": {
        "imbalance_amount": "imbalance",
        "transfers_total": "transfers",
        "unmatched_charges": "unmatched",
    },
    "orders": {
        "ungranted": "ungranted",
        "ungranted_oldest_seconds": "oldest",
        "for_a_person": "for a person",
    },
    "reconciliation": {"overdue_seconds": "overdue"},
    "refunds": {"unknown": "unknown", "unshown": "unshown"},
    "relay.batcher": {
        "active_batches": "active batches",
        "timers": "timers",
        "oldest_batch_seconds": "oldest",
    },
    "relay.courier": {"waiting_notes": "waiting notes"},
    "relay.destination": {
        "pending_events": "pending",
        "parked_events": "parked",
        "oldest_event_seconds": "oldest",
    },
    "telegram.dispatcher": {
        "queued_letters": "queued",
        "oldest_letter_age_seconds": "oldest",
        "flood_waits_total": "flood waits",
        "closed_chats": "closed chats",
        "pause_seconds": "all wait",
    },
    "telegram.gateway": {"last_update_id": "last update id", "unhandled": "unhandled"},
    "tracker": {"waiting_users": "waiting", "last_answer_age_seconds": "since an answer"},
    **{
        f"webhooks.{source.value}": {
            "stored_total": "stored",
            "duplicate_total": "again",
            "last_event_age_seconds": "since the newest",
        }
        for source in SourceName
    },
    "webhooks.processor": {
        "pending": "pending",
        "parked": "parked",
        "oldest_pending_seconds": "oldest",
    },
}
"""What an operator wants to know of a component at a glance, and in which words; `--json` and
`/metrics` have all figures."""
STATES: Mapping[str, tuple[str, ...]] = {
    "relay.destination": ("listening", "resting", "broken", "paused"),
}
"""Figures of which one is 1: it is said in its own word."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One check, as far as it is shown."""

    key: str
    path: str = ""
    status: Status = "pass"
    value: object = None
    limit: object = None
    output: str = ""


class Seen:
    """A document with its observations within reach."""

    def __init__(self, document: HealthDocument) -> None:
        self.document = document
        self.observations = [
            Observation(
                key=key,
                path=check.get("componentId", ""),
                status=check.get("status", "pass"),
                value=check.get("observedValue"),
                limit=check.get("limit"),
                output=check.get("output", ""),
            )
            for key, checks in document["checks"].items()
            for check in checks
        ]
        self._found = {(seen.key, seen.path): seen for seen in self.observations}

    def one(self, key: str, path: str = "") -> Observation:
        """Return the observation of `path` under `key`; an empty one when there is none."""
        return self._found.get((key, path), Observation(key))

    def actors(self) -> list[Observation]:
        """Return the states of all actors, parents first."""
        return [seen for seen in self.observations if seen.key == "supervision:state"]


Row = tuple[Status, tuple[str, str, str, str, str]]
"""A verdict; then name, value, age, figures, output."""


def _headline(seen: Seen) -> str:
    told = seen.document
    service = f"{told['serviceId']} {told['version']} ({told['releaseId']})"
    phase = seen.one("process:phase").value
    return line(f"{service}, {phase}, up {_time(seen.one('process:uptime').value)}")


def _time(seconds: object) -> str:
    """Return a duration in the two units that matter: `3 h 4 min`."""
    if not isinstance(seconds, int | float):
        return "an unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _components(seen: Seen) -> Iterator[Row]:
    """Yield verdict, name, value, age, figures and output of all that is no actor."""
    for found in seen.observations:
        component, _, measurement = found.key.partition(":")
        judged = measurement in {"state", "ready", "phase"} and component != "supervision"
        if judged or (found.status != "pass" and not found.path):
            age = seen.one(f"{component}:{REPORT_AGE}").value
            words = {"ready": "ready" if found.value else "missing", "state": ""}
            value = words.get(measurement, str(found.value))
            since = "" if age is None else f"{_time(age)} ago"
            told = ", ".join(_figures(seen, component)) if measurement == "state" else ""
            yield found.status, (line(component), line(value), since, told, line(found.output))
            yield from _lanes(seen, component) if measurement == "state" else ()


def _figures(seen: Seen, component: str) -> Iterator[str]:
    """Yield what is worth knowing of a component that is well: `pending 0`, `oldest 3 s`."""
    yield from (word for word in STATES.get(component, ()) if seen.one(f"{component}:{word}").value)
    for name, words in FIGURES.get(component, {}).items():
        if (value := seen.one(f"{component}:{name}").value) is not None:
            yield f"{words} {_figure(name, value)}"


def _lanes(seen: Seen, component: str) -> Iterator[Row]:
    """Yield what waits in each lane of the dispatcher, and how much of it may leave at once."""
    for lane in LANES:
        of_lane = f"{component}:{lane}"
        if (letters := seen.one(f"{of_lane}_letters").value) is not None:
            oldest = _time(seen.one(f"{of_lane}_oldest_age_seconds").value)
            tokens = _figure("tokens", seen.one(f"{of_lane}_tokens_left").value)
            told = f"{_figure('letters', letters)} queued, oldest {oldest}, tokens left {tokens}"
            yield "pass", (line(component), f"{lane} lane", "", told, "")


def _figure(name: str, value: object) -> str:
    if not isinstance(value, int | float):
        return line(str(value))
    if name.endswith("_seconds") and (value >= 1 or not value):
        return _time(value)
    return f"{value:.3f} s" if name.endswith("_seconds") else f"{value:.12g}"


def _actor(seen: Seen, state: Observation) -> str:
    """Return what is worth knowing of one actor, in words."""
    words = [str(state.value)]
    path = state.path
    restarts = seen.one("supervision:restarts", path)
    if restarts.value is not None:
        words.append(f"restarts {restarts.value}/{restarts.limit}")
    for word, key in (("awake", "region:awake"), ("mailbox", "mailbox:depth")):
        figure = seen.one(key, path).value
        if figure is not None:
            words.append(f"{word} {figure}")
    keys = ("supervision:state", "supervision:restarts", "mailbox:depth")
    words += [found.output for key in keys if (found := seen.one(key, path)).output]
    return line("  ".join(words))


def _worst(seen: Seen, path: str) -> Status:
    keys = ("supervision:state", "supervision:restarts", "mailbox:depth")
    return max((seen.one(key, path).status for key in keys), key=EXIT.__getitem__)


def _fates(seen: Seen) -> str:
    told = ((fate, seen.one(f"messages:{fate}").value) for fate in _FATES)
    return line("  ".join(f"{fate} {count}" for fate, count in told if count is not None))


def lines(seen: Seen) -> Iterator[str]:
    """Yield the plain form: one fact a line, the verdict first, nothing but words and spaces."""
    yield f"{seen.document['status']} {_headline(seen)}"
    for status, words in _components(seen):
        yield " ".join(filter(None, (status, *words)))
    for state in seen.actors():
        path = state.path
        yield f"{_worst(seen, path)} {line(path)} {_actor(seen, state)}"
    yield f"messages {_fates(seen)}"


def draw(console: Console, seen: Seen) -> None:
    """Draw the form for people: the verdict, the components, the tree."""
    console.print(Text.assemble(_mark(seen.document["status"]), " ", _headline(seen)))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for status, words in _components(seen):
        table.add_row(_mark(status), *(Text(word) for word in words))
    console.print(table)
    roots: dict[str, Tree] = {}
    for state in seen.actors():
        path = state.path
        above, _, name = path.rpartition("/")
        told = f" {line(name)}  {_actor(seen, state)}"
        label = Text.assemble(_mark(_worst(seen, path)), told)
        roots[path] = roots[above].add(label) if above in roots else Tree(label)
        if above not in roots:
            roots.setdefault("", roots[path])
    if "" in roots:
        console.print(roots[""])
    console.print(Text(f"messages  {_fates(seen)}"))


def _mark(status: Status) -> Text:
    glyph, colour = _GLYPHS[status]
    return Text(f"{glyph} {status}", style=colour)
