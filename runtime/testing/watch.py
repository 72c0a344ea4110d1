"""Sees every step of a run: writes the trace, knows whose task runs, and crashes who is to die."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import trio

from runtime.cell import Cell, current_worker
from runtime.lifecycle import kill
from runtime.testing.fence import collect
from runtime.testing.node import Crash, Life
from runtime.testing.waiting import TRIOS_OWN

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Look(trio.abc.Instrument):
    """Checks the rules after every step, and collects the garbage after the same ones always."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._steps = 0

    def after_task_step(self, _: trio.lowlevel.Task) -> None:
        self._look()
        self._steps += 1
        collect(self._steps)


class CrashedError(Exception):
    """An actor was killed in the middle of its work, as the plan says."""


class Watch(trio.abc.Instrument):
    """Writes each step; kills the actors of `crashes` at theirs and tells `on_crash` before.

    A step of an actor is a message that it is about to begin, or to go on with after it waited.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        crashes: Sequence[Crash],
        *,
        on_crash: Callable[[Crash], None],
    ) -> None:
        self.actor_steps: Counter[str] = Counter()
        """By path, over all incarnations, and over all systems that have such an actor."""
        self._write = write
        self._crashes = frozenset(crashes)
        self._on_crash = on_crash
        self._tasks: dict[trio.lowlevel.Task, tuple[str, Life | None]] = {}
        self._count = 0

    def life_of(self, task: trio.lowlevel.Task) -> Life | None:
        """Whose life a task is part of: that of the task which started it."""
        known = self._tasks.get(task)
        return None if known is None else known[1]

    def label_of(self, task: trio.lowlevel.Task) -> str:
        """What the trace calls `task`, without the word `step`."""
        label, _ = self._tasks.get(task, ("", None))
        return label.replace("step", "task", 1) or "a task of trio"

    def enter(self, life: Life) -> None:
        """From here on, this task and what it starts are part of `life`."""
        task = trio.lowlevel.current_task()
        self._tasks[task] = (self._tasks[task][0], life)

    def turn(self, cell: Cell) -> None:
        """An actor is about to begin with a message."""
        self._step_of(cell)

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        if task.name in TRIOS_OWN:
            self._tasks[task] = ("", None)
            return
        nursery = task.parent_nursery
        life = None if nursery is None else self.life_of(nursery.parent_task)
        if life is None and (starter := _running()) is not None:
            life = self.life_of(starter)  # a system task belongs to whoever started it
        self._count += 1
        name = _ADDRESS.sub("", task.name).rpartition(".")[2]
        self._tasks[task] = (f"step {self._count} {name}", life)

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        del self._tasks[task]

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        label, life = self._tasks[task]
        if label:
            self._write(label)
        if life is not None:
            life.step()
        worker = task.context.get(current_worker)
        if worker is not None and worker.task is task:
            cell = getattr(worker, "cell", None)  # a worker that has just begun has none
            if cell is not None and cell.suspended and cell.worker is worker:
                self._step_of(cell)

    def _step_of(self, cell: Cell) -> None:
        path = cell.path
        self.actor_steps[path] += 1
        if self._crashes:
            crash = Crash(path, self.actor_steps[path])
            if crash in self._crashes:
                self._on_crash(crash)
                kill(cell, CrashedError(f"{path} was killed at step {crash.step}"))


def _running() -> trio.lowlevel.Task | None:
    """The task that runs now; None between tasks."""
    try:
        return trio.lowlevel.current_task()
    except RuntimeError:
        return None
