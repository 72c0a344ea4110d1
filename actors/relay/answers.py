"""What the webhook's answer says to the user. Pure.

A scenario of Make with a "Webhook response" answers what its author wrote; without one Make says
`Accepted`. Understood are JSON (`{"text": "..."}`, other fields are ignored) and plain text.
"""

from __future__ import annotations

from actors.kernel.strict_json import MalformedJson, load_object
from actors.relay.model import Accepted

LATER = "Accepted"
"""Make's own word: the scenario has begun. What it has to say comes through our API."""
PART_UNITS = 4_000
"""UTF-16 code units of one message; Telegram takes 4,096."""
PARTS_MAX = 5
"""Messages of one answer; what is longer than all of them is cut, and that is logged."""
CUT = "the answer was cut: it is longer than five messages"


def heard(content_type: str, body: bytes) -> Accepted:
    """What an answer of status 200 means."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        return Accepted(fault="the answer is no text in UTF-8")
    if text == LATER:
        return Accepted(later=True)
    if not text:
        return Accepted()
    if kind == "application/json" or (kind in {"", "text/plain"} and text.startswith("{")):
        return _said_by(body)
    if kind in {"", "text/plain"}:
        return _said(text)
    return Accepted(fault=f"an answer of the type {kind[:40]!r} is for nobody")


def parts(text: str) -> tuple[str, ...]:
    """`text` in messages that Telegram takes, cut where a line or a word ends if there is one."""
    found: list[str] = []
    rest = text.strip()
    while rest:
        part = rest[: _fitting(rest)]
        if len(part) < len(rest):
            ends = (part.rfind("\n"), part.rfind(" "))
            part = part[: next((end for end in ends if end > len(part) // 2), len(part))]
        found.append(part.rstrip())
        rest = rest[len(part) :].lstrip()
    return tuple(found)


def _said_by(body: bytes) -> Accepted:
    try:
        fields = load_object(body)
    except MalformedJson as error:
        return Accepted(fault=f"the answer is no JSON object: {error}")
    text = fields.get("text", "")
    if not isinstance(text, str):
        return Accepted(fault="the field `text` of the answer is no text")
    return _said(text)


def _said(text: str) -> Accepted:
    printable = "".join(c for c in text if c in "\n\t" or ord(c) >= ord(" "))
    whole = printable.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    found = parts(whole.replace("\x7f", ""))
    return Accepted(texts=found[:PARTS_MAX], fault=CUT if len(found) > PARTS_MAX else "")


def _fitting(text: str) -> int:
    """How many characters of `text` fit into one message."""
    if len(text) <= PART_UNITS // 2:
        return len(text)
    units = 0
    for place, character in enumerate(text):
        units += 1 + (ord(character) > 0xFFFF)  # noqa: PLR2004 - what UTF-16 has one unit for
        if units > PART_UNITS:
            return place
    return len(text)
