"""An actor as its supervisor sees it: a child that starts, halts, closes, within its times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
import trio

from runtime import lifecycle, snapshot
from runtime.cell import Cell
from runtime.state import Signal, State

if TYPE_CHECKING:
    from runtime.child import ChildSpec

log = structlog.get_logger("runtime.supervisor")


class CellChild:
    """One cell and the spec it was made from."""

    __slots__ = ("cell", "spec")

    def __init__(self, cell: Cell, spec: ChildSpec) -> None:
        self.cell = cell
        self.spec = spec

    @property
    def name(self) -> str:
        """Its name among its siblings."""
        return self.cell.name

    @property
    def path(self) -> str:
        """Where it stands in the tree."""
        return self.cell.path

    async def start(self) -> None:
        """Start it; back when it is up, waits for a dependency, or has failed."""
        if self.cell.state is not State.RUNNING:
            self.begin()
            await self.cell.until(State.RUNNING, State.WAITING, State.RESTARTING)

    def begin(self) -> None:
        """Ask it to start, without waiting."""
        cell = self.cell
        if cell.state in (State.NEW, State.RESTARTING):
            cell.become(State.STARTING)
            if not cell.scheduled:
                cell.schedule()  # it starts in its turn: no queue of signals for that
                return
        cell.signal(Signal.START)

    async def up(self) -> None:
        """Wait over failed starts until it is up, waits for a dependency, or is gone."""
        await self.cell.until(State.RUNNING, State.WAITING)

    async def halt(self) -> None:
        """Stop its incarnation for a restart; killed when it outstays its time."""
        self.cell.signal(Signal.HALT)
        with trio.move_on_after(self.spec.shutdown_seconds):
            await self.cell.until(State.RESTARTING)
            return
        self._too_slow()
        lifecycle.kill(self.cell, lifecycle.OverdueError(f"{self.path} did not halt in time"))
        await self.cell.until(State.RESTARTING)

    async def close(self) -> None:
        """Let it handle its queue and stop; killed when it outstays its time."""
        stopped = trio.Event()
        lifecycle.request_stop(self.cell, lambda _: stopped.set())
        with trio.move_on_after(self.spec.shutdown_seconds):
            await stopped.wait()
            return
        self._too_slow()
        lifecycle.kill(self.cell)
        await stopped.wait()

    def end(self) -> None:
        """Stop it now."""
        lifecycle.kill(self.cell)

    def snapshot(self, now: float) -> snapshot.Node:
        """Its line of the tree."""
        return snapshot.of_cell(self.cell, now, restarts_allowed=self.spec.budget.restarts)

    def _too_slow(self) -> None:
        log.warning(
            "actor.killed",
            actor=self.path,
            seconds=self.spec.shutdown_seconds,
            queued=self.cell.queued,
        )
