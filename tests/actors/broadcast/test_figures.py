"""How the lanes add up."""

from __future__ import annotations

from dataclasses import replace

from actors.broadcast.desk import Desk
from actors.broadcast.figures import LaneFigures
from actors.broadcast.tokens import Limits


def test_the_lanes_add_up() -> None:
    calm = Desk(Limits()).figures(0)
    assert (calm.depth, calm.chats, calm.oldest_age_seconds) == (0, 0, 0.0)
    busy = replace(
        calm,
        lanes={
            "answer": LaneFigures(depth=2, chats=1, oldest_age_seconds=0.5),
            "bulk": LaneFigures(depth=40, chats=39, oldest_age_seconds=9.0),
        },
    )
    assert (busy.depth, busy.chats, busy.oldest_age_seconds) == (42, 40, 9.0)
