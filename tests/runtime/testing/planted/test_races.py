"""Actors that are wrong in some orders are found, each by those who try such orders."""

from __future__ import annotations

import pytest

from runtime.testing.planted.bug import Bug
from runtime.testing.planted.hunt import hunt
from runtime.testing.planted.races import RACES
from tests.runtime.testing.planted.hunting import found_and_sound


@pytest.mark.parametrize("bug", RACES, ids=lambda bug: bug.name)
def test_it_is_found_and_its_sound_twin_holds(bug: Bug) -> None:
    found_and_sound(bug)


def test_nobody_lags_behind_unless_priorities_let_him() -> None:
    [laggard] = [bug for bug in RACES if bug.name == "laggard"]
    by = hunt(laggard, seeds=30, schedulers=("shuffle", "pct:2", "pct:3")).by

    assert by["shuffle"].hits == 0
    assert by["pct:2"].hits > 0
    assert by["pct:3"].hits > 0
