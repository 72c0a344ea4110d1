"""Errors that nurseries have grouped: which they are, and whether two are the same failure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

_KIT = str(Path(__file__).parent)


def bare(error: BaseException) -> BaseException:
    """The error itself, where nurseries have only wrapped it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def members(error: BaseException | None) -> list[BaseException]:
    """The error, and whatever it groups."""
    grouped = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    inner = [member for each in grouped for member in members(each)]
    return inner if error is None else [error, *inner]


def kinds(error: BaseException) -> list[str]:
    """What makes two failures the same one: equal kinds, those of all that are grouped.

    The type and the first line of the text; of a plain `assert`, whose text tells the values of
    that run, the type and the place.
    """
    return list(dict.fromkeys(_kinds(error)))


def _kinds(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _kinds(each)
    elif type(error) is AssertionError:
        yield f"AssertionError at {_place(error)}"
    else:
        yield f"{type(error).__name__}: {error}".partition("\n")[0]


def _place(error: BaseException) -> str:
    """The innermost place outside of the kit, whose probes fail for many."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(_KIT)]
    return next((f"{at.filename}:{at.lineno} {at.name}" for at in reversed(outside or frames)), "?")
