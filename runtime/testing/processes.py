"""Work handed to fresh processes, one piece at a time to each; one that dies is an error, no hang.

`multiprocessing.Pool` waits for ever for the answer of a process that was killed, and takes all
the pieces in at once, however many there are.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection, wait
from multiprocessing.resource_tracker import ensure_running
from typing import Generic, TypeVar, cast

P = TypeVar("P")
R = TypeVar("R")

DEATH_SECONDS = 10.0
"""How long a process that has closed its end may take to be gone."""


class WorkerDiedError(RuntimeError):
    """A process ended in the middle of its work."""

    def __init__(self, piece: object, status: int | None) -> None:
        super().__init__(f"a process died (exit status {status}) at its work on {piece}")
        self.piece = piece
        self.status = status
        """Its exit status; negative for the number of a signal."""


def in_processes(
    work: Callable[[P], R],
    pieces: Iterable[P],
    *,
    jobs: int,
    warm_up: Callable[[], None] | None = None,
) -> Generator[R]:
    """What `work` makes of every piece, as it comes in, by `jobs` processes started afresh.

    `work`, `warm_up` (called once in each process) and the pieces travel by pickle. A piece is
    taken only when a process is free for it, so there may be infinitely many. Closing this
    iterator kills the processes. They do not hear Ctrl-C: it is the caller's. Raises
    `WorkerDiedError`; the traceback of an error in `work` is on stderr by then.
    """
    left = iter(pieces)
    busy: dict[Connection, _Worker[P, R]] = {}
    try:
        for piece in itertools.islice(left, jobs):
            worker = _Worker(work, warm_up)
            busy[worker.connection] = worker
            worker.give(piece)
        while busy:
            for connection in wait(list(busy)):
                worker = busy[cast("Connection", connection)]
                answer = worker.answer()
                for piece in itertools.islice(left, 1):
                    worker.give(piece)
                    break
                else:
                    busy.pop(worker.connection).kill()
                yield answer
    finally:
        for worker in busy.values():
            worker.kill()


class _Worker(Generic[P, R]):
    """One process, and the piece that it has."""

    def __init__(self, work: Callable[[P], R], warm_up: Callable[[], None] | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, warm_up), daemon=True)
        ensure_running()  # it lets signals through again, so it must not begin with our first child
        # Blocked signals stay so in a child. One that came while it starts would be a traceback.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def give(self, piece: P) -> None:
        """Hand it its next piece; it has none now."""
        self._piece = piece
        try:
            self.connection.send(piece)
        except BrokenPipeError:
            raise self._died() from None

    def answer(self) -> R:
        """What it made of its piece."""
        try:
            return cast("R", self.connection.recv())
        except (EOFError, ConnectionResetError):
            raise self._died() from None

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _died(self) -> WorkerDiedError:
        self._process.join(DEATH_SECONDS)
        return WorkerDiedError(self._piece, self._process.exitcode)


def _serve(
    connection: Connection, work: Callable[[P], R], warm_up: Callable[[], None] | None
) -> None:
    if warm_up is not None:
        warm_up()
    while True:
        try:
            piece = connection.recv()
        except EOFError:
            return  # whoever started us is gone
        made = work(piece)
        try:
            connection.send(made)
        except BrokenPipeError:
            return  # as above
