"""What cannot be looked up is tried again later and later, and somebody hears of it."""

from __future__ import annotations

from actors.broadcasts.put_off import FAILURES_SHOWN, PAUSE_MAX_SECONDS, PutOff
from actors.kernel.ids import BroadcastId

ONE, TWO = BroadcastId(1), BroadcastId(2)


def test_each_failure_doubles_the_pause_up_to_a_limit() -> None:
    put_off, now, pauses = PutOff(), 0.0, []
    assert put_off.due(ONE, now=now)
    for _ in range(9):
        put_off.failed(ONE, "slow", now=now)
        pauses.append(next(s for s in range(1, 999) if put_off.due(ONE, now=now + s)))
        now += pauses[-1]
    assert pauses == [5, 10, 20, 40, 80, 160, *[PAUSE_MAX_SECONDS] * 3]
    assert put_off.due(TWO, now=0.0)
    for _ in range(2_000):
        put_off.failed(ONE, "slow", now=now)
    assert put_off.due(ONE, now=now + PAUSE_MAX_SECONDS)


def test_what_fails_again_and_again_is_told_until_it_is_over() -> None:
    put_off = PutOff()
    for times in range(1, FAILURES_SHOWN + 1):
        assert put_off.told() == []
        put_off.failed(ONE, f"slow {times}", now=0.0)
    (told,) = put_off.told()
    assert told.startswith("broadcast 1 cannot begin")
    assert told.endswith(f"(slow {FAILURES_SHOWN})")
    assert put_off
    put_off.forget(ONE)
    put_off.forget(TWO)
    assert not put_off
    assert put_off.told() == []
    assert put_off.due(ONE, now=0.0)
