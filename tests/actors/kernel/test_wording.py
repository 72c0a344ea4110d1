"""What follows a number agrees with it."""

from __future__ import annotations

from actors.kernel.wording import several


def test_one_is_told_apart_from_none_and_many() -> None:
    told = [several(number, "order waits", "orders wait") for number in (0, 1, 2, 21)]
    assert told == ["0 orders wait", "1 order waits", "2 orders wait", "21 orders wait"]
