"""Actors that forget that they begin again are found."""

from __future__ import annotations

import pytest

from runtime.testing.planted.bug import Bug
from runtime.testing.planted.lives import LIVES
from tests.runtime.testing.planted.hunting import found_and_sound


@pytest.mark.parametrize("bug", LIVES, ids=lambda bug: bug.name)
def test_it_is_found_and_its_sound_twin_holds(bug: Bug) -> None:
    found_and_sound(bug)
