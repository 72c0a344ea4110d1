"""A picture of a run: who told whom what, over virtual time, up to the failure.

```
recording = record(scenario, Plan(seed=7))
Path("run.html").write_text(timeline(recording, name="till", replay="python main.py sim ..."))
```

The page needs nothing but itself. Time runs downwards, a row for each thing that happened; where
nothing happened, a gap tells for how long. The same run gives the same page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from runtime.testing.campaign import innermost
from runtime.testing.explain import TIMED
from runtime.testing.network import OUTSIDE
from runtime.testing.recording import Recording, Turn
from runtime.testing.timeline_drawing import Drawing, Lane, Mark
from runtime.testing.timeline_page import page

ROWS = 3_000
"""Rows that are drawn: the last ones before the failure."""
SESSIONS = 6
"""Keyed actors of one kind that have a lane of their own: the busiest."""
TASKS = 12
"""Tasks that have a lane of their own where there are no actors."""
OVERTAKINGS = 100
"""Choices among tasks that are drawn; of more, only how many there were is told."""
SILENCE_SECONDS = 1.0
"""Whatever is longer is drawn as a gap."""
NETWORK, WORLD = "network", "tasks"
_FLOW = re.compile(r"(\S+)->(\S+?)(?::(\d+))? (?:(\d+) bytes|(.+))")
_STEP = re.compile(r"step (\d+) (.+)")
_HOST = re.compile(r"(\S+) (listens on \d+|refuses|killed)")
_CRASH = re.compile(r"crash: (.+), life \d+, step \d+")
FAILURE = "failure: "
_KINDS = {"fault": "fault", "cut": "fault", "wrong": "wrong", "heal": "heal", "crash": "crash"}


@dataclass(slots=True)
class _Event:
    """One row."""

    step: int
    second: float
    lane: tuple[str, str] | None
    """Group and name; None for what concerns all."""
    kind: str
    text: str
    more: str = ""
    to: tuple[str, str] | None = None
    turn: Turn | None = None
    times: int = 1
    size: int = 0


def timeline(
    recording: Recording,
    *,
    name: str,
    replay: str,
    rows: int = ROWS,
    sessions: int = SESSIONS,
) -> str:
    """The page about the run `recording` of the scenario `name`, which `replay` shows again.

    At most `rows` things are drawn, the last ones before the failure, and of each kind of keyed
    actor only the `sessions` busiest ones in lanes of their own.
    """
    events = _events(recording)
    shown = events[-rows:]
    left_out = len(events) - len(shown)
    shown += _failure(recording)
    drawing = Drawing(left_out=left_out, clean_up=_clean_up(recording))
    lanes = _lanes(shown, sessions)
    drawing.lanes = list(dict.fromkeys(lanes.values()))
    drawing.choices = len(recording.overtakings)
    before: float | None = None
    for event in shown:
        if before is not None and event.second - before >= SILENCE_SECONDS:
            drawing.gap(event.second - before)
        before = event.second
        drawing.add(_mark(event, lanes))
    return page(drawing, recording.run, name=name, replay=replay)


def _end(recording: Recording) -> int:
    """The line of the trace at which the run failed; behind it there is only clean-up."""
    events = recording.run.events
    if recording.run.failure is None:
        return len(events)
    failing = (n for n, line in enumerate(events) if line.startswith(FAILURE, TIMED))
    return next(failing, len(events))


def _failure(recording: Recording) -> Iterator[_Event]:
    run, end = recording.run, _end(recording)
    if run.failure is not None:
        second = float(run.events[end][:TIMED]) if end < len(run.events) else run.seconds
        yield _Event(-1, second, None, "fail", "; ".join(innermost(run.failure)))


def _clean_up(recording: Recording) -> int:
    return len(recording.run.events) - _end(recording)


# What happened


def _events(recording: Recording) -> list[_Event]:
    """All rows, in their order; what is no event by itself is left out."""
    found: list[_Event] = []
    with_tasks = not recording.turns
    lives = _Lives(recording)
    overtakings = iter(recording.overtakings if len(recording.overtakings) <= OVERTAKINGS else ())
    overtaking = next(overtakings, None)
    for step, line in enumerate(recording.run.events[: _end(recording)]):
        second, what = float(line[:TIMED]), line[TIMED:]
        while overtaking is not None and overtaking[0] <= step:
            found.append(_Event(step, second, None, "order", overtaking[2]))
            overtaking = next(overtakings, None)
        turn = recording.turns.get(step)
        if turn is not None:
            found.append(_of_turn(turn))
        elif (stepped := _STEP.fullmatch(what)) is not None:
            found += lives.look(step, second, stepped[2])
            if with_tasks:
                _merge(
                    found, _Event(step, second, (WORLD, stepped[2]), "step", f"task {stepped[1]}")
                )
        else:
            _merge(found, _of_line(step, second, what))
    return found


class _Lives:
    """Sees nodes come back: the task of each life is named for its number."""

    def __init__(self, recording: Recording) -> None:
        self._seen = dict.fromkeys(recording.run.node_steps, 1)

    def look(self, step: int, second: float, task: str) -> Iterator[_Event]:
        node, _, life = task.rpartition(" ")
        if life.isdecimal() and int(life) > self._seen.get(node, int(life)):
            self._seen[node] = int(life)
            yield _Event(step, second, None, "up", f"{node} is back, life {life}", more=node)


def _of_turn(turn: Turn) -> _Event:
    on = f" on {turn.node}" if turn.node != OUTSIDE else ""
    lines = [turn.text or turn.what, f"{turn.path}{on}, second {turn.second:.6f}"]
    if turn.kind == "message":
        lines.append(f"{'asked' if turn.asked else 'told'} by {turn.sender or 'no actor'}")
    elif turn.kind != "signal":
        lines.append(
            {"timer": "a timer of its own", "piped": "the end of its slow work"}[turn.kind]
        )
    if turn.waited >= 1e-6:  # noqa: PLR2004 - what the clock of the picture shows
        lines[-1] += f", waited {turn.waited:.6f} s"
    if turn.queued:
        lines.append(f"{turn.queued} more wait behind it")
    lines += [line for line in (turn.overtook, turn.error) if line]
    kind = turn.kind + " failed" * bool(turn.error) + " overtook" * bool(turn.overtook)
    what = f"{turn.first} + " * bool(turn.first) + turn.what + "?" * turn.asked
    return _Event(
        turn.step, turn.second, (turn.node, turn.path), kind, what, "\n".join(lines), turn=turn
    )


def _of_line(step: int, second: float, what: str) -> _Event:
    flow = _FLOW.fullmatch(what)
    if flow is not None:
        start, end, port, size, other = flow.groups()
        text = f"{other} :{port}" if port else other or ""
        kind = "flow bad" if other in ("refused", "reset") else "flow"
        ends = (NETWORK, start), (NETWORK, end)
        return _Event(step, second, ends[0], kind, text, what, to=ends[1], size=int(size or 0))
    host = _HOST.fullmatch(what)
    if host is not None:
        return _Event(step, second, (NETWORK, host[1]), "host", host[2], what)
    crash = _CRASH.fullmatch(what)
    if crash is not None:
        return _Event(step, second, None, "crash", what, crash[1])
    first = what.partition(" ")[0].rstrip(":")
    kind = _KINDS.get(first, "note")
    return _Event(step, second, None, kind, what)


def _merge(found: list[_Event], event: _Event) -> None:
    """Bytes that go the same way at the same moment are one row, and so are steps of a task."""
    last = found[-1] if found else None
    same = (
        last is not None
        and (last.lane, last.to, last.kind, last.second)
        == (event.lane, event.to, event.kind, event.second)
        and bool(last.size) == bool(event.size)
        and (event.size > 0 or event.kind == "step")
    )
    if last is None or not same:
        found.append(event)
        return
    last.times += 1
    last.size += event.size


# Where it is drawn


def _lanes(events: list[_Event], sessions: int) -> dict[tuple[str, str], Lane]:
    """The lane of each who occurs: the network first, then the actors of each node."""
    busy: Counter[tuple[str, str]] = Counter()
    pools: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        busy.update(lane for lane in (event.lane, event.to) if lane is not None)
        if event.lane is not None and event.turn is not None and event.turn.pool is not None:
            pools[event.lane] = (event.turn.node, event.turn.pool)
        elif event.lane is not None and event.kind == "step":
            pools[event.lane] = (WORLD, "")
    kept = _kept(busy, pools, sessions)
    order = sorted(busy, key=lambda lane: (lane[0] != NETWORK, lane[0], _place(lane, pools, kept)))
    folded = Counter(pools[lane] for lane in busy if lane in pools and lane not in kept)
    return {
        lane: (
            Lane(*lane)
            if lane in kept or lane not in pools
            else Lane(
                pools[lane][0], f"{pools[lane][1]}/ {folded[pools[lane]]} others", shared=True
            )
        )
        for lane in order
    }


def _kept(
    busy: Counter[tuple[str, str]], pools: dict[tuple[str, str], tuple[str, str]], sessions: int
) -> set[tuple[str, str]]:
    """Who of each pool has a lane of his own; one who would be folded alone has one, too."""
    kept: set[tuple[str, str]] = set()
    for pool in sorted(set(pools.values())):
        members = [lane for lane, _ in busy.most_common() if pools.get(lane) == pool]
        most = TASKS if pool[0] == WORLD else sessions
        kept.update(members if len(members) <= most + 1 else members[:most])
    return kept


def _place(
    lane: tuple[str, str],
    pools: dict[tuple[str, str], tuple[str, str]],
    kept: set[tuple[str, str]],
) -> list[tuple[int, int, str]]:
    """Children beside their parent, 9 before 10, whoever is folded last."""
    path = lane[1] if lane in kept or lane not in pools else f"{pools[lane][1]}/\uffff"
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in path.split("/")]


def _mark(event: _Event, lanes: dict[tuple[str, str], Lane]) -> Mark:
    lane = None if event.lane is None else lanes[event.lane]
    text = event.text
    if event.size:
        text = f"{event.size:,} B" + (f" in {event.times}" if event.times > 1 else "")
    elif event.times > 1:
        text = f"{text} x{event.times}"
    if lane is not None and lane.shared and event.lane is not None:
        text = f"{event.lane[1].rpartition('/')[2]}: {text}"
    return Mark(
        step=event.step,
        second=event.second,
        kind=event.kind,
        text=text,
        more=event.more,
        lane=lane,
        to=None if event.to is None else lanes[event.to],
        cause=None if event.turn is None else event.turn.cause,
        what=event.turn.what if event.turn is not None else event.text,
    )
