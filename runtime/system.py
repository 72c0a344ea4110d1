"""The actor system: one tree, one clock, one pool of workers; several may live in a process.

```
async with ActorSystem(SupervisorSpec(name="root", children=(...))) as system:
    ...                         # the whole tree is up
                                # leaving drains it, right to left, within a deadline
```
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, Token
from dataclasses import replace
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import structlog
import trio

from runtime import lifecycle
from runtime.cell import Cell, active_system
from runtime.child import ChildSpec, SupervisorSpec
from runtime.dead_letters import DeadLetters
from runtime.dispatch import DEFAULT_DISPATCH, Dispatch
from runtime.errors import SupervisionError, is_hopeless
from runtime.events import EventStream
from runtime.incarnation import incarnate
from runtime.intensity import DEFAULT_BACKOFF, DEFAULT_BUDGET, Backoff, Budget
from runtime.keyed import Region
from runtime.registry import Registry
from runtime.snapshot import Fates, Node
from runtime.supervised import CellChild
from runtime.supervisor import Supervisor
from runtime.timers import Expiries, Timers
from runtime.workers import Workers
from runtime.world import RealWorld, World

if TYPE_CHECKING:
    import pykka

    from runtime.node import Child
    from runtime.ref import ActorRef
    from runtime.strategy import Restart

STOP_SECONDS = 10.0

log = structlog.get_logger("runtime.system")


class ActorSystem:
    """Everything that actors share; nothing of it is global.

    `threads="inline"` runs `ThreadingActor`s on the trio thread, for virtual time. Leaving the
    block stops the tree within `stop_seconds`; then what is left is killed. When the root's
    budget is used up the block is cancelled and `SupervisionError` is raised from it.
    """

    def __init__(
        self,
        tree: SupervisorSpec | None = None,
        *,
        world: World | None = None,
        threads: Literal["real", "inline"] = "real",
        dispatch: Dispatch = DEFAULT_DISPATCH,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.world = world or RealWorld()
        self.threads = threads
        self.dispatch = dispatch
        self.stop_seconds = stop_seconds
        self.events = EventStream()
        self.registry = Registry()
        self.timers = Timers()
        self.expiries = Expiries(self.timers)
        self.dead_letter_box = DeadLetters(self.events, self.world)
        self.thread_id = 0
        self.root = Supervisor(self, None, tree or SupervisorSpec(name="root"))
        self.dynamic = Supervisor(self, self.root, SupervisorSpec(name="spawned"))
        self._names = itertools.count(1)
        self._retired = [0, 0, 0, 0]
        self._failure: SupervisionError | None = None
        self._entered: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()

    world: World
    workers: Workers
    token: trio.lowlevel.TrioToken
    _nursery: trio.Nursery
    _manager: Any
    _body: trio.CancelScope
    _active: Token[ActorSystem | None]

    # Life

    async def __aenter__(self) -> Self:
        self.thread_id = get_ident()
        self.token = trio.lowlevel.current_trio_token()
        self.world.bind(trio.lowlevel.current_clock())
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        self._body = trio.CancelScope()
        self._body.__enter__()
        self.workers = Workers(self._nursery, self.world, self.dispatch)
        self._active = active_system.set(self)
        self._nursery.start_soon(self.timers.serve, name="timers")
        try:
            await self.root.start()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        active_system.reset(self._active)
        swallowed = self._body.__exit__(kind, error, traceback)
        if trio.current_effective_deadline() == -math.inf:
            self._end()  # cancelled from outside, and the workers with us: nothing can drain
        else:
            with trio.CancelScope(shield=True):
                await self.stop()
        self._nursery.cancel_scope.cancel()
        try:
            # Without the block's own error: a nursery would wrap it in a group of one.
            await self._manager.__aexit__(None, None, None)
        finally:
            self.workers.helper.close()
            for cell in self.cells():
                lifecycle.killed(cell)  # whose handler was cancelled together with its worker
        if self._failure is not None:
            raise self._failure
        return bool(swallowed)

    async def stop(self, *, within: float | None = None) -> None:
        """Stop everything, the youngest first; what outstays `within` seconds is killed."""
        with trio.move_on_after(self.stop_seconds if within is None else within) as scope:
            await self.dynamic.close()
            await self.root.close()
        if scope.cancelled_caught:
            log.warning("system.killed", snapshot_path=self.root.path)
        self._end()
        # A killed handler leaves in its own task: give it the chance before the tasks go.
        for _ in range(2):
            await trio.lowlevel.cancel_shielded_checkpoint()

    def _end(self) -> None:
        self.dynamic.end()
        self.root.end()

    @property
    def failed(self) -> bool:
        """The root has given up: nothing will be restarted any more."""
        return self._failure is not None

    def fail(self, failure: SupervisionError) -> None:
        """The root has given up: cancel the block, which raises `failure`."""
        if not is_hopeless(failure):  # that says what to do by itself
            log.critical("system.failed", reason=str(failure), exc_info=failure)
        self._failure = failure
        self._body.cancel()

    # Actors

    def spawn(
        self,
        factory: Callable[[], pykka.Actor],
        *,
        name: str | None = None,
        restart: Restart = "permanent",
        budget: Budget | None = None,
        backoff: Backoff | None = None,
    ) -> ActorRef[Any]:
        """Start an actor outside the tree; it stops with the system.

        Raises what the factory raises. One that uses up its budget is stopped for good; it has
        no family that would have to fall with it.
        """
        spec = ChildSpec(
            name=name or f"actor-{self.number()}",
            factory=factory,
            restart=restart,
            budget=budget or DEFAULT_BUDGET,
            backoff=backoff or DEFAULT_BACKOFF,
        )
        child = self.dynamic.add(spec)
        assert isinstance(child, CellChild)
        try:
            incarnate(child.cell)
        except BaseException:
            self.dynamic.forget(spec.name)
            raise
        child.begin()
        return child.cell.ref

    def number(self) -> int:
        """A number that no other actor of this system was given."""
        return next(self._names)

    def ref(self, path: str) -> ActorRef[Any]:
        """The actor at `path`, such as `root/tracker`. Raises `KeyError`."""
        node = self._node(path)
        if not isinstance(node, CellChild):
            msg = f"{path} is no actor"
            raise KeyError(msg)
        return node.cell.ref

    def region(self, path: str) -> Region:
        """The region at `path`, such as `root/sessions`. Raises `KeyError`."""
        node = self._node(path)
        if not isinstance(node, Region):
            msg = f"{path} is no region"
            raise KeyError(msg)
        return node

    def _node(self, path: str) -> Child:
        names = path.split("/")
        node: Child | None = self.root
        if names[0] != self.root.name:
            node = None
        for name in names[1:]:
            children = node.children if isinstance(node, Supervisor) else {}
            node = children.get(name)
        if node is None:
            msg = f"nothing lives at {path}"
            raise KeyError(msg)
        return node

    # How it is

    def snapshot(self, path: str | None = None) -> Node:
        """The whole tree, or what lives at `path`, now. Costs nothing unless it is called."""
        now = self.world.monotonic()
        if path is not None:
            return self._node(path).snapshot(now)
        root = self.root.snapshot(now)
        if not self.dynamic.children:
            return root
        return _with_child(root, self.dynamic.snapshot(now))

    def fates(self) -> Fates:
        """What became of every message so far."""
        sent, handled, dead, expired = self._retired
        queued = 0
        for cell in self.cells():
            sent += cell.accepted
            handled += cell.handled
            dead += cell.dead
            expired += cell.expired
            queued += cell.queued
        return Fates(sent=sent, handled=handled, dead=dead, expired=expired, queued=queued)

    def cells(self) -> list[Cell]:
        """Every cell in memory, the stopped children of the tree included."""
        found: list[Cell] = []
        nodes: list[object] = [self.root, self.dynamic]
        while nodes:
            node = nodes.pop()
            if isinstance(node, Supervisor):
                nodes.extend(node.children.values())
            elif isinstance(node, Region):
                found.extend(node.cells())
            elif isinstance(node, CellChild):
                found.append(node.cell)
        return found

    def retire(self, cell: Cell) -> None:
        """Keep the counts of a cell that leaves the tree."""
        counts = (cell.accepted, cell.handled, cell.dead, cell.expired)
        self._retired = [kept + more for kept, more in zip(self._retired, counts, strict=True)]
        cell.accepted = cell.handled = cell.dead = cell.expired = 0

    # Tasks and threads

    def spawn_task(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run a task beside the actors, in a context of its own, until the system stops."""
        Context().run(self._nursery.start_soon, task, *args)

    def enter(self, call: Callable[..., object], *args: object) -> bool:
        """From another thread: run `call` on the trio thread, soon, in order.

        However many calls come in before it wakes up, it wakes up once. False when there is
        no trio any more, and `call` will never run.
        """
        self._entered.append((call, args))
        try:
            self.token.run_sync_soon(self._let_in, idempotent=True)
        except trio.RunFinishedError:
            log.info("system.gone", call=getattr(call, "__name__", str(call)))
            return False
        return True

    def _let_in(self) -> None:
        self.workers.look()
        while self._entered:
            call, args = self._entered.popleft()
            call(*args)

    def event(self) -> trio.Event:
        """A fresh event of the running trio."""
        return trio.Event()

    def here_or_enter(self, call: Callable[..., object], *args: object) -> bool:
        """Run `call` now if this is the trio thread, and soon if it is not; as `enter`."""
        if get_ident() != self.thread_id:
            return self.enter(call, *args)
        call(*args)
        return True


def _with_child(root: Node, child: Node) -> Node:
    return replace(root, children=(*root.children, child))
