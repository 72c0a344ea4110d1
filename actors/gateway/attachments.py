"""What came with a message that is no text, read leniently. Pure.

Telegram adds kinds and fields; one that is not as expected costs that field, never the message.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from actors.sessions import messages as sessions

CAPTION_MAX_CHARACTERS = 4_096
"""1,024, and as many as a text has from who pays Telegram for it."""
FILE_ID_MAX_CHARACTERS = 256
ALBUM_MAX_CHARACTERS = 64
CONTACT_NAME_MAX_CHARACTERS = 130


def attached(
    kind: str, raw: Mapping[str, Any], *, clean: Callable[[str], str]
) -> sessions.Attached:
    """What `raw`, a message of this kind, has attached to it."""
    thing = raw.get(kind)
    if isinstance(thing, list):  # a photo in several sizes, the largest last
        thing = thing[-1] if thing else None
    fields: Mapping[str, Any] = thing if isinstance(thing, dict) else {}
    place = raw.get("location")
    point: Mapping[str, Any] = place if isinstance(place, dict) else {}
    latitude = _degrees(point.get("latitude"), 90.0)
    longitude = _degrees(point.get("longitude"), 180.0)
    known = latitude is not None and longitude is not None
    return sessions.Attached(
        file_id=_text(fields.get("file_id"), clean)[:FILE_ID_MAX_CHARACTERS],
        caption=_text(raw.get("caption"), clean)[:CAPTION_MAX_CHARACTERS],
        media_group_id=_text(raw.get("media_group_id"), clean)[:ALBUM_MAX_CHARACTERS],
        latitude=latitude if known else None,
        longitude=longitude if known else None,
    )


def contact_name(raw: Mapping[str, Any], *, clean: Callable[[str], str]) -> str:
    """Whose contact was shared, as one line; empty when it is not told."""
    contact = raw.get("contact")
    told: Mapping[str, Any] = contact if isinstance(contact, dict) else {}
    names = (_text(told.get(name), clean) for name in ("first_name", "last_name"))
    return " ".join(" ".join(names).split())[:CONTACT_NAME_MAX_CHARACTERS]


def _text(value: object, clean: Callable[[str], str]) -> str:
    return clean(value) if isinstance(value, str) else ""


def _degrees(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= most else None
