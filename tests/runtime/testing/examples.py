"""The examples in a module's docstring, as the programs that they are."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

_EXAMPLE = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def example_of(module: ModuleType) -> dict[str, Any]:
    """The names that the first example of `module` defines, once it has run."""
    found = _EXAMPLE.search(module.__doc__ or "")
    assert found is not None, f"{module.__name__} shows no example"
    source = f"from __future__ import annotations\n{found[1]}"
    # Dataclasses look their annotations up in a module of this name.
    names: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(source, f"<the example of {module.__name__}>", "exec"), names)  # noqa: S102 - our own text
    return names
