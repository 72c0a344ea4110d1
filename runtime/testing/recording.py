"""A run with what its trace leaves out: who sent what was handled, and when it was sent.

Costs memory for every turn of an actor, so it is made for one run that is to be looked at
(`timeline`), and never in a campaign. The run is the same as without it, digest and all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pykka.messages import _ActorStop

from runtime.message import Coalesced, Piped, TimerFired
from runtime.state import Signal, State
from runtime.testing.scheduler import ACTORS
from runtime.testing.simulation import Plan, Run, Scenario, Simulation
from runtime.testing.waiting import TRIOS_OWN

if TYPE_CHECKING:
    from runtime.cell import Cell, Envelope

TEXT_MAX = 60
"""Characters of one value of a message."""
DEPTH_MAX = 3
"""Messages within messages that are spelled out."""
ITEMS_MAX = 4
"""Of a sequence."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_NOWHERE = (None, None)
_STARTS = {
    State.NEW: "start",
    State.STARTING: "start",
    State.DORMANT: "start",
    State.RESTARTING: "restart",
    State.WAITING: "look again",
}


@dataclass(slots=True, kw_only=True)
class Turn:
    """One turn of an actor."""

    step: int
    """Which line of the trace it is; from 0."""
    second: float
    node: str
    path: str
    pool: str | None
    """The path above a keyed actor; None for all others."""
    what: str
    """The type of the message, or what supervision asked if there is none."""
    text: str
    """The message, as far as it is the same in every process."""
    kind: str
    """`message`, `timer`, `piped` or `signal`."""
    asked: bool
    """Whether somebody waits for the answer."""
    sender: str
    """The sender's path; empty for whoever is no actor."""
    cause: int | None
    """The step of the turn in which it was sent, if an actor sent it."""
    waited: float
    """Virtual seconds between sending and this turn."""
    queued: int
    """Messages that wait behind this one."""
    first: str = ""
    """What supervision asked, and is done before the message."""
    overtook: str = ""
    """Whom the scheduler let wait for it."""
    error: str = ""
    """What the handler raised."""


@dataclass(slots=True)
class Recording:
    """What happened in a run."""

    run: Run
    """With all lines of its trace."""
    turns: dict[int, Turn]
    """By the line of the trace."""
    overtakings: list[tuple[int, float, str]] = field(default_factory=list)
    """Choices among tasks that were not plain: the line before which it was, second, words."""


def record(scenario: Scenario, plan: Plan) -> Recording:
    """Run `plan` and keep all of it."""
    simulation = Simulation(plan, keep=None)
    recorder = _Recorder(simulation)
    simulation.scheduler.heard = recorder.heard
    simulation.scheduler.turned = recorder.turned
    run = simulation.run(scenario)
    recorder.end()
    return Recording(run, recorder.turns, recorder.overtakings)


class _Recorder:
    """Listens to the scheduler."""

    def __init__(self, simulation: Simulation) -> None:
        self.turns: dict[int, Turn] = {}
        self.overtakings: list[tuple[int, float, str]] = []
        self._simulation = simulation
        self._overtook = ""
        self._last: WeakKeyDictionary[Cell, tuple[Turn, int]] = WeakKeyDictionary()
        """The last turn of each actor, and how often it had failed before."""
        self._origins: dict[int, tuple[object, int | None]] = {}
        """By its id, what was sent, set or begun, and in which step; kept, so that the id is."""
        self._work: WeakKeyDictionary[Cell, set[Any]] = WeakKeyDictionary()
        """The slow work that each actor was seen to have under way."""

    def heard(self, stream: str, candidates: Sequence[Any], index: int) -> None:
        """A choice that is not plain."""
        sim = self._simulation
        place = len(sim.choices.taken[stream]) - 1
        if stream == ACTORS:
            passed = [cell.path for cell in candidates[:index]]
            self._overtook = f"overtook {_list(passed)} (choice {stream}:{place}={index})"
            return
        passed = [sim.label(task) for task in candidates[:index] if task.name not in TRIOS_OWN]
        if not passed:
            return
        words = f"{sim.label(candidates[index])} overtook {_list(passed)}"
        line = f"{words} (choice {stream}:{place}={index})"
        self.overtakings.append((sim.trace.steps, sim.monotonic(), line))

    def turned(self, cell: Cell, ready: Iterable[Cell]) -> None:
        """`cell` has its turn now, before the others that are ready."""
        for each in (cell, *ready):
            self._look(each)
        step, now = self._simulation.trace.steps, self._simulation.monotonic()
        self._fail(cell)
        envelope = cell.inbox[0] if cell.inbox else None
        told, kind = _told(cell, envelope)
        _, cause = self._origins.pop(id(envelope), _NOWHERE)
        sender = None if envelope is None else envelope[2]
        turn = self.turns[step] = Turn(
            step=step,
            second=now,
            node=self._simulation.host_of(),
            path=cell.path,
            pool=None if cell.key is None else cell.parent.path,
            what=_name(told, kind),
            text="" if kind == "signal" else brief(told),
            kind=kind,
            asked=envelope is not None and envelope[1] is not None,
            sender="" if sender is None else sender.path,
            cause=cause,
            waited=0.0 if envelope is None else max(0.0, now - envelope[5]),
            queued=max(0, len(cell.inbox or ()) - 1),
            first="" if kind == "signal" else _asked_first(cell),
            overtook=self._overtook,
        )
        self._overtook = ""
        self._last[cell] = (turn, cell.failed)

    def _look(self, cell: Cell) -> None:
        """What is new since the last turn, the last turn of its sender has done."""
        step = self._step(cell)
        begun = self._work.setdefault(cell, set())
        over = begun - (cell.pipes or set())
        unseen = lambda envelope: id(envelope) not in self._origins  # noqa: E731 - a line
        new = list(itertools.takewhile(unseen, reversed(cell.inbox or ())))
        ended = sum(type(envelope[0]) is Piped for envelope in new)
        for envelope in new:
            match envelope[0]:
                case TimerFired() as fired:
                    _, cause = self._origins.pop(id(fired), (fired, step))
                case Piped() if not over:  # begun in the last turn, and over already
                    cause = step
                case Piped():  # of several that ended at once, nobody knows which it was
                    cause = (
                        self._origins[id(next(iter(over)))][1] if len(over) == ended == 1 else None
                    )
                case _ActorStop():  # by the actor itself or from above: it does not say
                    cause = None
                case _:
                    cause = None if envelope[2] is None else self._step(envelope[2])
            self._origins[id(envelope)] = (envelope, cause)
        for scope in over:
            del self._origins[id(scope)]
        begun -= over
        timers = [fired for fired, _ in (cell.timers or {}).values() if fired.live]
        for begins in (*timers, *(cell.pipes or ())):
            self._origins.setdefault(id(begins), (begins, step))
        begun.update(cell.pipes or ())

    def _step(self, cell: Cell) -> int | None:
        last = self._last.get(cell)
        return None if last is None else last[0].step

    def _fail(self, cell: Cell) -> None:
        turn, failed = self._last.get(cell, (None, 0))
        if turn is not None and cell.failed > failed:
            turn.error = _ADDRESS.sub("", cell.last_error or "failed")

    def end(self) -> None:
        """The run is over: who failed in his last turn?"""
        for cell in list(self._last):
            self._fail(cell)


def _asked_first(cell: Cell) -> str:
    """What supervision asked; done before the message of this turn."""
    if not cell.signals:
        return ""
    signal = cell.signals[0]
    return _STARTS.get(cell.state, "start") if signal is Signal.START else signal.value


def _told(cell: Cell, envelope: Envelope | None) -> tuple[object, str]:
    if envelope is None:
        return _asked_first(cell) or _STARTS.get(cell.state, "goes on"), "signal"
    match envelope[0]:
        case TimerFired() as fired:
            return fired.message, "timer"
        case _ActorStop():
            return "stop", "signal"
        case Piped() as piped:
            return (piped.result if piped.error is None else piped.error), "piped"
        case Coalesced(key=key) if cell.latest is not None and key in cell.latest:
            return cell.latest[key][0], "message"
        case message:
            return message, "message"


def _name(told: object, kind: str) -> str:
    if isinstance(told, str):
        return told if kind == "signal" else brief(told)
    if type(told).__module__ == "builtins" and not isinstance(told, BaseException):
        return brief(told)
    return type(told).__name__


def brief(value: object, depth: int = 0) -> str:
    """`value` in words that are the same in every process: no addresses, no order of a set."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if is_dataclass(value) and not isinstance(value, type):
        shown = (
            [f"{each.name}={brief(getattr(value, each.name), depth + 1)}" for each in fields(value)]
            if depth < DEPTH_MAX
            else ["..."]
        )
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, tuple | list):
        items = [brief(item, depth + 1) for item in value[:ITEMS_MAX]] if depth < DEPTH_MAX else []
        more = [f"{len(value) - len(items)} more"] if len(value) > len(items) else []
        return f"[{', '.join([*items, *more])}]"
    if isinstance(value, dict | set | frozenset):
        return f"{type(value).__name__} of {len(value)}"
    if callable(value) or type(value).__repr__ is object.__repr__:
        return type(value).__name__
    text = _ADDRESS.sub("", repr(value))
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}..."


def _list(passed: Sequence[str]) -> str:
    return passed[0] + (f" and {len(passed) - 1} more" if len(passed) > 1 else "")
