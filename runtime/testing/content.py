"""What a message says, as bytes that are the same in every process: for the digest of a trace.

Values count whole: numbers, texts, bytes, times, enums, and what is made of them by tuples, lists,
sets, mappings and dataclasses. What has an identity instead of a value (an actor's address, a
function, an open connection) and errors count by their type: they might name an address.
"""

from __future__ import annotations

import dataclasses
import marshal
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

_VERSION = 2
"""Of marshal: later ones write where an object was met before, which is no part of its value."""
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_BY_TEXT = (date, timedelta, Decimal, UUID)


def content_of(message: object) -> bytes:
    """The bytes; empty for a message without fields."""
    kind: Any = type(message)
    values = _fields(kind)
    if values is _nothing:
        return b""
    told: Any = message if values is None else values(message)
    try:
        return marshal.dumps(told, _VERSION)
    except ValueError:  # something in it is no plain value
        pass
    try:
        return _written(told)
    except RecursionError:  # it holds itself
        return type(message).__name__.encode()


@cache
def _fields(kind: type) -> Callable[[object], tuple[object, ...]] | None:
    """Takes the fields out of a dataclass; None for what is none, or has none."""
    if not dataclasses.is_dataclass(kind):
        return None
    names = [field.name for field in dataclasses.fields(kind)]
    if not names:
        return _nothing
    several = attrgetter(*names)
    return several if len(names) > 1 else lambda message: (several(message),)


def _nothing(_: object) -> tuple[object, ...]:
    return ()


def _written(value: object) -> bytes:
    """As marshal would, for what it does not take."""
    plain: Any = _plain(value)
    return marshal.dumps(plain, _VERSION)


def _plain(value: object) -> object:
    """The same, of plain values only; each begins with what tells it from others."""
    kind: Any = type(value)
    return value if kind in _PLAIN else _manner(kind)(value)


@cache
def _manner(kind: Any) -> Callable[[Any], object]:
    """How a value of that type is written."""
    name = kind.__name__
    if issubclass(kind, Enum):
        return lambda value: (name, value.name)
    if issubclass(kind, _BY_TEXT):
        return lambda value: (name, str(value))
    if issubclass(kind, tuple | list):
        return lambda value: (name, *map(_plain, value))
    if issubclass(kind, AbstractSet):
        return lambda value: ("set", *sorted(map(_written, value)))
    if issubclass(kind, Mapping):
        return lambda value: (
            "mapping",
            *sorted((_written(key), _written(each)) for key, each in value.items()),
        )
    values = _fields(kind)
    if values is None:
        return lambda _: (name,)
    return lambda value: (name, *map(_plain, values(value)))
