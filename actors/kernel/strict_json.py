"""JSON from outside, read strictly: what two readers could understand differently is refused.

Duplicate keys, NaN and Infinity, numbers beyond what a ledger or a 64-bit id holds, text that is
no UTF-8, deep nesting, large bodies. Numbers with a point or an exponent become `Decimal`, never
`float` (`contracts/providers.md` section 8, "Parsing money").
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

BYTES_MAX = 256 * 1024
DEPTH_MAX = 32
"""Objects and arrays inside each other."""
NUMBER_DIGITS_MAX = 40
"""Characters of one number; the ledger keeps 38 digits."""


class MalformedJson(ValueError):  # noqa: N818 - a verdict
    """Not JSON as we accept it; the text says what was found, never the input itself."""


def loads(body: bytes, *, max_bytes: int = BYTES_MAX) -> Any:  # noqa: ANN401 - JSON may be anything
    """The value of `body`; raises `MalformedJson`."""
    if len(body) > max_bytes:
        raise MalformedJson(f"more than {max_bytes} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("not UTF-8") from None
    _check_depth(text)
    try:
        return _DECODER.decode(text)
    except MalformedJson:
        raise
    except ValueError:
        raise MalformedJson("not JSON") from None


def load_object(body: bytes, *, max_bytes: int = BYTES_MAX) -> dict[str, Any]:
    """The object that `body` is; raises `MalformedJson` also for anything else."""
    value = loads(body, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedJson("not an object")
    return value


def _check_depth(text: str) -> None:
    """Before the parser recurses; brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return  # nearly everything there is
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise MalformedJson(f"nested deeper than {DEPTH_MAX}")
        elif character in "]}":
            depth -= 1


def _decimal(text: str) -> Decimal:
    if len(text) > NUMBER_DIGITS_MAX:
        raise MalformedJson(f"a number of more than {NUMBER_DIGITS_MAX} digits")
    try:
        return Decimal(text)
    except InvalidOperation:  # no ValueError: an exponent of twenty digits
        raise MalformedJson("a number beyond all bounds") from None


def _integer(text: str) -> int:
    if len(text) > NUMBER_DIGITS_MAX:
        raise MalformedJson(f"a number of more than {NUMBER_DIGITS_MAX} digits")
    return int(text)


def _refuse_constant(name: str) -> object:
    raise MalformedJson(f"{name} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("a key stands twice in one object")
    return found


_DECODER = json.JSONDecoder(
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)
"""One for all: `json.loads` would make another each time."""
