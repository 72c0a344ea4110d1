"""Programs that a kill -9 between two steps breaks are found at every seed, and only by kills."""

from __future__ import annotations

import pytest

from runtime.testing.planted.bug import Bug
from runtime.testing.planted.crashing import CRASHING
from runtime.testing.planted.hunt import CRASH_EVERYWHERE
from tests.runtime.testing.planted.hunting import found_and_sound


@pytest.mark.parametrize("bug", CRASHING, ids=lambda bug: bug.name)
def test_only_a_crash_shows_it_and_its_sound_twin_survives_each(bug: Bug) -> None:
    by = found_and_sound(bug).by
    crashed = by[CRASH_EVERYWHERE]

    assert [name for name, hits in by.items() if hits.hits] == [CRASH_EVERYWHERE]
    assert crashed.hits == crashed.seeds
    assert 0 < crashed.broken < crashed.runs  # where it is killed matters
    assert "--crash till@" in crashed.plan
