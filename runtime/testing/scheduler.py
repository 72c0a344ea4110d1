"""Who goes next: a seeded scheduler for trio's tasks and for the actors that are ready.

Trio steps every runnable task once per pass, in an order of luck. That never lets one task lag
behind the others, so whole classes of races cannot happen (a slow payer overtaken by his own
watchdog: 0 of 1,000 seeds). Hence a portfolio, of which each seed is given one:

- `fifo`: the longest waiting first; the plain run.
- `shuffle`: as trio does it: everybody once per pass, in random order.
- `walk`: one step at a time, of whoever luck picks.
- `pct:D`: one step at a time of whoever has the highest priority; priorities are luck, and at
  D - 1 moments in every `HORIZON_STEPS` the running one falls below all others (Burckhardt et
  al., ASPLOS 2010: finds a bug of depth D among n tasks within k steps with a probability of
  at least 1 / (n * k ** (D - 1)) a run).
"""

from __future__ import annotations

import functools
import random
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import trio
import trio.testing
from trio._core import _run as trio_run

from runtime.message import Piped, TimerFired
from runtime.testing.choices import Choices
from runtime.testing.clock import stop_listening
from runtime.testing.content import content_of

if TYPE_CHECKING:
    from runtime.cell import Cell

PORTFOLIO = ("shuffle", "walk", "pct:2", "pct:3")
"""What seeds are given in turn."""
HORIZON_STEPS = 200
ALONE_STEPS_MAX = 500
"""A task that spins in a loop of checkpoints keeps the others waiting no longer than this."""
CANDIDATES_MAX = 64
"""Actors among which the next one is chosen, from the front of the queue."""

TASKS, ACTORS = "tasks", "actors"


def scheduler_of(seed: int) -> str:
    """The member of the portfolio that `seed` is given."""
    return PORTFOLIO[seed % len(PORTFOLIO)]


Pick = Callable[[Sequence[Any]], int]
"""Answers the index of whoever goes next; candidates come in the order of their waiting."""


class Scheduler:
    """One named scheduler with its own luck; every choice goes through `choices`.

    Raises `ValueError` for a name that is none.
    """

    def __init__(self, name: str, *, luck: random.Random, choices: Choices) -> None:
        self.name = name
        self.choices = choices
        kind, colon, depth = name.partition(":")
        picks: dict[str, Callable[[], Pick]] = {
            "fifo": lambda: _first,
            "shuffle": lambda: functools.partial(_anybody, luck),
            "walk": lambda: functools.partial(_anybody, luck),
            "pct": lambda: _Priorities(luck, int(depth or 3)),
        }
        deep = depth.isdecimal() and int(depth) > 0
        if kind not in picks or (colon and not (kind == "pct" and deep)):
            msg = f"no scheduler {name!r}; there are fifo, shuffle, walk and pct:DEPTH"
            raise ValueError(msg)
        self._picks = {stream: picks[kind]() for stream in (TASKS, ACTORS)}
        self.in_step = kind in ("fifo", "shuffle")
        """Everybody who can run steps once before anybody steps again."""
        self.heard: Callable[[str, Sequence[Any], int], None] | None = None
        """Told of each choice that is not plain: the stream, the candidates and the index."""
        self.turned: Callable[[Cell, Sequence[Cell]], None] | None = None
        """Told of each turn of an actor before it, with the others that are ready."""

    def choose(self, stream: str, candidates: Sequence[Any]) -> int:
        """The index of whoever goes next."""
        if len(candidates) == 1:
            return 0
        pick = self._picks[stream]
        index = self.choices.take(stream, len(candidates), lambda: pick(candidates))
        if index and self.heard is not None:
            self.heard(stream, candidates, index)
        return index

    def installed(self) -> AbstractContextManager[None]:
        """Let this scheduler order the tasks of the next `trio.run` of this thread."""
        return shuffled_by(_TaskOrder(self))

    def ready_queue(
        self, note: Callable[[str, bytes], None], turn: Callable[[Cell], None] | None = None
    ) -> Callable[[], deque[Cell]]:
        """What `Dispatch.ready` makes: queues of ready actors that are taken as chosen here.

        `turn` is told of each that was taken.
        """
        return functools.partial(_Ready, self, note, turn)


@contextmanager
def shuffled_by(luck: random.Random) -> Iterator[None]:
    """Let `luck` order the tasks of the next `trio.run` of this thread, pass by pass.

    That is how trio orders them, in a repeatable way.
    """
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING  # noqa: SLF001 - no public hook: python-trio/trio#2675
    trio_run._r = luck  # noqa: SLF001
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]  # noqa: SLF001
    try:
        yield
    finally:
        trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]  # noqa: SLF001


def _first(_candidates: Sequence[Any]) -> int:
    return 0


def _anybody(luck: random.Random, candidates: Sequence[Any]) -> int:
    return int(luck.random() * len(candidates))


class _Priorities:
    """Probabilistic concurrency testing, bounded so that nobody starves for ever."""

    def __init__(self, luck: random.Random, depth: int) -> None:
        self._luck = luck
        self._depth = depth
        self._of: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._steps = 0
        self._lowest = 0.0
        self._changes: list[int] = []
        self._last: weakref.ref[Any] | None = None
        self._alone = 0

    def __call__(self, candidates: Sequence[Any]) -> int:
        for candidate in candidates:
            if candidate not in self._of:
                self._of[candidate] = 1.0 + self._luck.random()
        chosen = max(range(len(candidates)), key=lambda place: self._of[candidates[place]])
        if self._falls(candidates[chosen]):
            self._lowest -= 1.0
            self._of[candidates[chosen]] = self._lowest
        return chosen

    def _falls(self, running: Any) -> bool:
        """Whether the one that runs now falls below all others after this step."""
        if self._steps % HORIZON_STEPS == 0:
            changes = (self._luck.randrange(HORIZON_STEPS) for _ in range(self._depth - 1))
            self._changes = sorted((self._steps + change for change in changes), reverse=True)
        same = self._last is not None and self._last() is running
        self._alone = self._alone + 1 if same else 0
        self._last = weakref.ref(running)
        falls = self._alone >= ALONE_STEPS_MAX
        while self._changes and self._changes[-1] <= self._steps:
            self._changes.pop()
            falls = True
        self._steps += 1
        return falls


class _TaskOrder(random.Random):
    """Stands where trio keeps its luck; `shuffle` is how trio orders the tasks of a pass."""

    def __new__(cls, _scheduler: Scheduler) -> _TaskOrder:  # noqa: PYI034 - random.Random is final about its arguments
        return super().__new__(cls)

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(0)
        self._scheduler = scheduler
        self._waiting: dict[trio.lowlevel.Task, None] = {}
        """Who can run and has not been let, the longest waiting first."""

    def shuffle(self, x: Any) -> None:
        """Order a pass; trio has sorted it by age, and steps it from its end."""
        batch: list[trio.lowlevel.Task] = x
        if self._scheduler.in_step:
            left, batch[:] = batch[:], []
            while left:
                batch.append(left.pop(self._scheduler.choose(TASKS, left)))
            batch.reverse()
        elif batch:
            self._waiting.update(dict.fromkeys(batch))
            waiting = list(self._waiting)
            chosen = waiting[self._scheduler.choose(TASKS, waiting)]
            del self._waiting[chosen]
            # The others stay runnable, and are chosen from again in the next pass.
            trio_run.GLOBAL_RUN_CONTEXT.runner.runq.extend(self._waiting)
            batch[:] = [chosen]


def told_of(cell: Cell) -> str:
    """What an actor takes up next, by its type: also that of what a timer or slow work brings."""
    if not cell.inbox:
        return "-"
    told: Any = cell.inbox[0][0]
    kind = type(told)
    if kind is TimerFired:
        return f"TimerFired {type(told.message).__name__}"
    if kind is Piped:
        ended = told.result if told.error is None else told.error
        return f"Piped {type(ended).__name__}"
    return kind.__name__


def _inner(told: Any) -> object:
    """The message itself, or what slow work has made, out of what carries it."""
    kind = type(told)
    if kind is TimerFired:
        return told.message
    if kind is Piped:
        return told.result if told.error is None else told.error
    return told


class _Ready(deque["Cell"]):
    """Actors that are ready, of which the scheduler says who has the next turn."""

    def __init__(
        self,
        scheduler: Scheduler,
        note: Callable[[str, bytes], None],
        turn: Callable[[Cell], None] | None,
    ) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._note = note
        self._turn = turn

    def popleft(self) -> Cell:
        """The chosen one, not the first."""
        if len(self) > 1:
            candidates = [self[place] for place in range(min(len(self), CANDIDATES_MAX))]
            chosen = self._scheduler.choose(ACTORS, candidates)
            cell = candidates[chosen]
            del self[chosen]
        else:
            cell = super().popleft()
        if self._scheduler.turned is not None:
            self._scheduler.turned(cell, self)
        told = cell.inbox[0][0] if cell.inbox else None
        self._note(f"actor {cell.path} {told_of(cell)}", content_of(_inner(told)))
        if self._turn is not None:
            self._turn(cell)
        return cell


@functools.cache
def check_trio() -> None:
    """Prove that the installed trio obeys. Raises `RuntimeError` if it has changed.

    There is no public way to order trio's tasks; the names of its insides used here and in
    `clock` (`_r`, `_ALLOW_DETERMINISTIC_SCHEDULING`, the runner's `runq`, `waiting_for_idle` and
    `io_manager`) are tried once in every process.
    """
    if _sorted() != ["old", "young"]:
        msg = f"trio {trio.__version__} does not sort by age the tasks that a pass begins with"
        raise RuntimeError(msg)
    for wanted in ("fifo", "walk"):
        told = _orders(wanted)
        if told[0] != told[1] or (wanted == "walk" and told[0] == told[2]):
            msg = (
                f"trio {trio.__version__} does not let a scheduler order its tasks any more "
                f"({wanted}: {told}); simulations would not be repeatable"
            )
            raise RuntimeError(msg)


def _sorted() -> list[str]:
    """Who steps first, where the younger was woken first: trio wakes in the order of sets."""
    told: list[str] = []
    tasks: list[trio.lowlevel.Task] = []

    async def wait(who: str) -> None:
        tasks.append(trio.lowlevel.current_task())
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        told.append(who)

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            for who in ("old", "young"):
                nursery.start_soon(wait, who)
                await trio.testing.wait_all_tasks_blocked()
            for task in reversed(tasks):
                trio.lowlevel.reschedule(task)

    with Scheduler("fifo", luck=random.Random(0), choices=Choices()).installed():  # noqa: S311 - as below
        trio.run(both)
    return told


def _orders(name: str) -> list[str]:
    """Who stepped when, in three runs: two of one seed, one of another."""
    return [_order(name, seed) for seed in (1, 1, 2)]


def _order(name: str, seed: int) -> str:
    told: list[str] = []

    async def step(who: str) -> None:
        for _ in range(4):
            told.append(who)
            await trio.lowlevel.checkpoint()

    async def everybody() -> None:
        assert not trio_run.GLOBAL_RUN_CONTEXT.runner.waiting_for_idle
        stop_listening()
        async with trio.open_nursery() as nursery:
            for who in "abcdef":
                nursery.start_soon(step, who)

    scheduler = Scheduler(name, luck=random.Random(seed), choices=Choices())  # noqa: S311 - repeatable
    with scheduler.installed():
        trio.run(everybody)
    return "".join(told)
