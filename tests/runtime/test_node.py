"""Everything in the tree has both faces, or the one that it needs."""

from __future__ import annotations

import inspect

import pytest

from runtime.keyed import Region
from runtime.node import Child, Parent
from runtime.supervised import CellChild
from runtime.supervisor import Supervisor


def _face(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [Supervisor, Region, CellChild])
def test_a_supervisor_can_treat_all_its_children_alike(kind: type) -> None:
    for name in _face(Child) - {"name", "path"}:
        method, promised = getattr(kind, name), getattr(Child, name)
        assert inspect.iscoroutinefunction(method) is inspect.iscoroutinefunction(promised), name
        assert inspect.signature(method).parameters == inspect.signature(promised).parameters, name


@pytest.mark.parametrize("kind", [Supervisor, Region])
def test_a_parent_decides_in_one_synchronous_step(kind: type) -> None:
    for name in _face(Parent) - {"path"}:
        assert callable(getattr(kind, name))
        assert not inspect.iscoroutinefunction(getattr(kind, name)), name
