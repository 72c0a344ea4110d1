"""Specifications are plain data with sensible defaults."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from runtime import Backoff, Budget, ChildSpec, KeyedSpec, SupervisorSpec
from tests.runtime.puppet import Puppet


def test_a_spec_is_immutable_and_can_be_varied() -> None:
    spec = ChildSpec(name="a", factory=Puppet)
    with pytest.raises(FrozenInstanceError):
        spec.name = "b"  # type: ignore[misc]
    assert replace(spec, restart="temporary").restart == "temporary"
    assert spec == ChildSpec(name="a", factory=Puppet)


def test_the_defaults_are_those_of_the_manual() -> None:
    spec = ChildSpec(name="a", factory=Puppet)
    assert (spec.restart, spec.shutdown_seconds) == ("permanent", 5.0)
    assert spec.budget == Budget(restarts=5, within_seconds=60.0)
    assert spec.backoff == Backoff(first_seconds=0.2, last_seconds=30.0, jitter=0.1)
    assert SupervisorSpec(name="root").strategy == "one_for_one"
    assert KeyedSpec(name="k", factory=lambda _: Puppet()).awake_max == 100_000


@pytest.mark.parametrize("kind", [ChildSpec, KeyedSpec, SupervisorSpec])
def test_everything_is_given_by_keyword(kind: type) -> None:
    assert all(field.kw_only for field in fields(kind))


def test_children_of_one_supervisor_need_different_names_whatever_they_are() -> None:
    children = (ChildSpec(name="a", factory=Puppet), SupervisorSpec(name="a"))
    with pytest.raises(ValueError, match="different names"):
        SupervisorSpec(name="root", children=children)
