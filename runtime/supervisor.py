"""A supervisor: starts its children, restarts what falls, gives up when a budget is used up.

Decisions are pure (`strategy`, `intensity`); this file drives them. It is not an actor: what
it decides happens in the step in which a child reports, so no report can be lost or queue up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
import trio

from runtime import lifecycle, snapshot
from runtime.cell import Cell
from runtime.child import ChildSpec, Spec, SupervisorSpec
from runtime.errors import SupervisionError, is_hopeless
from runtime.events import ActorRestarting, Escalated
from runtime.intensity import Intensity
from runtime.keyed import Region
from runtime.ref import ActorRef
from runtime.state import Signal, State
from runtime.strategy import fallen, restarts
from runtime.supervised import CellChild

if TYPE_CHECKING:
    import pykka

    from runtime.node import Child
    from runtime.system import ActorSystem

log = structlog.get_logger("runtime.supervisor")


class Supervisor:
    """One node of the tree and its children, in the order in which they start."""

    def __init__(
        self, system: ActorSystem, parent: Supervisor | None, spec: SupervisorSpec
    ) -> None:
        self.system = system
        self.parent = parent
        self.spec = spec
        self.name = spec.name
        self.path: str = spec.name if parent is None else f"{parent.path}/{spec.name}"
        self.children: dict[str, Child] = {}
        self.specs: dict[str, Spec] = {}
        self.intensities: dict[str, Intensity] = {}
        self.last_error: str | None = None
        self.closing = False
        self._fallen: deque[tuple[str, float]] = deque()
        self._mending: trio.CancelScope | None = None
        self._mended = trio.Event()
        self._starting: trio.CancelScope | None = None
        for child in spec.children:
            self.add(child)

    def add(self, spec: Spec) -> Child:
        """Take a child in; it is started by whoever adds it."""
        if spec.name in self.children:
            msg = f"{self.path} has a child named {spec.name!r} already"
            raise ValueError(msg)
        child: Child
        if isinstance(spec, SupervisorSpec):
            child = Supervisor(self.system, self, spec)
        elif isinstance(spec, ChildSpec):
            child = CellChild(Cell(self.system, self, spec.name), spec)
        else:
            child = Region(self.system, self.path, spec)
        self.children[spec.name] = child
        self.specs[spec.name] = spec
        return child

    # Child: what the parent does with this supervisor

    async def start(self) -> None:
        """Start the children left to right, each when the one before is up.

        A restart is a new beginning: what the children had used of their budgets is forgiven.
        Back early when it has to give up meanwhile: then its parent knows, and decides.
        """
        self.closing = False
        for intensity in self.intensities.values():
            intensity.forgive()
        with trio.CancelScope() as self._starting:
            for child in list(self.children.values()):
                await child.start()
                if isinstance(child, CellChild):
                    await child.up()
                while isinstance(child, Supervisor) and child.closing:
                    await self._mended.wait()  # it gave up, and is going to be started again
        self._starting = None

    async def halt(self) -> None:
        """Stop the children right to left, to start again."""
        self._stop_mending()
        for child in reversed(list(self.children.values())):
            await child.halt()

    async def close(self) -> None:
        """Stop the children right to left, for good."""
        self._stop_mending()
        for child in reversed(list(self.children.values())):
            await child.close()

    def end(self) -> None:
        """Stop everything below at once."""
        self._stop_mending()
        for child in reversed(list(self.children.values())):
            child.end()

    def snapshot(self, now: float) -> snapshot.Node:
        """This supervisor and everything below it."""
        children = tuple(child.snapshot(now) for child in list(self.children.values()))
        used = [(child.restarts_used, child.restarts_allowed) for child in children]
        worst = max(used, default=(0, self.spec.budget.restarts))
        return snapshot.Node(
            name=self.name,
            path=self.path,
            class_name="Supervisor",
            kind="supervisor",
            state=snapshot.state_of(children),
            mailbox_depth=sum(child.mailbox_depth for child in children),
            oldest_message_seconds=max(
                (child.oldest_message_seconds for child in children), default=0.0
            ),
            handled=sum(child.handled for child in children),
            failed=sum(child.failed for child in children),
            restarts_used=worst[0],
            restarts_allowed=worst[1],
            last_error=self.last_error,
            strategy=self.spec.strategy,
            children=children,
        )

    # Parent: what the cells below report

    def factory(self, cell: Cell) -> Callable[[], pykka.Actor]:
        """The child's factory."""
        return self._spec(cell).factory

    def ref_to(self, cell: Cell) -> ActorRef[Any]:
        """A reference to a child of fixed name."""
        return ActorRef(cell)

    def start_seconds(self, cell: Cell) -> float:
        """As its spec says."""
        return self._spec(cell).start_seconds

    def sleep_seconds(self, cell: Cell) -> float:
        """As long as a stop may take; children of fixed name do not sleep."""
        return self._spec(cell).shutdown_seconds

    def retry_delay_seconds(self, cell: Cell) -> float:
        """The child's back-off; a suspension uses none of its budget."""
        return self._delay(cell.name)

    def start_after(self, cell: Cell, seconds: float) -> None:
        """Start a child anew after a delay."""
        lifecycle.cancel_start(cell)
        when = self.system.world.monotonic() + seconds
        cell.start_timer = self.system.timers.call_at(when, partial(cell.signal, Signal.START))

    def speaks(self, error: BaseException) -> bool:
        """Every failure of a child of fixed name belongs into the log; but whoever runs the system
        gets the one that ends it, and tells the person who can help.
        """
        return self.system.dynamic is self or not is_hopeless(error)

    def child_failed(self, cell: Cell, error: BaseException) -> None:
        """Restart, stop or give up: the decision of one failure."""
        cell.intensity = self._intensity(cell.name)
        self.decide(cell.name, error)

    def child_exited(self, cell: Cell) -> bool:
        """A permanent child that stops itself is restarted; the others have had their say."""
        if self.closing or not restarts(self._spec(cell).restart, failure=False):
            return False
        if self._intensity(cell.name).failed(self.system.world.monotonic()):
            self._plan(cell.name)
        else:
            error = SupervisionError(f"{cell.path} stops itself again and again")
            self._give_up(cell.name, error)
        return True

    def child_asleep(self, cell: Cell) -> None:
        """Children of fixed name do not sleep."""

    def child_finished(self, cell: Cell) -> None:
        """A child is gone for good."""
        self.system.registry.unregister(cell)
        self.system.retire(cell)
        if self.system.dynamic is self:
            self.forget(cell.name)

    def forget(self, name: str) -> None:
        """Drop a child that has stopped for good."""
        self.children.pop(name, None)
        self.specs.pop(name, None)
        self.intensities.pop(name, None)

    # Decisions

    def decide(self, name: str, error: BaseException) -> None:
        """A child failed with `error`: plan its restart, let it go, or give up."""
        self.last_error = repr(error)
        if self.closing:
            return
        spec = self.specs[name]
        if isinstance(spec, ChildSpec) and not restarts(spec.restart, failure=True):
            if not self.speaks(error):  # it ends this child alone: nobody else would hear of it
                log.error("actor.failed", actor=self.children[name].path, exc_info=error)
            self._let_go(name)
            return
        if is_hopeless(error) or not self._intensity(name).failed(self.system.world.monotonic()):
            self._give_up(name, error)
            return
        self._plan(name)

    def _plan(self, name: str) -> None:
        delay = self._delay(name)
        intensity = self._intensity(name)
        used = intensity.used(self.system.world.monotonic())
        child = self.children[name]
        budget = self.specs[name].budget
        log.warning(
            "supervisor.restarts",
            supervisor=self.path,
            context="child failed",
            reason=self.last_error,
            offender=child.path,
            delay_seconds=round(delay, 3),
            used=used,
            allowed=budget.restarts,
        )
        if self.system.events.wanted(ActorRestarting):
            self.system.events.publish(
                ActorRestarting(
                    path=child.path, delay_seconds=delay, used=used, allowed=budget.restarts
                )
            )
        if self.spec.strategy == "one_for_one" and isinstance(child, CellChild):
            self.start_after(child.cell, delay)
            return
        self._fallen.append((name, delay))
        if self._mending is None:
            self._mending = trio.CancelScope()
            self.system.spawn_task(self._mend, self._mending)

    async def _mend(self, scope: trio.CancelScope) -> None:
        """Restart fallen groups, one after the other; failures meanwhile queue up behind."""
        with scope:
            while self._fallen:
                name, delay = self._fallen.popleft()
                if name not in self.children:
                    continue
                group = fallen(self.spec.strategy, list(self.children), name)
                for other in reversed(group):
                    if other != name and self._temporary(other):
                        await self.children[other].close()
                    else:
                        await self.children[other].halt()
                await trio.sleep(delay)
                for other in group:
                    if not self._temporary(other):
                        await self.children[other].start()
                mended, self._mended = self._mended, trio.Event()
                mended.set()
            self._mending = None

    def _stop_mending(self) -> None:
        """Whoever stops this supervisor decides about its children from here on."""
        self.closing = True
        self._fallen.clear()
        if self._mending is not None:
            self._mending.cancel()
            self._mending = None
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None

    def _temporary(self, name: str) -> bool:
        spec = self.specs[name]
        return isinstance(spec, ChildSpec) and spec.restart == "temporary"

    def _give_up(self, name: str, error: BaseException) -> None:
        """The child's budget is used up: that is a failure of this supervisor."""
        child = self.children[name]
        if self.speaks(error):
            log.error(
                "supervisor.gives_up",
                supervisor=self.path,
                context="no restart can help" if is_hopeless(error) else "restarts used up",
                reason=repr(error),
                offender=child.path,
            )
        if self.system.events.wanted(Escalated):
            self.system.events.publish(Escalated(path=self.path, child=child.path, error=error))
        if self.system.dynamic is self:
            self._let_go(name)  # spawned actors have no family that would have to fall with them
            return
        budget = self.specs[name].budget
        failure = SupervisionError(
            f"{child.path} failed more than {budget.restarts} times in {budget.within_seconds:g} s"
            if self._intensity(name).used(self.system.world.monotonic()) > budget.restarts
            else f"{child.path} cannot go on: {error}"
        )
        failure.__cause__ = error.__cause__ if isinstance(error, SupervisionError) else error
        self._stop_mending()
        if self.parent is None:
            self.system.fail(failure)
        else:
            self.parent.decide(self.name, failure)

    def _let_go(self, name: str) -> None:
        child = self.children[name]
        if isinstance(child, CellChild) and child.cell.state is State.RESTARTING:
            lifecycle.finish(child.cell, "failed")
        else:
            child.end()  # it is just about to stop by itself

    # Small parts

    def _spec(self, cell: Cell) -> ChildSpec:
        spec = self.specs[cell.name]
        assert isinstance(spec, ChildSpec)
        return spec

    def _intensity(self, name: str) -> Intensity:
        known = self.intensities.get(name)
        if known is None:
            spec = self.specs[name]
            known = self.intensities[name] = Intensity(spec.budget, spec.backoff)
        return known

    def _delay(self, name: str) -> float:
        world = self.system.world
        return self._intensity(name).delay_seconds(world.monotonic(), world.random)
