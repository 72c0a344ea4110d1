"""The wall clock of a simulation, which may jump, and be wrong on one node and not on others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from runtime.world import VirtualWorld

_NO_SKEW = timedelta()


class WallClock:
    """It begins at `epoch` and follows `monotonic`, in seconds."""

    def __init__(self, epoch: datetime, monotonic: Callable[[], float]) -> None:
        self._epoch, self._monotonic = epoch, monotonic
        self._skews: dict[str, timedelta] = {}
        """How wrong the clocks of hosts are; under "" what all have in common."""

    def now(self, host: str) -> datetime:
        """What the clock of `host` shows, in UTC; for "" that of all whose own is right."""
        right, skews = self._epoch + timedelta(seconds=self._monotonic()), self._skews
        if skews:
            right += skews.get("", _NO_SKEW)
            if host:
                right += skews.get(host, _NO_SKEW)
        return right

    def shift(self, host: str, seconds: float) -> None:
        """Let the clock of `host` jump; for "" those of all."""
        self._skews[host] = self._skews.get(host, _NO_SKEW) + timedelta(seconds=seconds)


class NodeWorld(VirtualWorld):
    """A world on the wall clock of its host; `shift` is the simulation's."""

    def __init__(
        self, name: str, *, now: Callable[[], datetime], shift: Callable[[float], None]
    ) -> None:
        super().__init__(seed=name)
        self._read, self._set = now, shift

    def now(self) -> datetime:
        return self._read()

    def shift(self, seconds: float) -> None:
        self._set(seconds)
