"""What is said of settings that are lacking, malformed or misspelt. Pure.

No value is ever echoed: a token pasted into the wrong variable would end up in a log.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic.fields import FieldInfo

LIKENESS_MIN = 0.85
"""From which likeness, in [0, 1], to the name of a setting another name is a slip of the pen."""
_NAME = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*=", re.MULTILINE)


class Lacking(str):
    """The blank value of what is missed, and the setting `by` which it is."""

    __slots__ = ("by",)
    by: str

    def __new__(cls, by: str) -> Self:
        blank = super().__new__(cls)
        blank.by = by
        return blank


def report(
    fields: Iterable[FieldInfo], faults: Iterable[Mapping[str, Any]], slips: Mapping[str, str]
) -> str:
    """Every fault, as pydantic tells it, with what was expected instead, a line each; then the
    names that are none.
    """
    verdicts = {str(fault["loc"][0]): _verdict(fault) for fault in faults}
    width = max(map(len, verdicts))
    lines = [
        f"  {field.alias:<{width}}  is {verdicts[field.alias]}: "
        f"expected {field.description}; for example {(field.examples or [''])[0]}"
        for field in fields
        if field.alias in verdicts
    ]
    count = "1 setting is" if len(lines) == 1 else f"{len(lines)} settings are"
    lines += [f"  {name}  is no setting: is {meant} meant?" for name, meant in slips.items()]
    return "\n".join([f"{count} missing or malformed (.env.example explains each):", *lines])


def slips_in(text: str, known: Collection[str]) -> dict[str, str]:
    """Names in a file of settings that are no settings, each with the one that was meant."""
    told = sorted(set(_NAME.findall(text)) - set(known))
    close = {name: get_close_matches(name, known, n=1, cutoff=LIKENESS_MIN) for name in told}
    return {name: meant[0] for name, meant in close.items() if meant}


def _verdict(fault: Mapping[str, Any]) -> str:
    told = fault["input"]
    if fault["type"] != "missing" and told != "":
        return "malformed"
    return f"missing, and {told.by} wants it" if isinstance(told, Lacking) else "missing"
