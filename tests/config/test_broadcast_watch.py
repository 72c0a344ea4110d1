"""Whoever looks on sees how it goes, and is told when it rests."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trio

from config.broadcast_watch import (
    LIST_COLUMNS,
    PATIENCE_SECONDS,
    in_a_list,
    pace_of,
    told_in_a_line,
    watch,
)
from config.whereabouts import Unreachable

SEEN: dict[str, Any] = {
    "broadcast_id": 3, "state": "running", "kind": "send", "of": None, "trouble": "",
    "text": "Hi\n\x1b[31m there", "total": 100, "pending": 60, "sent": 38, "blocked": 1,
    "failed": 1, "unknown": 0, "left_out": 2, "starts_at": "2026-11-21T12:00:00+00:00",
    "per_second": 28.1, "remaining_seconds": 2.1,
}  # fmt: skip


def test_one_line_says_how_it_stands() -> None:
    assert told_in_a_line(SEEN) == (
        "3 running send; 38 sent, 1 blocked, 1 failed, 60 pending, 2 left out; "
        "28 a second, 2 s left; Hi [31m there"
    )
    change = SEEN | {"kind": "edit", "of": 2, "state": "draft", "trouble": "no"}
    assert told_in_a_line(change).startswith("3 draft edit of 2; 38 sent")
    new = SEEN | {"total": 0, "reachable": 7, "unreachable": 2, "state": "ready"}
    assert "for 7, 2 cannot be reached; Hi" in told_in_a_line(new)


def test_in_a_list_it_stands_in_columns() -> None:
    told = in_a_list(SEEN)
    assert told["counts"] == "38 sent, 1 blocked, 1 failed, 60 pending, 2 left out"
    assert (told["what"], told["when"]) == ("send", "28 a second, 2 s left")
    assert set(told) <= set(LIST_COLUMNS)


def test_the_pace_is_told_while_there_is_one() -> None:
    assert pace_of(SEEN | {"remaining_seconds": None}) == "28 a second"
    assert pace_of(SEEN | {"per_second": 0.0}) == ""
    assert pace_of(SEEN | {"state": "paused"}) == ""
    assert pace_of(SEEN | {"state": "scheduled"}) == "starts at 2026-11-21 12:00 UTC"
    kyiv = ZoneInfo("Europe/Kyiv")
    assert "; starts at 2026-11-21 14:00 UTC+2; Hi" in told_in_a_line(
        SEEN | {"state": "scheduled"}, kyiv
    )


@pytest.mark.parametrize("end", ["draft", "ready", "finished", "cancelled", "deleted"])
async def test_it_looks_until_the_broadcast_rests(end: str) -> None:
    states = iter(["scheduled", "running", "paused", "running", end])

    async def look() -> dict[str, Any]:
        return SEEN | {"state": next(states)}

    assert (await watch(look, SEEN | {"state": "checking"}))["state"] == end
    assert list(states) == []


async def test_a_shop_that_is_restarted_is_waited_for() -> None:
    away_until = trio.current_time() + PATIENCE_SECONDS / 2

    async def look() -> dict[str, Any]:
        if trio.current_time() < away_until:
            raise Unreachable("nobody there")
        return SEEN | {"state": "finished"}

    assert (await watch(look, SEEN))["state"] == "finished"
    away_until = trio.current_time() + 2 * PATIENCE_SECONDS
    with pytest.raises(Unreachable):
        await watch(look, SEEN)
