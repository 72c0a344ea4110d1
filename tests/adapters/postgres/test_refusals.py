"""What nobody can heal by starting again ends the system; the drawn tree is the real one."""

from __future__ import annotations

import inspect

from adapters.postgres import refusals
from runtime import Unavailable, Unrecoverable

CLASSES = dict(inspect.getmembers(refusals, inspect.isclass))
OURS = {name: each for name, each in CLASSES.items() if each.__module__ == refusals.__name__}


def test_a_refusal_ends_the_system_and_a_failed_start_does_not() -> None:
    assert issubclass(refusals.StoreRefused, Unrecoverable)
    assert not issubclass(refusals.StartFailed, Unrecoverable)
    assert not any(issubclass(each, Unavailable) for each in OURS.values())


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = str(refusals.__doc__).split("```")[1].splitlines()
    found: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in filter(str.strip, drawn):
        name = line.lstrip(" │├└─").split()[0].split(".")[-1]
        depth = len(line) - len(line.lstrip(" │├└─"))
        above[depth] = name
        parents = [above[shallower] for shallower in above if shallower < depth]
        found[name] = parents[-1] if parents else ""
        above = {each: known for each, known in above.items() if each <= depth}

    real = {name: each.__mro__[1].__name__ for name, each in OURS.items()}
    assert {name: parent for name, parent in found.items() if parent} == real
