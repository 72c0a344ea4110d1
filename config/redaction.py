"""Keep secrets out of whatever is about to be written down.

Three nets, because each has holes: values under a telling name (`bot_token`), shapes that
only secrets have (a bot token inside a URL), and the very secrets this process was given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeGuard
from urllib.parse import quote

REDACTED = "[redacted]"
SECRET_LENGTH_MIN = 6  # characters; a shorter "secret" would punch holes into ordinary words
TEXT_LENGTH_MAX = 16_384  # characters of one value that reach the log
TEXT_READ_MAX = 32_768  # characters looked at; well beyond TEXT_LENGTH_MAX, so no half secret shows
DEPTH_MAX = 6  # levels of nested values
ITEMS_MAX = 100  # entries of one collection

_NAMES = (
    r"token(?!s)|secret|passw|passphrase|authorization|cookie|credential|api[_-]?key|"
    r"private[_-]?key|signature|mnemonic|keystore|dsn|database_url|cvv|cvc|card_number"
)
_TELLING_NAME = re.compile(_NAMES, re.IGNORECASE)

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Telegram's paths, whatever the token looks like: /bot<token>/ and /file/bot<token>/
        (r"/bot[0-9]+(?::|%3A)[^/\s\"'?]+", f"/bot{REDACTED}"),
        # a bot token anywhere else
        (r"(?<![0-9])[0-9]{6,20}(?::|%3A)[A-Za-z0-9_-]{30,}", REDACTED),
        # scheme://user:password@host; a password may hold further @ signs
        (r"(://[^\s/:@\"']*):[^\s/\"']+@", rf"\1:{REDACTED}@"),
        # before names, which would take `Bearer` for the secret in `Authorization: Bearer ...`
        (r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", rf"\1 {REDACTED}"),
        # {"api_key": "..."} or ('api_key', '...') quoted inside a text
        (
            rf"([\"'][\w.-]{{0,40}}(?:{_NAMES})[\w.-]{{0,40}}[\"']\s*[:,]\s*b?)(\"[^\"]*\"|'[^']*')",
            rf"\1{REDACTED}",
        ),
        # password=..., &xc-token=..., X-Secret: ...
        (
            rf"\b([\w-]{{0,40}}(?:{_NAMES})[\w-]{{0,40}}\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s&,;'\"]+)",
            rf"\1{REDACTED}",
        ),
        (r"\b(?:sk|rk|whsec)_[A-Za-z0-9_-]{12,}", REDACTED),
        # keys, digests and signatures; 32 digits are the id of an order, which logs are about
        (r"(?<![0-9a-z])(?:0x)?[0-9a-f]{33,}(?![0-9a-z])", REDACTED),
    )
)


def redactor(secrets: Iterable[str] = ()) -> Callable[[object], object]:
    """A function that gives back a value fit to be logged, knowing `secrets` by heart.

    Numbers, booleans and None come back as they are, collections as dicts and lists, anything
    else as its `repr`. Longer texts and collections, and deeper ones, are cut and say so.
    """
    plain = [secret for secret in secrets if len(secret) >= SECRET_LENGTH_MIN]
    known = sorted({*plain, *(quote(secret, safe="") for secret in plain)}, key=len, reverse=True)
    shapes = _SHAPES
    if known:  # the longest first: one secret may be part of another
        shapes = ((re.compile("|".join(map(re.escape, known))), REDACTED), *_SHAPES)

    def clean_text(text: str) -> str:
        read = text[:TEXT_READ_MAX]
        cleaned = reduce(lambda told, shape: shape[0].sub(shape[1], told), shapes, read)
        if len(read) == len(text) and len(cleaned) <= TEXT_LENGTH_MAX:
            return cleaned
        return f"{cleaned[:TEXT_LENGTH_MAX]} [cut, {len(text)} characters]"

    def clean(value: object, depth: int = 0) -> object:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else repr(value)  # JSON has no NaN
        if isinstance(value, str):
            return clean_text(value)
        if depth >= DEPTH_MAX:
            return f"[cut, {type(value).__name__}]"
        if isinstance(value, Mapping):
            return _clean_mapping(value, clean, clean_text, depth)
        if isinstance(value, list | tuple | set | frozenset):
            if _is_named_secret(value):
                return [clean(value[0], depth + 1), REDACTED]
            items = [clean(item, depth + 1) for item in list(value)[:ITEMS_MAX]]
            return items if len(value) <= ITEMS_MAX else [*items, f"[cut, {len(value)} items]"]
        return clean_text(repr(value))

    return clean


def _is_named_secret(value: Collection[object]) -> TypeGuard[Sequence[object]]:
    """A header as libraries hold it: a pair of a name and a value, as text or as bytes."""
    if not isinstance(value, list | tuple) or len(value) != len(("name", "value")):
        return False
    name = value[0]
    return isinstance(name, str | bytes) and _TELLING_NAME.search(str(name)) is not None


def _clean_mapping(
    values: Mapping[object, object],
    clean: Callable[[object, int], object],
    clean_text: Callable[[str], str],
    depth: int,
) -> dict[str, object]:
    cleaned: dict[str, object] = {}
    for key, value in list(values.items())[:ITEMS_MAX]:
        name = key if isinstance(key, str) else repr(key)
        hidden = value is not None and _TELLING_NAME.search(name) is not None
        cleaned[clean_text(name)] = REDACTED if hidden else clean(value, depth + 1)
    if len(values) > ITEMS_MAX:
        cleaned["..."] = f"[cut, {len(values)} items]"
    return cleaned
