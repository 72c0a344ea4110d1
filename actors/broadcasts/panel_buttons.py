"""The buttons of a broadcast's panel. Pure.

A button says by itself what it is for, so that one that is pressed late, or twice, or after a
restart is understood:

```
b:<verb>:<broadcast>          pause, resume and cancel
b:start:<broadcast>:<what>    sends what was seen (`fingerprint`), and nothing else
b:page:<broadcast>:<page>     turns to a page of `panel_whom`
b:pick:<broadcast>:<word>     marks or unmarks somebody there, or says when (`panel_when`)
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zlib import crc32

from actors.broadcast.messages import Button
from actors.broadcasts.messages import BUTTON_PREFIX
from actors.broadcasts.model import Broadcast, packed
from actors.kernel.ids import BroadcastId

MARK = "\u2713 "
"""In front of what is chosen."""
NUMBER_LENGTH_MAX = 17
"""Digits of 63 bits that are certain to fit."""

Verb = Literal["start", "resume", "pause", "cancel", "page", "pick"]
_VERBS: tuple[Verb, ...] = ("start", "resume", "pause", "cancel", "page", "pick")


@dataclass(frozen=True, slots=True)
class Press:
    """What a button says."""

    verb: Verb
    broadcast_id: BroadcastId
    word: str = ""


def press_of(data: str) -> Press | None:
    """What a button of ours says; None for one that is not."""
    verb, _, rest = data.removeprefix(BUTTON_PREFIX).partition(":")
    number, _, word = rest.partition(":")
    if not data.startswith(BUTTON_PREFIX) or verb not in _VERBS:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) <= NUMBER_LENGTH_MAX):
        return None
    return Press(verb, BroadcastId(int(number)), word)


def fingerprint(broadcast: Broadcast) -> str:
    """Of what would be sent, to whom and when: another one is what nobody has confirmed."""
    told = f"{packed(broadcast.content)}\n{packed(broadcast.audience)}"
    if broadcast.timed:
        told += f"\n{broadcast.starts_at.timestamp()}"
    return f"{crc32(told.encode()):08x}"


def button(broadcast: Broadcast, text: str, verb: Verb, word: str = "") -> Button:
    """One that says what is to be done with this broadcast."""
    data = f"{BUTTON_PREFIX}{verb}:{broadcast.broadcast_id}"
    return Button(text=text, data=f"{data}:{word}" if word else data)
