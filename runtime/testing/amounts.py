"""Numbers that tests give: what makes no sense is refused where it is said."""

from __future__ import annotations

import math


def amount(name: str, value: float, *, least: float = 0.0, most: float = math.inf) -> float:
    """`value`, if it is finite and lies from `least` to `most`. Raises `ValueError`."""
    if math.isfinite(value) and least <= value <= most:
        return value
    raise ValueError(f"{name} is {value!r}; expected a number from {least:g} to {most:g}")
