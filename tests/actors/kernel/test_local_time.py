"""A moment is told by the clocks of a place, and says how far they are from UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from actors.kernel.local_time import told


@pytest.mark.parametrize(
    ("place", "moment", "words"),
    [
        ("UTC", "2026-11-21T16:00:59+00:00", "2026-11-21 16:00 UTC"),
        ("Europe/London", "2026-11-21T16:00:00+00:00", "2026-11-21 16:00 UTC"),
        ("Europe/Kyiv", "2026-11-21T23:00:00+00:00", "2026-11-22 01:00 UTC+2"),
        ("Europe/Kyiv", "2026-07-01T18:00:00+03:00", "2026-07-01 18:00 UTC+3"),
        ("Asia/Kolkata", "2026-11-21T16:00:00+00:00", "2026-11-21 21:30 UTC+5:30"),
        ("America/St_Johns", "2026-11-21T16:00:00+00:00", "2026-11-21 12:30 UTC-3:30"),
        ("America/New_York", "2026-11-21T02:00:00+00:00", "2026-11-20 21:00 UTC-5"),
    ],
)
def test_it_is_told_as_clocks_there_show_it(place: str, moment: str, words: str) -> None:
    assert told(datetime.fromisoformat(moment), ZoneInfo(place)) == words


def test_an_hour_that_comes_twice_is_told_in_two_ways() -> None:
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    assert [told(moment, ZoneInfo("Europe/Kyiv")) for moment in twice] == [
        "2026-10-25 03:30 UTC+3",
        "2026-10-25 03:30 UTC+2",
    ]
