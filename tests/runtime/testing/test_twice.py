"""What depends on hashes or addresses shows when a plan is run in two processes."""

from __future__ import annotations

import os

import pytest

from runtime.testing.simulation import Plan, simulate
from runtime.testing.twice import BEFORE, compare, side_by_side
from tests.runtime.testing import errands

pytestmark = pytest.mark.process


def test_what_depends_on_the_plan_alone_is_equal() -> None:
    found = compare(f"{errands.HERE}:race", Plan(seed=4))

    run = simulate(errands.race, Plan(seed=4))
    assert found.equal
    assert found.digests == (run.digest, run.digest)
    assert found.lines == (run.steps, run.steps)


@pytest.mark.parametrize("name", ["hashed", "addressed"])
def test_the_first_line_that_differs_is_told_with_those_before(name: str) -> None:
    found = compare(f"{errands.HERE}:{name}", Plan(seed=4))

    assert found.parted is not None
    assert found.parted[0] != found.parted[1]
    assert found.digests[0] != found.digests[1]
    assert 1 <= len(found.before) <= BEFORE
    assert found.before[-1].endswith("  first") or name == "addressed"


def test_the_end_of_a_trace_is_a_difference() -> None:
    found = side_by_side(("1", ("a", "b")), ("2", ("a", "b", "c")))

    assert found.parted == (None, "c")
    assert (found.before, found.lines, found.digests) == (("a", "b"), (2, 3), ("1", "2"))


def test_the_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    compare(f"{errands.HERE}:quiet", Plan(seed=4))
    assert dict(os.environ) == before
