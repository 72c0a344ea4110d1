"""What was published, and when: nobody hears it too often while he records it. Pure."""

from __future__ import annotations

from collections.abc import Container, Hashable
from math import inf
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Repeats(Generic[K]):
    """A piece of news is known by its key; it is due again after `patience_seconds`."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._told: dict[K, float] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._told

    def __len__(self) -> int:
        return len(self._told)

    def due(self, key: K, now: float) -> bool:
        """Whether it is to be published, for the first time or again."""
        return now - self._told.get(key, -inf) >= self._patience_seconds

    def published(self, key: K, now: float) -> None:
        """It was, now."""
        self._told[key] = now

    def forget(self, now: float, *, but: Container[K] = ()) -> None:
        """What is too old to matter, and not among `but`."""
        self._told = {
            key: at
            for key, at in self._told.items()
            if key in but or now - at < self._patience_seconds
        }
