"""The text that NOWPayments signs: not the body as sent, but what JavaScript makes of it.

    canonical = JSON.stringify(sortKeysRecursively(JSON.parse(body)))
    signature = lowercase hex( HMAC-SHA512( trimmed secret, canonical as UTF-8 ) )

Numbers are doubles and are printed as ECMAScript prints them (`10.0` is `10`, `1e-7` stays), keys
are sorted by UTF-16 code units after those that look like array indices, text is literal UTF-8.
The rules were compared with Node's own answers (contract, section 3.5). The vendor's published
sample turns arrays into objects, its SDK keeps them: both texts can be had here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
ARRAY_INDEX_MAX = 2**32 - 2
PLAIN_DIGITS_MAX = 21
"""ECMAScript, Number::toString: from here on to the left an exponent is written ..."""
PLAIN_ZEROS_MAX = 6
"""... and from here on to the right."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
PLAIN_TEXT = re.compile(r"[ !#-\[\]-~]*")
"""Nothing in it needs an escape; nearly every text of a notification. Asked first, for speed."""
PROTOTYPE = "__proto__"
"""Assigned, as sorting does, it becomes what an object inherits from, and is no member any more."""
ORDINARY_KEY = re.compile("[A-Za-z_][ -~]*")
"""Keys of this kind have one order, in Python as in JavaScript."""


def canonicals(document: object) -> tuple[str, ...]:
    """Every text that may have been signed for `document`: one, or two where there is an array."""
    kept = canonical(document)
    if "[" not in kept:
        return (kept,)
    as_objects = canonical(document, arrays_as_objects=True)
    return (kept,) if as_objects == kept else (kept, as_objects)


def signature(text: str, secret: str) -> str:
    """What NOWPayments writes into `x-nowpayments-sig` for a text: 128 lower-case digits."""
    key = secret.strip().encode("utf-8")
    return hmac.new(key, text.encode("utf-8"), hashlib.sha512).hexdigest()


def canonical(value: object, *, arrays_as_objects: bool = False) -> str:
    """The signed text of parsed JSON; raises TypeError for what no JSON holds."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _number(float(value))
        case str():
            return _string(value)
        case list() if arrays_as_objects:
            keyed = {str(index): item for index, item in enumerate(value)}
            return canonical(keyed, arrays_as_objects=True)
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case Mapping():
            members = (
                f"{_string(key)}:{canonical(value[key], arrays_as_objects=arrays_as_objects)}"
                for key in _in_order(value)
                if key != PROTOTYPE
            )
            return f"{{{','.join(members)}}}"
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON")


def _number(value: float) -> str:
    """ECMAScript's Number::toString: the shortest digits that read back as the same double."""
    if not math.isfinite(value):
        return "null"
    shortest = repr(value)
    if value and "e" not in shortest:  # between 1e-4 and 1e16 both languages agree
        return shortest.removesuffix(".0")
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    if not value or not isinstance(exponent, int):
        return "0"
    text, minus = "".join(map(str, digits)), "-" if sign else ""
    point = len(text) + exponent
    if len(text) <= point <= PLAIN_DIGITS_MAX:
        return minus + text.ljust(point, "0")
    if 0 < point <= PLAIN_DIGITS_MAX:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -PLAIN_ZEROS_MAX < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1:+d}"


def _string(text: str) -> str:
    """JSON.stringify escapes what has to be, and a surrogate without its other half."""
    if PLAIN_TEXT.fullmatch(text):
        return f'"{text}"'
    quoted = json.dumps(text, ensure_ascii=False)
    return LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _in_order(keys: Iterable[str]) -> list[str]:
    """As JavaScript lists the keys of an object that was filled in sorted order."""
    if all(ORDINARY_KEY.fullmatch(key) for key in keys):
        return sorted(keys)
    return sorted(keys, key=_place)


def _place(key: str) -> tuple[int, int, bytes]:
    """Where an object's key stands: array indices by number, then the rest as UTF-16."""
    if ARRAY_INDEX.fullmatch(key) and int(key) <= ARRAY_INDEX_MAX:
        return 0, int(key), b""
    return 1, 0, key.encode("utf-16-be", "surrogatepass")
