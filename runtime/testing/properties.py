"""What must be true of a run: what its checks may be, and what their answers mean."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine

import outcome

HOLDS = (True, "")
"""What rules mostly answer."""
_PLAIN = "a check is a plain function, which looks at what is there and does not wait"


class PropertyError(AssertionError):
    """What should always, or at last, be true is not."""


def refuse_async(name: str, check: Callable[[], object]) -> None:
    """Raise `TypeError` for an `async def`: a coroutine is true, whatever it would have said.

    And for what is no function at all, such as the answer itself.
    """
    if not callable(check):
        raise TypeError(f"{name}: {_PLAIN}, and not {check!r}")
    if inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(
        getattr(check, "__call__", None)  # noqa: B004 - an object whose call is async
    ):
        raise TypeError(f"{name}: {_PLAIN}; write `def`, not `async def`")


def plain(name: str, answer: object) -> object:
    """`answer`, unless it would have to be awaited: then `TypeError`."""
    if inspect.isawaitable(answer):
        if isinstance(answer, Coroutine):
            answer.close()
        raise TypeError(f"{name}: {_PLAIN}; this one answers a coroutine")
    return answer


def broken(name: str, held: outcome.Outcome[bool | str]) -> BaseException | None:
    """The error that a rule's answer amounts to; None if it holds."""
    if isinstance(held, outcome.Error):
        error = PropertyError(f"not always true: {name}")
        error.__cause__ = held.error
        return error
    assert isinstance(held, outcome.Value)
    try:
        answer = plain(name, held.value)
    except TypeError as refused:
        return refused
    if isinstance(answer, str):
        return PropertyError(f"not always true: {name}: {answer}") if answer else None
    return None if answer else PropertyError(f"not always true: {name}")
