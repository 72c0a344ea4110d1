"""The log says the first few, and afterwards how many there were besides."""

from __future__ import annotations

import structlog
import trio

from runtime import VirtualWorld
from runtime.throttle import LOGGED_PER_WINDOW_MAX, WINDOW_SECONDS, Throttle


async def test_the_first_few_of_a_window_are_let_through() -> None:
    throttle = Throttle(VirtualWorld())
    allowed = [throttle.allows("muted") for _ in range(100)]
    assert allowed == [True] * LOGGED_PER_WINDOW_MAX + [False] * (100 - LOGGED_PER_WINDOW_MAX)


async def test_the_next_window_says_how_many_were_held_back() -> None:
    throttle = Throttle(VirtualWorld())
    for _ in range(100):
        throttle.allows("muted", region="root/sessions")
    await trio.sleep(WINDOW_SECONDS)
    with structlog.testing.capture_logs() as logs:
        assert throttle.allows("muted", region="root/sessions")
    assert logs == [
        {
            "event": "muted",
            "muted": 100 - LOGGED_PER_WINDOW_MAX,
            "region": "root/sessions",
            "log_level": "warning",
        }
    ]
