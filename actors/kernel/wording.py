"""How many of something there are, as people read it."""

from __future__ import annotations


def several(number: int, one: str, more: str) -> str:
    """`1 order waits`, `3 orders wait`: what follows the number agrees with it."""
    return f"{number} {one if number == 1 else more}"
