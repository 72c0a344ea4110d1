"""A region: one actor per key, awake while it has something to do.

A key costs nothing until its first message and nothing while it sleeps; what it knows is in
its store. A session that fails comes back with its next message, after a back-off of its own:
a thousand of them that fall together never cost the region anything.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

import structlog
import trio

from runtime import lifecycle, snapshot
from runtime.address import Address
from runtime.cell import Cell, current_worker, teller
from runtime.errors import ActorDeadError
from runtime.future import Future
from runtime.intensity import Intensity
from runtime.ref import KeyedRef
from runtime.state import Signal, State
from runtime.throttle import Throttle

if TYPE_CHECKING:
    import pykka

    from runtime.address import Recipient
    from runtime.child import KeyedSpec
    from runtime.system import ActorSystem

SHOWN_MAX = 100
"""Actors of a region in a snapshot: those that need attention, then the deepest mailboxes."""
CHECKS_SPARE_MAX = 1_000
"""Cells that have gone may stand in line for their check; beyond this the line is cleared."""
EVICTION_LOOKS_MAX = 8
EVICTION_AGAIN_SECONDS = 0.1
"""When more are awake than allowed and all of them are busy."""

log = structlog.get_logger("runtime.region")


class Region:
    """The actors of one kind, by key."""

    def __init__(self, system: ActorSystem, parent_path: str, spec: KeyedSpec) -> None:
        self.system = system
        self.spec = spec
        self.name = spec.name
        self.path = f"{parent_path}/{spec.name}"
        self.closing = False
        self._cells: dict[Any, Cell] = {}
        self._checks: deque[tuple[float, Cell]] = deque()
        """(when to look whether it idles, cell): each awake cell stands here exactly once."""
        self._sweep: list[Any] | None = None
        self._eviction: list[Any] | None = None
        self._voice = Throttle(system.world)
        self._handled = self._failed = 0
        """Of the cells that have gone to sleep."""

    # For those who write to the region

    def tell(self, key: object, message: object) -> None:
        """Tell the actor of `key`, which wakes up for it; refusals as for `ActorRef.tell`."""
        if get_ident() != self.system.thread_id:
            self.enter(key, message)
            return
        cell = self.cell(key)
        if not cell.accept(message) and current_worker.get() is None:
            raise cell.refuse_caller()

    def enter(
        self,
        key: object,
        message: object,
        reply_to: Future[Any] | None = None,
        deadline: float | None = None,
    ) -> None:
        """From another thread: tell or ask the actor of `key`, whose cell is looked up here."""
        sender, correlation = teller()
        told = (message, reply_to, sender, deadline, correlation)
        if not self.system.enter(self._accept_from_thread, key, *told) and reply_to is not None:
            reply_to.fail(ActorDeadError(f"{self.path} not found"))

    def _accept_from_thread(self, key: object, *told: Any) -> None:
        self.cell(key).accept_from_thread(*told)

    def ref(self, key: object) -> KeyedRef[Any]:
        """A reference that is good for ever."""
        return KeyedRef(self, key)

    def by(self, key_of: Callable[[Any], object]) -> Recipient[Any]:
        """A recipient for the event stream: each event goes to the actor of `key_of(event)`."""
        return _ByKey(self, key_of)

    def address(self, key: object) -> Address:
        """The address of a key."""
        return Address(self.path, key)

    def cell(self, key: object) -> Cell:
        """The cell of a key, made when it is needed."""
        cell = self._cells.get(key)
        if cell is None:
            cell = Cell(self.system, self, str(key), key)
            cell.state = State.DORMANT
            cell.closing = self.closing
            if not self.closing:
                self._cells[key] = cell
                self._check_later(cell)
                if len(self._cells) > self.spec.awake_max:
                    self._evict()
        return cell

    @property
    def awake(self) -> int:
        """Cells in memory."""
        return len(self._cells)

    def cells(self) -> tuple[Cell, ...]:
        """Those in memory, for whoever counts."""
        return tuple(self._cells.values())

    # Sleep

    def _check_later(self, cell: Cell) -> None:
        when = self.system.world.monotonic() + self.spec.idle_seconds
        if len(self._checks) > 2 * len(self._cells) + CHECKS_SPARE_MAX:
            alive = (check for check in self._checks if check[1].state is not State.STOPPED)
            self._checks = deque(alive)
        self._checks.append((when, cell))
        if self._sweep is None:
            self._sweep = self.system.timers.call_at(when, self._look)

    def _look(self) -> None:
        """Send to sleep whoever has been idle long enough; look at the others again later."""
        self._sweep = None
        now = self.system.world.monotonic()
        idle = self.spec.idle_seconds
        while self._checks and self._checks[0][0] <= now:
            _, cell = self._checks.popleft()
            if cell.state is State.STOPPED:
                continue
            if not cell.scheduled and cell.last_active + idle <= now:
                cell.signal(Signal.SLEEP)
                self._checks.append((now + idle, cell))
            else:
                self._checks.append((max(cell.last_active + idle, now + idle / 8), cell))
        if self._checks:
            when = max(self._checks[0][0], now + idle / 64)
            self._sweep = self.system.timers.call_at(when, self._look)

    def _evict(self) -> None:
        """Too many are awake: those among the oldest that idle longest sleep early."""
        excess = len(self._cells) - self.spec.awake_max
        if excess <= EVICTION_LOOKS_MAX:
            self._put_to_sleep(excess, EVICTION_LOOKS_MAX)
        if excess > 1 and self._eviction is None:
            when = self.system.world.monotonic() + EVICTION_AGAIN_SECONDS
            self._eviction = self.system.timers.call_at(when, self._evict_all)

    def _evict_all(self) -> None:
        """A crowd came at once: put to sleep whoever has become idle, until the cap holds."""
        self._eviction = None
        excess = len(self._cells) - self.spec.awake_max
        if excess > 0 and not self.closing:
            self._put_to_sleep(excess, len(self._checks))
            when = self.system.world.monotonic() + EVICTION_AGAIN_SECONDS
            self._eviction = self.system.timers.call_at(when, self._evict_all)

    def _put_to_sleep(self, number: int, looks: int) -> None:
        idle: list[Cell] = []
        for _ in range(min(looks, len(self._checks))):
            check = self._checks.popleft()
            cell = check[1]
            if cell.state is State.STOPPED:
                continue
            self._checks.append(check)
            if not cell.scheduled and cell.state in (State.RUNNING, State.DORMANT):
                idle.append(cell)
        for cell in heapq.nsmallest(number, idle, key=lambda cell: cell.last_active):
            cell.signal(Signal.SLEEP)

    # Parent: what the cells report

    def factory(self, cell: Cell) -> Callable[[], pykka.Actor]:
        """The spec's factory for this key."""
        return partial(self.spec.factory, cell.key)

    def ref_to(self, cell: Cell) -> KeyedRef[Any]:
        """A reference by key, so that it outlives the cell."""
        return KeyedRef(self, cell.key)

    def start_seconds(self, cell: Cell) -> float:  # noqa: ARG002 - the same for every key
        """As the spec says."""
        return self.spec.start_seconds

    def sleep_seconds(self, cell: Cell) -> float:  # noqa: ARG002 - the same for every key
        """As the spec says."""
        return self.spec.sleep_seconds

    def retry_delay_seconds(self, cell: Cell) -> float:
        """The key's own back-off."""
        world = self.system.world
        if cell.intensity is None:
            cell.intensity = Intensity(self.spec.budget, self.spec.backoff)
        return cell.intensity.delay_seconds(world.monotonic(), world.random)

    def start_after(self, cell: Cell, seconds: float) -> None:
        """Start it anew after a delay, if there is anything for it to do by then."""
        lifecycle.cancel_start(cell)
        when = self.system.world.monotonic() + seconds
        cell.start_timer = self.system.timers.call_at(when, partial(self._revive, cell))

    def _revive(self, cell: Cell) -> None:
        cell.start_timer = None
        if cell.state not in (State.RESTARTING, State.WAITING):
            return
        cell.become(State.DORMANT)
        if cell.inbox and not cell.scheduled:
            cell.schedule()

    def speaks(self, error: BaseException) -> bool:  # noqa: ARG002 - any of them may flood it
        """The first few failures a minute; a thousand sessions may fall at once."""
        return self._voice.allows("region.muted", region=self.path)

    def child_failed(self, cell: Cell, error: BaseException) -> None:  # noqa: ARG002 - it has been logged
        """Let it rest; beyond its budget, for as long as a back-off ever takes."""
        world = self.system.world
        delay = self.retry_delay_seconds(cell)
        assert cell.intensity is not None
        if not cell.intensity.failed(world.monotonic()):
            delay = max(delay, self.spec.backoff.last_seconds)
        self.start_after(cell, delay)

    def child_exited(self, cell: Cell) -> bool:  # noqa: ARG002 - the same for every key
        """A keyed actor that stops itself is gone until its next message."""
        return False

    def child_asleep(self, cell: Cell) -> None:
        """Forget it, unless it must still pay for recent failures."""
        if cell.intensity is not None and not cell.intensity.quiet(self.system.world.monotonic()):
            return
        lifecycle.finish(cell, "asleep")

    def child_finished(self, cell: Cell) -> None:
        """It is out of memory; its next message makes a new one."""
        if self._cells.get(cell.key) is cell:
            del self._cells[cell.key]
        self._handled += cell.handled
        self._failed += cell.failed
        self.system.retire(cell)

    # Child: what the supervisor does with the region

    async def start(self) -> None:
        """Nobody is woken: keys start with their messages."""
        self.closing = False
        await trio.lowlevel.checkpoint()

    async def up(self) -> None:
        """A region is up at once."""
        await trio.lowlevel.checkpoint()

    async def halt(self) -> None:
        """Put everybody to rest within the region's time; queues are kept."""
        asked: dict[Cell, None] = {}
        with trio.move_on_after(self.spec.shutdown_seconds):
            # Again and again: while some are halting, messages may wake others.
            while woken := [cell for cell in self.cells() if cell not in asked]:
                asked.update(dict.fromkeys(woken))
                for cell in woken:
                    cell.signal(Signal.HALT)
                for cell in woken:
                    await cell.until(*_AT_REST)
        for cell in asked:
            if cell.state not in _AT_REST:
                lifecycle.kill(cell, lifecycle.OverdueError(f"{cell.path} did not halt in time"))
                await cell.until(*_AT_REST)
            self._revive(cell)

    async def close(self) -> None:
        """Let all of them handle their queues and stop, within the region's time."""
        self.closing = True
        stopped = trio.Event()
        left = len(self._cells)
        if not left:
            return

        def one_less(_: bool) -> None:  # noqa: FBT001 - pykka's answer: was it alive?
            nonlocal left
            left -= 1
            if left == 0:
                stopped.set()

        for cell in self.cells():
            lifecycle.request_stop(cell, one_less)
        with trio.move_on_after(self.spec.shutdown_seconds):
            await stopped.wait()
            return
        log.warning("region.killed", region=self.path, actors=left)
        self.end()
        await stopped.wait()

    def end(self) -> None:
        """Stop all of them now."""
        self.closing = True
        for cell in self.cells():
            lifecycle.kill(cell)

    def snapshot(self, now: float) -> snapshot.Node:
        """The region in figures, and those of its actors that are worth a look."""
        cells = self.cells()
        handled, failed, depth = self._handled, self._failed, 0
        troubled: list[Cell] = []
        busy: list[Cell] = []
        for cell in cells:
            handled += cell.handled
            failed += cell.failed
            if cell.state is State.RESTARTING or cell.state is State.WAITING:
                troubled.append(cell)
            if cell.inbox or cell.current is not None or cell.stash:
                depth += cell.queued
                busy.append(cell)
        deepest = heapq.nlargest(SHOWN_MAX, busy, key=lambda cell: cell.queued)
        shown = list(dict.fromkeys((*troubled, *deepest, *cells[:SHOWN_MAX])))[:SHOWN_MAX]
        allowed = self.spec.budget.restarts
        nodes = tuple(snapshot.of_cell(cell, now, restarts_allowed=allowed) for cell in shown)
        return snapshot.Node(
            name=self.name,
            path=self.path,
            class_name="Region",
            kind="region",
            state=State.RUNNING.value if not self.closing else State.STOPPED.value,
            mailbox_depth=depth,
            oldest_message_seconds=max((n.oldest_message_seconds for n in nodes), default=0.0),
            handled=handled,
            failed=failed,
            restarts_allowed=allowed,
            restarts_used=max((n.restarts_used for n in nodes), default=0),
            awake=len(cells),
            children=nodes,
        )


_AT_REST = (State.RESTARTING, State.DORMANT)
"""States without an incarnation."""


class _ByKey:
    """A region as a subscriber."""

    def __init__(self, region: Region, key_of: Callable[[Any], object]) -> None:
        self._region = region
        self._key_of = key_of

    def tell(self, message: object, /) -> None:
        """Pass the event on to the actor it concerns."""
        self._region.tell(self._key_of(message), message)
