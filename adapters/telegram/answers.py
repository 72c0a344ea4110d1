"""What a Bot API server answered, read with distrust.

```
{"ok": true,  "result": ...}
{"ok": false, "error_code": 429, "description": "...", "parameters": {"retry_after": 3}}
```

Anything may stand between us and Telegram and answer HTML, half a JSON or nothing at all;
`decode` answers None for all of it. A field of the wrong type counts as absent.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

INTEGER_DIGITS_MAX = 25
"""The Bot API's numbers have at most 52 bits; Python refuses to read one of 4,300 digits."""
DETAIL_MAX_CHARACTERS = 300

_TOKEN_IN_URL = re.compile(r"(?<=/bot)[^/\s\"']+")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in the Bot API's own words. `code` is 200 when it is ok, else 400 to 599."""

    code: int
    result: Any = None
    description: str = ""
    retry_after_seconds: float | None = None
    migrate_to_chat_id: int | None = None


def decode(status: int, content: bytes) -> Answer | None:
    """The answer in `content`; None when it is not one of the Bot API's."""
    try:
        raw = load(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    match raw.get("ok"):
        case True if "result" in raw and status < 400:  # noqa: PLR2004 - where HTTP's errors begin
            return Answer(code=200, result=raw["result"])
        case False:
            return _refusal(status, raw)
        case _:
            return None


def load(content: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """JSON as lenient as it gets: bad UTF-8 is replaced, control characters are let through,
    and an integer without end becomes a string, so that one mad value costs no neighbour.
    Raises ValueError or RecursionError.
    """
    return json.loads(content.decode("utf-8", "replace"), strict=False, parse_int=_integer)


def encode(answer: Answer) -> bytes:
    """A refusal as python-telegram-bot wants to read it."""
    parameters: dict[str, int] = {}
    if answer.migrate_to_chat_id is not None:
        parameters["migrate_to_chat_id"] = answer.migrate_to_chat_id
    refusal = {"ok": False, "description": answer.description, "parameters": parameters}
    return json.dumps(refusal).encode()


def seconds(value: object) -> float | None:
    """A waiting time from outside (a number, or digits in a header); None if it is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def hide_token(text: str) -> str:
    """`text` without whatever follows `/bot` in a URL."""
    return _TOKEN_IN_URL.sub("<token>", text)


def detail(text: str) -> str:
    """`text` from outside, fit for an error: one short line without the token."""
    return " ".join(hide_token(text).split())[:DETAIL_MAX_CHARACTERS]


def _refusal(status: int, raw: dict[str, Any]) -> Answer:
    code = raw.get("error_code")
    if not isinstance(code, int) or isinstance(code, bool) or not 400 <= code <= 599:  # noqa: PLR2004 - HTTP's errors
        code = status if 400 <= status <= 599 else 400  # noqa: PLR2004 - the same
    description = raw.get("description")
    given = raw.get("parameters")
    parameters = given if isinstance(given, dict) else {}
    moved = parameters.get("migrate_to_chat_id")
    return Answer(
        code=code,
        description=detail(description) if isinstance(description, str) else "",
        retry_after_seconds=seconds(parameters.get("retry_after")),
        migrate_to_chat_id=moved if isinstance(moved, int) and -(2**52) < moved < 0 else None,
    )


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= INTEGER_DIGITS_MAX else digits
