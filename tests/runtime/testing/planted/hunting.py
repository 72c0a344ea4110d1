"""How the tests of the planted bugs hunt: as `main.py sim planted` does, with fewer seeds."""

from __future__ import annotations

from runtime.testing.planted.bug import Bug
from runtime.testing.planted.hunt import Hunted, hunt
from runtime.testing.scheduler import PORTFOLIO

SEEDS = (2, 12)
"""How many are tried, and how many if those few did not do."""


def found_and_sound(bug: Bug) -> Hunted:
    """The hunt, in which the bug showed and its sound twin withstood the danger."""
    for seeds in SEEDS:
        hunted = hunt(bug, seeds=seeds, schedulers=PORTFOLIO)
        if hunted.found and hunted.sound:
            break
    assert hunted.found, hunted
    assert hunted.sound, hunted
    return hunted
