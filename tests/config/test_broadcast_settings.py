"""How fast a broadcast may be, and what it may cost."""

from __future__ import annotations

import pytest

from actors.broadcast.tokens import Limits
from config.settings import SettingsError, load_settings
from config.wiring import limits_of
from tests.config.test_settings import REQUIRED


def limits(**told: str) -> Limits:
    return limits_of(load_settings(REQUIRED | told))


def test_without_a_word_broadcasts_are_free_and_as_fast_as_telegram_lets_anybody_be() -> None:
    assert limits() == Limits(bulk_per_second=28, paid_per_second=0, stars_budget=0)


def test_what_is_said_is_obeyed() -> None:
    told = {
        "BROADCAST_PER_SECOND": "10",
        "BROADCAST_PAID_PER_SECOND": "1000",
        "BROADCAST_STARS_BUDGET": "250",
    }
    assert limits(**told) == Limits(bulk_per_second=10, paid_per_second=1000, stars_budget=250)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROADCAST_PER_SECOND", "0"),
        ("BROADCAST_PER_SECOND", "31"),
        ("BROADCAST_PER_SECOND", "2.5"),
        ("BROADCAST_PAID_PER_SECOND", "1001"),
        ("BROADCAST_STARS_BUDGET", "-1"),
        ("BROADCAST_STARS_BUDGET", "1_000"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        limits(**{"BROADCAST_STARS_BUDGET": "1", name: value})


def test_who_pays_says_how_much() -> None:
    with pytest.raises(SettingsError, match="BROADCAST_STARS_BUDGET"):
        limits(BROADCAST_PAID_PER_SECOND="1000")
