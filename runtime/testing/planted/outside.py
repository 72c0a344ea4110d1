"""The outside world of the planted programs: a disk that survives crashes, a bank that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import trio

from runtime.testing.simulation import Simulation

DISK_SECONDS = (0.001, 0.02)
BANK_SECONDS = (0.01, 0.1)

Fence = Callable[[], None]
"""Raises if whoever calls is dead: `Life.check`."""


def alive() -> None:
    """The fence of those who are never killed."""


class Disk:
    """A durable dict. A crash comes before a write or after it, never in its midst."""

    def __init__(self, sim: Simulation) -> None:
        self.rows: dict[str, Any] = {}
        self._luck = sim.luck("disk")

    async def read(self, fence: Fence = alive) -> dict[str, Any]:
        """Everything that is kept."""
        await self._pass_time(fence)
        return dict(self.rows)

    async def write(self, rows: dict[str, Any], fence: Fence = alive) -> None:
        """Keep `rows`; they are kept before the answer is back."""
        await self._pass_time(fence)
        self.rows.update(rows)
        await self._pass_time(fence)

    async def _pass_time(self, fence: Fence) -> None:
        fence()
        await trio.sleep(self._luck.uniform(*DISK_SECONDS))
        fence()


class Bank:
    """Pays, and remembers what it has paid under which key."""

    def __init__(self, sim: Simulation) -> None:
        self.paid: Counter[str] = Counter()
        """How often each order was paid: what the customers see."""
        self._keys: set[str] = set()
        self._luck = sim.luck("bank")

    async def pay(self, order: str, fence: Fence = alive, *, key: str | None = None) -> None:
        """Pay `order`; under a `key` only once, however often it is asked to."""
        await self._pass_time(fence)
        if key is None or key not in self._keys:
            self.paid[order] += 1
        if key is not None:
            self._keys.add(key)
        await self._pass_time(fence)

    async def _pass_time(self, fence: Fence) -> None:
        fence()
        await trio.sleep(self._luck.uniform(*BANK_SECONDS))
        fence()
