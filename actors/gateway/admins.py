"""What administrators write in their chat that is not for a conversation: `/broadcast`. Pure.

Their chat may be a group, whose messages mean nothing otherwise. What is to be sent stands behind
the command, below a photo, a video, a document or an animation, or is the message that the command
answers; it becomes HTML that shows what they see. Last lines such as `[Read] https://example.org`
become buttons; a message that is answered keeps those of its own that open an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from actors.broadcast.messages import Button, Keyboard, Media
from actors.broadcasts import messages as broadcasts
from actors.gateway.model import Arrival, Reading, Routed, Stored
from actors.gateway.reading import CALLBACK_DATA_MAX_CHARACTERS, clean, read
from actors.kernel.ids import ChatId, MessageId
from runtime import Recipient

COMMAND = re.compile(rf"/{broadcasts.COMMAND}(?:@[A-Za-z0-9_]{{1,32}})?(?![A-Za-z0-9_])\s*")
CALLBACK_ID = re.compile(r"[\x21-\x7e]{1,128}")
BUTTON_LINE = re.compile(r"\[([^\[\]\n]+)\][ \t]*((?:https?|tg)://\S+)[ \t]*")
FILE_ID_MAX_CHARACTERS = 256
WHO_MAX_CHARACTERS = 64

_KINDS: tuple[Literal["animation", "photo", "video", "document"], ...] = (
    "animation",  # before `document`, which comes with it
    "photo",
    "video",
    "document",
)
_TAGS = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "expandable_blockquote": "blockquote",
}


@dataclass(frozen=True, slots=True)
class Admins:
    """The chat of the administrators, and who hears what they want broadcast."""

    chat_id: ChatId
    broadcaster: Recipient[broadcasts.Heard]


def reader(admins: Admins | None) -> Callable[[Arrival | Stored], Reading]:
    """How updates are read where the administrators have this chat, if they have one."""
    if admins is None:
        return read

    def read_all(arrival: Arrival | Stored) -> Reading:
        return for_broadcaster(arrival, admins.chat_id) or read(arrival)

    return read_all


def for_broadcaster(arrival: Arrival | Stored, admin_chat_id: ChatId) -> Routed | None:
    """What the broadcaster hears; None for what is not for it. Never raises."""
    body = arrival.body
    if f"/{broadcasts.COMMAND}" not in body and _BUTTON not in body:
        return None
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match raw:
        case {"message": {"chat": {"id": found}} as message} if found == admin_chat_id:
            heard: broadcasts.Heard | None = _composed(arrival, message)
        case {"callback_query": {"message": {"chat": {"id": found}}} as pressed} if (
            found == admin_chat_id
        ):
            heard = _pressed(arrival, pressed)
        case _:
            heard = None
    return None if heard is None else Routed(admin_chat_id, heard)


_BUTTON = f'"{broadcasts.BUTTON_PREFIX}'
"""How the data of our buttons begins in an update."""


def _composed(arrival: Arrival | Stored, message: Mapping[str, Any]) -> broadcasts.Composed | None:
    text, entities = _said(message)
    command = COMMAND.match(text)
    if command is None:
        return None
    told, buttons = _composition(text, entities, start=command.end())
    media, answered = _media(message), message.get("reply_to_message")
    if not told.strip() and media is None and isinstance(answered, dict):
        told, own = _composition(*_said(answered))
        media, buttons = _media(answered), buttons or own or _opening(answered)
    return broadcasts.Composed(
        update_id=arrival.update_id,
        who=_who(message.get("from")),
        text=told,
        media=media,
        buttons=buttons,
    )


def _pressed(arrival: Arrival | Stored, pressed: Mapping[str, Any]) -> broadcasts.Pressed | None:
    match pressed:
        case {"id": str(callback_id), "data": str(data)} if data.startswith(
            broadcasts.BUTTON_PREFIX
        ) and CALLBACK_ID.fullmatch(callback_id):
            shown = pressed["message"].get("message_id")
            return broadcasts.Pressed(
                update_id=arrival.update_id,
                who=_who(pressed.get("from")),
                callback_id=callback_id,
                message_id=MessageId(shown) if type(shown) is int else None,
                data=clean(data)[:CALLBACK_DATA_MAX_CHARACTERS],
            )
        case _:
            return None


def _composition(text: str, entities: Sequence[Any], *, start: int = 0) -> tuple[str, Keyboard]:
    """What is to be said, as HTML, and the buttons that its last lines are."""
    lines = text[start:].rstrip().split("\n")
    rows: list[tuple[Button, ...]] = []
    while lines and (line := BUTTON_LINE.fullmatch(lines[-1])):
        lines.pop()
        rows.insert(0, (Button(text=clean(line[1]).strip(), url=clean(line[2])),))
    said = text[:start] + "\n".join(lines)
    return html_of(said if rows else text, entities, start=start), tuple(rows)


def _opening(answered: Mapping[str, Any]) -> Keyboard:
    """The buttons of a message that open an address."""
    match answered:
        case {"reply_markup": {"inline_keyboard": [*rows]}}:
            kept = [tuple(_addressed(row)) for row in rows if isinstance(row, list)]
            return tuple(row for row in kept if row)
        case _:
            return ()


def _addressed(row: Sequence[Any]) -> Iterator[Button]:
    for key in row:
        match key:
            case {"text": str(text), "url": str(url)}:
                yield Button(text=clean(text), url=clean(url))
            case _:
                pass


def html_of(text: str, entities: Sequence[Any], *, start: int = 0) -> str:
    """The HTML that shows `text` from `start` on as it was formatted.

    Offsets count UTF-16 code units, as Telegram does (`start` too, behind a command in ASCII). What
    is not understood shows as plain text.
    """
    units = text.encode("utf-16-le", "replace")
    end = len(units) // 2
    opening: dict[int, list[str]] = {}
    closing: dict[int, list[str]] = {}
    for begins, ends, entity in sorted(_placed(entities, end), key=lambda e: (e[0], -e[1])):
        tags = _tags(entity)
        if tags is not None and ends > max(begins, start):
            opening.setdefault(max(begins, start), []).append(tags[0])
            closing.setdefault(ends, []).insert(0, tags[1])
    cuts = sorted({start, end, *opening, *closing})
    told = []
    for cut, following in zip(cuts, [*cuts[1:], end], strict=True):
        told += closing.get(cut, []) + opening.get(cut, [])
        told.append(escape(units[2 * cut : 2 * following].decode("utf-16-le", "replace"), False))  # noqa: FBT003 - quotes stay as they are
    return clean("".join(told))


def _placed(entities: Sequence[Any], end: int) -> list[tuple[int, int, Mapping[str, Any]]]:
    """Those that begin inside the text: from, to, and what."""
    placed = []
    for entity in entities:
        match entity:
            case {"offset": int(offset), "length": int(length)} if 0 <= offset < end and length > 0:
                placed.append((offset, offset + length, entity))
    return placed


def _tags(entity: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is written before and after it."""
    match entity:
        case {"type": "text_link", "url": str(url)}:
            return f'<a href="{escape(url)}">', "</a>"
        case {"type": "custom_emoji", "custom_emoji_id": str(emoji)}:
            return f'<tg-emoji emoji-id="{escape(emoji)}">', "</tg-emoji>"
        case {"type": "pre", "language": str(language)} if language:
            opened = f'<pre><code class="language-{escape(language)}">'
            return opened, "</code></pre>"
        case {"type": "expandable_blockquote"}:
            return "<blockquote expandable>", "</blockquote>"
        case {"type": str(kind)} if kind in _TAGS:
            return f"<{_TAGS[kind]}>", f"</{_TAGS[kind]}>"
        case _:
            return None


def _said(message: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
    """The text of a message, or the caption of its media, with what is formatted in it."""
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        if isinstance(message.get(text), str):
            found = message.get(entities)
            return message[text], found if isinstance(found, list) else ()
    return "", ()


def _media(message: Mapping[str, Any]) -> Media | None:
    for kind in _KINDS:
        thing = message.get(kind)
        if isinstance(thing, list):  # a photo in several sizes, the largest last
            thing = thing[-1] if thing else None
        match thing:
            case {"file_id": str(file_id)} if 0 < len(file_id) <= FILE_ID_MAX_CHARACTERS:
                return Media(kind=kind, file=clean(file_id))
    return None


def _who(sender: object) -> str:
    """Who does it, for the audit."""
    match sender:
        case {"username": str(name)} if name:
            told = f"@{name}"
        case {"first_name": str(name)}:
            told = name
        case _:
            told = "somebody"
    return f"telegram:{' '.join(clean(told).split())[:WHO_MAX_CHARACTERS]}"
