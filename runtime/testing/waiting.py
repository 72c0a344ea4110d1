"""Who waits where: every task that is blocked, and every actor whose handler is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import trio
from trio._core import _run as trio_run

from runtime.cell import Cell
from runtime.worker import Worker

_TRIO = str(Path(trio.__file__).parent)
_RUNTIME = str(Path(__file__).parent.parent)
TRIOS_OWN = ("<TrioToken.run_sync_soon task>", "<init>")
"""The names of tasks that trio starts for itself."""
TASKS_MAX = 50
"""More than this would not be read."""


def waiting() -> str:
    """A line for each blocked task of the running trio: what it is, and where it waits."""
    lines = [line for task in _tasks() if (line := _line(task)) is not None]
    if len(lines) > TASKS_MAX:
        lines[TASKS_MAX:] = [f"... and {len(lines) - TASKS_MAX} tasks more"]
    return "\n".join(f"  {line}" for line in lines)


def _tasks() -> Iterator[trio.lowlevel.Task]:
    root = trio.lowlevel.current_root_task()
    found = [root] if root is not None else []
    while found:
        task = found.pop()
        yield task
        for nursery in task.child_nurseries:
            # By name: trio keeps them in a set, whose order differs from run to run.
            found.extend(sorted(nursery.child_tasks, key=lambda child: child.name, reverse=True))


def runnable(most: int) -> list[str]:
    """Who could go on now, and where: a line for each task, `most` of them at most."""
    tasks = trio_run.GLOBAL_RUN_CONTEXT.runner.runq
    return sorted(_line(task) or f"task {task.name}" for task in tasks)[:most]


def leaves() -> list[trio.lowlevel.Task]:
    """The blocked tasks below the main one that wait for no other task, outermost first."""
    main = trio.lowlevel.current_root_task()
    return [
        task
        for task in _tasks()
        if not any(nursery.child_tasks for nursery in task.child_nurseries)
        and task.name not in TRIOS_OWN
        and task is not main
    ]


def _line(task: trio.lowlevel.Task) -> str | None:
    frames = list(_frames(task))
    cell = _handled(frames)
    ours = [frame for frame, _ in frames if not frame.f_code.co_filename.startswith(_TRIO)]
    if cell is not None:
        last = next((frame for frame in reversed(ours) if not _is_runtime(frame)), ours[-1])
        asks = f", waiting for {cell.waits_on.path}" if cell.waits_on is not None else ""
        told = "" if cell.current is None else f" handling {type(cell.current[0]).__name__}"
        return f"actor {cell.path}{told}{asks}: {_place(last)}"
    if not ours or all(_is_runtime(frame) for frame in ours):
        return None  # a worker at rest, the timers: no news
    return f"task {task.name}: {_place(ours[-1])}"


def _frames(task: trio.lowlevel.Task) -> Iterator[tuple[FrameType, int]]:
    """The frames of a task from the outside in, through the handler that a worker runs."""
    last = None
    for last, line in task.iter_await_frames():
        yield last, line
    while last is not None and (handler := last.f_locals.get("handler")) is not None:
        last = None
        while (frame := _either(handler, "cr_frame", "gi_frame")) is not None:
            last = frame
            yield last, last.f_lineno
            handler = _either(handler, "cr_await", "gi_yieldfrom")


def _either(awaited: object, of_coroutine: str, of_generator: str) -> Any:
    """What is told of whatever is awaited, which may be a generator (`runtime.worker.forward`)."""
    return getattr(awaited, of_coroutine, None) or getattr(awaited, of_generator, None)


def _handled(frames: list[tuple[FrameType, int]]) -> Cell | None:
    for frame, _ in frames:
        worker: Any = frame.f_locals.get("worker")
        if isinstance(worker, Worker) and frame.f_code.co_name == "_go_on":
            return worker.cell
    return None


def _is_runtime(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_RUNTIME)


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{frame.f_lineno} in {frame.f_code.co_qualname}"
