"""What a planted bug is: one scenario that can be done wrong, and right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from runtime.testing.simulation import Scenario, Simulation

Kind = Literal["program", "runtime"]


class Play(Protocol):
    """A scenario in two versions, which differ in the mistake only."""

    async def __call__(self, sim: Simulation, *, sound: bool) -> None:
        """Run it, done right if `sound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A mistake that people make, and its sound twin, which differs in that mistake only.

    Both are judged by what the outside saw: payments, answers, what is kept; never by a look
    at the mistake itself.
    """

    name: str
    what: str
    """The mistake in a sentence, for the published table."""
    play: Play
    kind: Kind = "program"
    """A wrong program on the sound runtime, or a sound program on a wrong runtime."""
    danger: str
    """What `Simulation.sometimes` or `chance` is told when the twin is put to the test: one
    that never was proves nothing."""
    crashed: str | None = None
    """The node that has to be killed, at every step, for the mistake to show."""

    def scenario(self, *, sound: bool) -> Scenario:
        """The bug, or its sound twin, as a scenario like any other."""
        return partial(self.play, sound=sound)
