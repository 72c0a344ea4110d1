"""A time that somebody types means one moment, or he is told what to add."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from config.local_time import moment_of

KYIV = ZoneInfo("Europe/Kyiv")


@pytest.mark.parametrize("here", [None, KYIV])
def test_a_time_with_its_zone_is_what_it_says(here: ZoneInfo | None) -> None:
    for text in ("2026-11-21T18:00+02:00", " 2026-11-21 16:00Z", "2026-11-21T18:00:00+0200"):
        assert moment_of(text, here) == datetime(2026, 11, 21, 16, tzinfo=UTC)


def test_a_time_without_its_zone_is_by_the_clocks_here() -> None:
    assert moment_of("2026-11-21 18:00", KYIV) == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert moment_of("2026-07-01T18:00", KYIV) == datetime(2026, 7, 1, 15, tzinfo=UTC)
    assert moment_of("2026-07-01", KYIV) == datetime(2026, 6, 30, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "here", "why"),
    [
        ("tomorrow", KYIV, "no time: 'tomorrow'; write"),
        ("", KYIV, "no time"),
        ("9999-12-31T23:00-05:00", KYIV, "no time"),
        ("0001-01-01", KYIV, "no time"),
        ("2026-11-21 18:00", None, "Write its offset, or set TIME_ZONE"),
        ("2026-03-29 03:30", KYIV, "does not come in Europe/Kyiv, where clocks are put forward"),
        ("2026-10-25 03:30", KYIV, r"comes twice in Europe/Kyiv, .* such as \+0300"),
    ],
)
def test_what_means_no_one_moment_is_refused(text: str, here: ZoneInfo | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        moment_of(text, here)
