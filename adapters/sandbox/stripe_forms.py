"""Stripe's forms: `a[b][0][c]=1` as the nested parameters it stands for."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from adapters.sandbox.stripe_errors import Refused, invalid, missing

Json = dict[str, Any]

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decoded(text: str) -> Json:
    """Nested objects; `a[0]`, `a[1]` and `a[]` make a list. Values are texts. Raises Refused."""
    found: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        matched = _NAME.fullmatch(name)
        if matched is None:
            raise Refused(400, f"Invalid parameter name: {name[:60]}")
        _put(found, [matched[1], *_PART.findall(matched[2])], value, name)
    return {name: _with_lists(value) for name, value in found.items()}


def _put(place: Json, path: list[str], value: str, name: str) -> None:
    for part in path[:-1]:
        place = place.setdefault(part or str(len(place)), {})
        if not isinstance(place, dict):
            raise invalid(name, f"Invalid object: {name[:60]}")
    place[path[-1] or str(len(place))] = value


def _with_lists(value: object) -> object:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(item) for name, item in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


class Fields:
    """The parameters of one object; `path` is its name in Stripe's messages."""

    def __init__(self, values: Json, path: str = "") -> None:
        self._values, self._path = values, path

    def name(self, field: str) -> str:
        """`a[b]`, as Stripe names a parameter."""
        return f"{self._path}[{field}]" if self._path else field

    def only(self, known: frozenset[str]) -> None:
        """Refuse what Stripe does not know."""
        for field in self._values.keys() - known:
            text = f"Received unknown parameter: {self.name(field)}"
            raise invalid(self.name(field), text, "parameter_unknown")

    def text(self, field: str, default: str | None = None) -> str:
        """A text; without a default it has to be there."""
        value = self._values.get(field)
        if value is None or value == "":
            if default is None:
                raise missing(self.name(field))
            return default
        if not isinstance(value, str):
            raise invalid(self.name(field), "Invalid string")
        return value

    def integer(self, field: str, default: int | None = None) -> int:
        """A whole number; without a default it has to be there."""
        text = self.text(field, None if default is None else str(default))
        if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
            text = f"Invalid integer: {text[:40]}"
            raise invalid(self.name(field), text, "parameter_invalid_integer")
        return int(text)

    def inner(self, field: str) -> Fields:
        """A nested object; an empty one if it is not there."""
        value = self._values.get(field, {})
        if not isinstance(value, dict):
            raise invalid(self.name(field), "Invalid object")
        return Fields(value, self.name(field))

    def items(self, field: str) -> list[Fields]:
        """A list of nested objects."""
        values = self._values.get(field, [])
        if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
            raise invalid(self.name(field), "Invalid array")
        return [Fields(item, f"{self.name(field)}[{n}]") for n, item in enumerate(values)]

    def words(self, field: str) -> list[str]:
        """A list of texts."""
        values = self._values.get(field, [])
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise invalid(self.name(field), "Invalid array")
        return values

    def texts(self, field: str) -> dict[str, str]:
        """Metadata: at most 50 short keys, with texts of at most 500 characters."""
        values = self._values.get(field, {})
        if not isinstance(values, dict):
            raise invalid(self.name(field), "Invalid object")
        if len(values) > 50:  # noqa: PLR2004 - Stripe's numbers, as in the docstring
            raise invalid(self.name(field), "You can specify up to 50 metadata keys")
        for key, value in values.items():
            if len(key) > 40 or not isinstance(value, str) or len(value) > 500:  # noqa: PLR2004 - the same
                raise invalid(
                    self.name(field), "Metadata keys have up to 40 characters, values 500"
                )
        return dict(values)
