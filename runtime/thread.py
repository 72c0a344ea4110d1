"""The thread of a blocking actor: jobs go over one way, results come back in one wake-up.

Only hooks and handlers run here; the actor's life is decided on the trio thread as everybody's.
"""

from __future__ import annotations

import threading
from contextvars import Context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import outcome
import trio

from runtime.cell import Cell, Envelope, current_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.future import Future
    from runtime.system import ActorSystem

Answer = tuple["Future[Any]", Any, "BaseException | None"]
"""(future, value, error): given in a thread, for trio's to deliver."""


class Job:
    """One call in the actor's thread, and the task that waits for it."""

    __slots__ = ("args", "call", "result", "task")

    def __init__(self, task: trio.lowlevel.Task, call: Callable[..., Any], args: Any) -> None:
        self.task: trio.lowlevel.Task | None = task
        self.call = call
        self.args = args
        self.result: outcome.Outcome[Any] | None = None


class ActorThread:
    """The thread of one incarnation."""

    def __init__(self, system: ActorSystem, cell: Cell) -> None:
        self._system = system
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._answers: list[Answer] = []
        self.worker = InThread(cell)
        self._thread = threading.Thread(
            target=Context().run, args=(self._serve,), name=cell.path, daemon=True
        )
        self._thread.start()

    async def call(self, call: Callable[..., Any], *args: object) -> Any:
        """Run `call` in the thread. Cancelled, it goes on unheard: threads cannot be killed."""
        job = Job(trio.lowlevel.current_task(), call, args)

        def abort(_: object) -> trio.lowlevel.Abort:
            job.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        self._jobs.put(job)
        return await trio.lowlevel.wait_task_rescheduled(abort)

    def close(self) -> None:
        """End the thread when it is done with its message; what it still has is written off."""
        self.worker.closed = True
        self._jobs.put(None)

    def holds(self, future: Future[Any], value: object, error: BaseException | None) -> bool:
        """Keep an answer that is given in the thread until its batch goes back."""
        if threading.current_thread() is not self._thread:
            return False
        self._answers.append((future, value, error))
        return True

    def _serve(self) -> None:
        current_worker.set(self.worker)  # type: ignore[arg-type]  # the part of a worker that references look at
        while (job := self._jobs.get()) is not None:
            job.result = outcome.capture(job.call, *job.args)
            answers, self._answers = self._answers, []
            self._system.enter(self._deliver, job, answers)

    def _deliver(self, job: Job, answers: list[Answer]) -> None:
        _give(answers)
        if job.task is not None:
            assert job.result is not None
            trio.lowlevel.reschedule(job.task, job.result)


class InlineThread:
    """A thread that is played on trio's own, for virtual time: it takes as long as chance says.

    Whoever calls waits, as for a thread; then the job is done in one step.
    """

    def __init__(self, cell: Cell) -> None:
        self._seconds = cell.system.world.thread_seconds
        self._answers: list[Answer] | None = None
        """Given while a job runs; None while none does."""
        self._context = Context()
        self.worker = InThread(cell)
        self._context.run(current_worker.set, self.worker)  # type: ignore[arg-type]  # as above

    async def call(self, call: Callable[..., Any], *args: object) -> Any:
        """Do `call` after a while. Cancelled, it is not done at all."""
        await trio.sleep(self._seconds())
        self._answers = []
        result = outcome.capture(self._context.run, call, *args)
        answers, self._answers = self._answers, None
        _give(answers)
        return result.unwrap()

    def close(self) -> None:
        """What it still has is written off."""
        self.worker.closed = True

    def holds(self, future: Future[Any], value: object, error: BaseException | None) -> bool:
        """Keep an answer that is given by a job until the job is done."""
        if self._answers is None:
            return False
        self._answers.append((future, value, error))
        return True


def _give(answers: list[Answer]) -> None:
    for future, value, error in answers:
        if error is None:
            future.resolve(value)
        else:
            future.fail(error)


class InThread:
    """Whose handler runs in this thread, on which message, and how many more it was given."""

    __slots__ = ("cell", "closed", "envelope", "left", "replied_later")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.envelope: Envelope | None = None
        self.left = 0
        self.replied_later = False
        self.closed = False


LATER = object()
"""The result of a handler that answers later."""
EXPIRED = object()
"""The result of a question whose asker had given up before its turn came."""


def handle(worker: InThread, batch: tuple[Envelope, ...]) -> tuple[list[Any], Exception | None]:
    """In the thread: handle one message after the other, up to the first that fails.

    Nothing is handled any more once the actor was killed: its messages have had their fate.
    """
    instance: Any = worker.cell.instance
    clock = worker.cell.system.world.monotonic
    results: list[Any] = []
    worker.left = len(batch)
    for envelope in batch:
        if worker.closed:
            break
        worker.left -= 1
        deadline = envelope[3]
        if deadline is not None and clock() >= deadline:
            results.append(EXPIRED)
            continue
        worker.envelope = envelope
        worker.replied_later = False
        handled = outcome.capture(instance._handle_receive, envelope[0])  # noqa: SLF001 - pykka's hook for new runtimes
        if isinstance(handled, outcome.Error):
            worker.left = 0
            if not isinstance(handled.error, Exception):
                raise handled.error
            return results, handled.error
        results.append(LATER if worker.replied_later else handled.unwrap())
    worker.envelope = None
    return results, None
