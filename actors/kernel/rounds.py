"""When somebody who works off what is due looks at its store. Pure.

He does not look every few seconds: he asks the store once when the next will be due, and is told
of whatever comes to be due earlier. What a lost word left out is found by a look of its own.
All times are monotonic, in seconds.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Generic, TypeVar

A = TypeVar("A", bound=Hashable)

GRAIN_SECONDS = 0.001
"""A look is so much later than the time it is for: a wall clock counts microseconds, a timer in
floats, and who looks too early by one of them finds nobody."""


@dataclass(slots=True, kw_only=True)
class Looks:
    """One look after the other."""

    pace_seconds: float
    """From one look to the next at least, however much is due."""
    look_seconds: float
    """From one look to the next at most."""
    _looked_at: float = -inf
    _next_at: float = inf

    def looked(self, *, now: float) -> None:
        """A look is made now."""
        self._looked_at, self._next_at = now, inf

    def next_look(self, *, now: float, due_in: float | None) -> float:
        """In how many seconds to look after a look; `due_in` as the store says, None: nothing."""
        at = now + self.look_seconds
        return self._plan(at if due_in is None else min(at, _after(now, due_in)), now)

    def sooner(self, *, now: float, due_in: float) -> float | None:
        """In how many seconds to look, since something will be due then; None: as planned."""
        at = max(_after(now, due_in), self._looked_at + self.pace_seconds)
        return self._plan(at, now) if at < self._next_at else None

    def _plan(self, at: float, now: float) -> float:
        self._next_at = max(at, self._looked_at + self.pace_seconds)
        return max(0.0, self._next_at - now)


@dataclass(slots=True, kw_only=True)
class Rounds(Looks, Generic[A]):
    """The looks of an alarm clock; `A` tells one alarm from another, and from a later one."""

    again_seconds: float
    """Who is still due after this is woken again."""
    _told: dict[A, float] = field(default_factory=dict)
    """Which alarm was told, and when; in the order of telling."""

    def fresh(self, due: Sequence[A], *, now: float) -> list[A]:
        """Those of `due` who are to be woken, at a look that is made now."""
        self.looked(now=now)
        self._told = {
            alarm: at for alarm, at in self._told.items() if now - at < self.again_seconds
        }
        fresh = [alarm for alarm in due if alarm not in self._told]
        self._told.update(dict.fromkeys(fresh, now))
        return fresh

    def next_look(self, *, now: float, due_in: float | None) -> float:
        """As always, and in time for whoever has to be woken again."""
        again_in = min(self._told.values(), default=inf) + self.again_seconds - now
        due_in = again_in if due_in is None else min(due_in, again_in)
        return Looks.next_look(self, now=now, due_in=due_in)  # slots: `super()` would not do


def _after(now: float, seconds: float) -> float:
    return now + seconds + GRAIN_SECONDS
