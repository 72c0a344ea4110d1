"""What libraries take from the machine behind our back, replaced or refused during a simulation.

Our own code asks its `World`. Libraries ask `time.monotonic` (httpcore, for idle connections),
`os.urandom` (masks, boundaries, `uuid4`, `secrets`), the module `random`, or a thread: those
answer from the simulation here. What cannot be made repeatable fails loudly at the first try:
threads, real sockets, child processes, real sleep. All that in the thread of the simulation only:
others (a progress bar, a debugger) live on in the real world. Not covered, because C code binds
them: `datetime.now()` and names bound by `from time import ...`; the run-twice check finds them
where they change what happens.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import get_ident
from typing import Any, TypeVar

import trio

from runtime.world import THREAD_SECONDS_MAX

T = TypeVar("T")

ESCAPES = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
        *("subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec"),
    }
)
"""Audit events of what no seed can repeat."""

PROXIES = tuple(
    spelled
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for spelled in (name, name.upper())
)
"""Environment variables by which a machine sends the clients on it somewhere else."""
COLLECT_EVERY_STEPS = 1_000
COLLECT_ALL_EVERY_STEPS = 50_000


class EscapeError(RuntimeError):
    """Something reached for the real world in a simulation."""


def _nobody(_: EscapeError) -> None:
    """Nobody hears of it."""


_inside = 0
"""The thread in which a simulation runs now, 0 for none; audit hooks cannot be taken away again."""
_watching = False
_uncollected = 0
"""Steps of all runs since the last time that all of the garbage was collected."""
_on_escape: Callable[[EscapeError], None] = _nobody
"""Hears of each escape that is refused."""
_for_good = False
"""Whether what is frozen for a run stays so: nobody can part it from what else was frozen."""


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _inside and event in ESCAPES and _inside == get_ident():
        _refuse(event, *args)


def _refuse_thread(thread: threading.Thread) -> None:
    _refuse("threading.Thread.start", thread.name)


def _only_here(name: str, instead: Callable[..., Any], real: Callable[..., Any]) -> Any:
    """`instead` in the thread of the simulation, `real` in all others."""
    here = get_ident()

    def either(*args: Any, **named: Any) -> Any:
        return (instead if get_ident() == here else real)(*args, **named)

    either.__name__ = name
    return either


def _refuse(what: str, *args: object) -> None:
    refused = EscapeError(f"{what}{args!r} in a simulation: the real world cannot be repeated")
    _on_escape(refused)
    raise refused


def _replaced(
    monotonic: Callable[[], float], wall: Callable[[], float], luck: random.Random
) -> list[tuple[Any, str, Callable[..., Any]]]:
    """What is taken for what of which module."""

    async def run_sync(function: Callable[..., T], *args: Any, **_: object) -> T:
        await trio.sleep(luck.random() * THREAD_SECONDS_MAX)
        return function(*args)

    return [
        (time, "monotonic", monotonic),
        (time, "monotonic_ns", lambda: round(monotonic() * 1e9)),
        (time, "time", wall),
        (time, "time_ns", lambda: round(wall() * 1e9)),
        (os, "urandom", luck.randbytes),
        (random, "_urandom", luck.randbytes),  # `secrets` and SystemRandom have bound it
        (time, "sleep", partial(_refuse, "time.sleep")),
        (threading.Thread, "start", _refuse_thread),
        (trio.to_thread, "run_sync", run_sync),
    ]


def refuse_within_trio() -> None:
    """Raise `RuntimeError` where trio runs: no simulation begins inside of another run."""
    if trio.lowlevel.in_trio_run():
        msg = "trio runs here already: start a simulation from a plain function, not a task"
        raise RuntimeError(msg)


@contextmanager
def fenced(
    *,
    monotonic: Callable[[], float],
    wall: Callable[[], float],
    luck: random.Random,
    on_escape: Callable[[EscapeError], None] = _nobody,
) -> Iterator[None]:
    """Let libraries see this time (seconds; `wall` since 1970), this luck, and no proxy.

    The garbage is collected by `collect` only: when Python does it by itself depends on all that
    was ever allocated in this process, and what is collected may act (trio closes an abandoned
    async generator in a task of its own). `on_escape` hears of each escape before it is refused:
    whoever reached for the real world may catch that. Raises `RuntimeError` inside of another one,
    and inside of a running trio, which has time and luck of its own.
    """
    global _inside, _watching, _on_escape  # noqa: PLW0603 - an audit hook is for the whole process, and for ever
    refuse_within_trio()
    if _inside:
        msg = "a simulation runs already: one at a time in a process"
        raise RuntimeError(msg)
    if not _watching:
        sys.addaudithook(_audit)
        _watching = True

    replaced = _replaced(monotonic, wall, luck)
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    state = random.getstate()
    proxies = {name: os.environ.pop(name) for name in PROXIES if name in os.environ}
    collecting = gc.isenabled()
    gc.disable()
    if _for_good:
        gc.collect()
    gc.freeze()  # what is there already is looked through once, by nobody: modules are many
    for (module, name, value), (_, _, real) in zip(replaced, before, strict=True):
        setattr(module, name, _only_here(name, value, real))
    random.seed(luck.getrandbits(64))
    _inside, _on_escape = get_ident(), on_escape
    try:
        yield
    finally:
        _inside, _on_escape = 0, _nobody
        if not _for_good:
            gc.unfreeze()
        _collect_between_runs()
        if collecting:
            gc.enable()
        os.environ.update(proxies)
        random.setstate(state)
        for module, name, value in before:
            setattr(module, name, value)


def freeze_for_good() -> None:
    """Spare the garbage collector what is there now, and at the start of each run from now on.

    For a process with much in it and many short runs, as tests are: whatever is there only for
    some of them and becomes garbage later is never collected.
    """
    global _for_good  # noqa: PLW0603 - the garbage is the whole process's
    _for_good = True
    gc.collect()
    gc.freeze()


def collect(step: int) -> None:
    """Collect the garbage of a simulation after its `step`-th step, if it is time to."""
    global _uncollected  # noqa: PLW0603 - the garbage is the whole process's
    if not step % COLLECT_ALL_EVERY_STEPS:  # whatever other runs have left: that is not repeatable
        _uncollected = 0
        gc.collect()
    elif not step % COLLECT_EVERY_STEPS:
        _uncollected += COLLECT_EVERY_STEPS
        gc.collect(1)


def _collect_between_runs() -> None:
    global _uncollected  # noqa: PLW0603 - as above
    if _uncollected >= COLLECT_ALL_EVERY_STEPS:
        _uncollected = 0
        gc.collect()
