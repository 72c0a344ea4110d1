"""What is typed of a broadcast at a terminal: what is sent, and to whom; in the API's words."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import cyclopts

from actors.broadcasts.model import CHAT_IDS_MAX

Words = Annotated[tuple[str, ...], cyclopts.Parameter(negative="", show_default=False)]

_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@cyclopts.Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is sent with the text."""

    photo: str | None = None
    """A file_id of Telegram or an https address; so are the next three."""

    video: str | None = None

    document: str | None = None

    animation: str | None = None

    button: Words = ()
    """A button below it that opens an address, such as "Read more=https://example.org"."""

    def told(self, text: str) -> dict[str, Any]:
        """The content in the API's words. Raises `ValueError`."""
        kinds = ("photo", "video", "document", "animation")
        media = [(kind, getattr(self, kind)) for kind in kinds if getattr(self, kind) is not None]
        if len(media) > 1:
            raise ValueError("a message has one photo, video, document or animation")
        told: dict[str, Any] = {"text": sys.stdin.read() if text == "-" else text}
        for kind, file in media:
            told["media"] = {"kind": kind, "file": file}
        if self.button:
            told["buttons"] = [[_button(each)] for each in self.button]
        return told


@cyclopts.Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Who gets it: those to whom all of it applies, everybody without."""

    language: Words = ()
    """ru, uk or en; several with several options."""

    state: Words = ()
    """Where their conversation stands, such as success or awaiting_payment (docs/flow.md)."""

    plan: Words = ()
    """They own this product (docs/products.md)."""

    active: str | None = None
    """Their conversation has moved in this time, such as 12h or 30d."""

    chats: Path | None = None
    """A file with chat ids, one in a line."""

    def told(self, *, now: datetime) -> dict[str, Any]:
        """The audience in the API's words. Raises `ValueError`."""
        told: dict[str, Any] = {
            "languages": list(self.language),
            "states": list(self.state),
            "products": list(self.plan),
        }
        if self.active is not None:
            told["active_since"] = (now - _age(self.active)).isoformat()
        if self.chats is not None:
            told["chat_ids"] = _chat_ids(self.chats)
        return told


def _button(told: str) -> dict[str, str]:
    text, separator, url = told.partition("=")
    if not separator:
        raise ValueError(f'no button: {told[:40]!r}; write "Read more=https://example.org"')
    return {"text": text.strip(), "url": url.strip()}


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"no age: {text[:20]!r}; write 90s, 30m, 12h or 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _chat_ids(file: Path) -> list[int]:
    try:
        words = file.read_text("utf-8").split()
        chat_ids = [int(word) for word in words]
    except (OSError, ValueError):
        raise ValueError(f"{file} is no file with a chat id in each line") from None
    if len(chat_ids) > CHAT_IDS_MAX:
        raise ValueError(
            f"{file} lists {len(chat_ids):,} chats and a broadcast takes {CHAT_IDS_MAX:,}: choose "
            "them by --language, --state, --plan or --active, or make several of it"
        )
    return chat_ids
