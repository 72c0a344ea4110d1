"""A runtime made wrong on purpose, for as long as one run lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def mutated(
    owner: ModuleType | type, name: str, replacement: Any, *, when: bool = True
) -> Iterator[None]:
    """Let `owner.name` be `replacement` in this block, if `when` says so.

    Raises `AttributeError` if `owner` itself has no such name: a mutant of something that was
    renamed would be the sound runtime, and be hunted for ever.
    """
    if name not in vars(owner):
        msg = f"{owner.__name__} has no {name!r} of its own to mutate"
        raise AttributeError(msg)
    before = vars(owner)[name]
    if when:
        setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, before)
