"""Pure: which siblings fall together with a failed child (OTP, `supervisor`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar, assert_never

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]
Restart = Literal["permanent", "transient", "temporary"]

C = TypeVar("C")


def fallen(strategy: Strategy, children: Sequence[C], failed: C) -> tuple[C, ...]:
    """The children to restart when `failed` does, in the order in which they start.

    They are stopped in the reverse of it; `failed` itself is among them.
    """
    match strategy:
        case "one_for_one":
            return (failed,)
        case "one_for_all":
            return tuple(children)
        case "rest_for_one":
            return tuple(children[children.index(failed) :])
        case _:
            assert_never(strategy)


def restarts(restart: Restart, *, failure: bool) -> bool:
    """Whether a child of this kind is restarted after it ended, by failure or by itself."""
    match restart:
        case "permanent":
            return True
        case "transient":
            return failure
        case "temporary":
            return False
        case _:
            assert_never(restart)
