"""Programs that are wrong about what happened when nobody answered are found."""

from __future__ import annotations

import pytest

from runtime.testing.planted.bug import Bug
from runtime.testing.planted.doubts import DOUBTS
from tests.runtime.testing.planted.hunting import found_and_sound


@pytest.mark.parametrize("bug", DOUBTS, ids=lambda bug: bug.name)
def test_it_is_found_and_its_sound_twin_holds(bug: Bug) -> None:
    found_and_sound(bug)
