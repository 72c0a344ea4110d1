"""The same plan in two fresh processes that differ in all that must not matter: where they part.

Hashes of strings are salted differently, and one of the two begins on a heap that is full of
holes, so that addresses, and with them the order of sets of objects, come out differently.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from runtime.testing.campaign import find
from runtime.testing.processes import in_processes
from runtime.testing.simulation import Plan, simulate

HASH_SEEDS = ("1", "4242")
BEFORE = 5
"""Equal lines that are kept in front of the difference."""
NOISE_BLOCKS = 50_000

Told = tuple[str, tuple[str, ...]]
"""The digest of a run, and its trace."""

_noise: list[bytearray] = []
"""Kept for ever: what was freed between them are the holes."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two traces of one plan."""

    digests: tuple[str, str]
    lines: tuple[int, int]
    """How many each has."""
    before: tuple[str, ...]
    """The last lines that are equal."""
    parted: tuple[str | None, str | None] | None
    """The first lines that differ (None for the end of a trace), or None when none does."""

    @property
    def equal(self) -> bool:
        """One plan, one run."""
        return self.parted is None


def compare(scenario: str, plan: Plan, *, warm_up: Callable[[], None] | None = None) -> Comparison:
    """Run `scenario`, named `module:attribute`, twice, and lay the traces side by side."""
    one, other = (_fresh(scenario, plan, run, warm_up) for run in range(len(HASH_SEEDS)))
    return side_by_side(one, other)


def side_by_side(one: Told, other: Told) -> Comparison:
    """Where two traces part, if they do."""
    (digest, first), (digest_again, second) = one, other
    digests, lines = (digest, digest_again), (len(first), len(second))
    for place, pair in enumerate(itertools.zip_longest(first, second)):
        if pair[0] != pair[1]:
            before = tuple(first[max(0, place - BEFORE) : place])
            return Comparison(digests, lines, before, pair)
    return Comparison(digests, lines, (), None)


def _fresh(scenario: str, plan: Plan, run: int, warm_up: Callable[[], None] | None) -> Told:
    with _hash_seed(HASH_SEEDS[run]):
        trace = partial(_trace, scenario, noisy=bool(run))
        [answer] = in_processes(trace, [plan], jobs=1, warm_up=warm_up)
    return answer


def _trace(scenario: str, plan: Plan, *, noisy: bool) -> Told:
    found = find(scenario)
    if noisy:
        _make_noise()  # as late as can be: imports would fill the holes
    run = simulate(found, plan, keep=None, marks=True)
    return run.digest, run.events


def _make_noise() -> None:
    blocks = [bytearray(16 + place * 37 % 480) for place in range(NOISE_BLOCKS)]
    _noise.extend(blocks[::3])
    blocks.reverse()  # a list lets go from its end; now the highest hole is filled first


@contextmanager
def _hash_seed(value: str) -> Iterator[None]:
    """Processes started meanwhile hash strings with this salt."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = value
    try:
        yield
    finally:
        del os.environ["PYTHONHASHSEED"]
        if before is not None:
            os.environ["PYTHONHASHSEED"] = before
