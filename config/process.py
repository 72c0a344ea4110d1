"""The life of the process: signals, drain, exit statuses, and the words for what cannot start."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

import structlog
import trio
from rich.console import Console

from adapters.http.listening import CannotListen
from runtime import SupervisionError, Unrecoverable

SIGNALS = (signal.SIGINT, signal.SIGTERM)
DONE = 0
FAILED = 1
REFUSED = 2
"""Exit status: the environment or the machine does not allow it; the text says what to do."""
INTERRUPTED = 128 + signal.SIGINT
UNHEARD = 128 + signal.SIGPIPE
"""Exit status: whoever read our output went away."""

YOUNG_OBJECTS_MAX = 20_000
"""So many new objects that hold others let the collector look at the young ones; 700 is Python's
default. An actor lives on messages, which need no collector: under a burst of webhooks it took a
tenth of the processor's time at 700, and hardly any at this. 20,000 objects take about 5 MB."""

SWITCH_SECONDS = 0.0005
"""How long one thread may keep the interpreter from another that wants it; Python's default is ten
times that. The writer's thread wants it a few times for each commit, only for a moment, and while
it waits so do all whose webhooks it is storing: at the default a burst of them takes half as long
again."""

log = structlog.get_logger("process")


class Life:
    """What the first signal cuts short: the start while it lasts, then the service; no drain."""

    def __init__(self) -> None:
        self.ended = False
        """A signal came."""
        self._start, self._service = trio.CancelScope(), trio.CancelScope()
        self._serves = False

    def starting(self) -> trio.CancelScope:
        """Around everything. What is cut short here has served nobody yet: nothing drains."""
        return self._start

    def serving(self) -> trio.CancelScope:
        """Around the service; what comes after it in the same block is the drain."""
        self._serves = True
        return self._service

    def end(self) -> None:
        """A signal has come."""
        self.ended = True
        (self._service if self._serves else self._start).cancel()


def keep_what_is_up() -> None:
    """What the start has made stays to the end: the collector is to pass over it from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, *gc.get_threshold()[1:])


def share_the_interpreter() -> None:
    """Let the threads that wait for the database have their short turns at once."""
    sys.setswitchinterval(SWITCH_SECONDS)


def heed_signals() -> None:
    """From here on signals are answered, also one that came while they were held (`main.py`)."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


async def until_signalled(serve: Callable[[Life], Awaitable[None]]) -> None:
    """Run `serve(life)` until it is done; the first signal ends its life, the second the process.

    Signals that were held until now count. An error of `serve` comes out as it is, in no group.
    """
    life = Life()
    with trio.open_signal_receiver(*SIGNALS) as signals:
        heed_signals()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_listen, signals, life)
                with life.starting():
                    await serve(life)
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            _raise_only(group)


async def _listen(signals: AsyncIterator[int], life: Life) -> None:
    async for number in signals:
        name = signal.Signals(number).name
        if life.ended:
            log.warning("process.ended", signal=name)
            sys.stderr.flush()
            os._exit(128 + number)
        log.info("process.draining", signal=name, hint="again to end at once")
        life.end()


def _raise_only(group: BaseExceptionGroup[BaseException]) -> NoReturn:
    """The one error in these groups, with its cause; the groups themselves if there are more."""
    only: BaseException = group
    while isinstance(only, BaseExceptionGroup) and len(only.exceptions) == 1:
        only = only.exceptions[0]
    raise only from only.__cause__


def verdict(failure: CannotListen | SupervisionError) -> tuple[int, str]:
    """The exit status of a system that cannot go on, and what to tell whoever started it."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, CannotListen | Unrecoverable):
            return REFUSED, str(cause)
        cause = cause.__cause__
    last = failure.__cause__
    return FAILED, f"{failure}: {last!r}" if last is not None else str(failure)


class Terminal(Console):
    """A console that leaves it to `main` what happens when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Raise the `BrokenPipeError` that is being handled; rich would exit with 1."""
        raise  # noqa: PLE0704 - rich calls this while it handles one


def stop_talking() -> int:
    """The exit status when our reader is gone; what is still buffered goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return UNHEARD
