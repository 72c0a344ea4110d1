"""The HTML that Telegram understands: text plus entities, or Telegram's own refusal.

Follows td's `parse_html` (MessageEntity.cpp) as its test vectors (test/message_entities.cpp)
show it: offsets in refusals are bytes of the UTF-8 source, offsets and lengths of entities
are UTF-16 code units of the plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from adapters.sandbox.telegram_state import Json

ENTITY_TYPES = {
    "blockquote": "blockquote",
    "pre": "pre",
    "code": "code",
    "a": "text_link",
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("tg-spoiler", "span"), "spoiler"),
    "tg-emoji": "custom_emoji",
}
"""Entity by tag; of entities around the same text the one named first comes first."""
_ORDER = {kind: place for place, kind in enumerate(dict.fromkeys(ENTITY_TYPES.values()))}

_REFERENCE = re.compile(r"&(?:#(?P<decimal>\d{1,8})|#x(?P<hex>[\da-fA-F]{1,8})|(?P<name>[a-z]+));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_CODE_POINT_MAX = 0x10FFFF
_WEB_LINK = re.compile(r"(?:(?P<scheme>https?|ftp)://)?(?P<host>[^/?#\s]+\.[^/?#\s]+)(?P<rest>\S*)")
_APP_LINK = re.compile(r"(?:tg|ton|mailto):\S+")
_SPACE = " \t\r\n\0\v"
_WORD = re.compile(r"[0-9A-Za-z.-]*")


class MarkupError(Exception):
    """What Telegram says after `can't parse entities: `."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A start tag whose end has not come yet; its text begins at `at` (UTF-16 units)."""

    tag: str
    attributes: dict[str, str]
    at: int


def units(text: str) -> int:
    """The length of a text as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def parse(html: str) -> tuple[str, list[Json]]:
    """Plain text and entities, in the order in which they begin; raises MarkupError."""
    return _Parser(html).parse()


class _Parser:
    """One pass over the source; `_at` is the next character to read."""

    def __init__(self, html: str) -> None:
        self._html, self._at = html, 0
        self._text = ""
        self._entities: list[Json] = []
        self._open: list[_Open] = []

    def parse(self) -> tuple[str, list[Json]]:
        while self._at < len(self._html):
            begin = self._html.find("<", self._at)
            if begin < 0:
                begin = len(self._html)
            self._text += _unescape(self._html[self._at : begin])
            self._at = begin + 1
            if self._html.startswith("</", begin):
                self._end_tag(begin)
            elif begin < len(self._html):
                self._start_tag(begin)
        if self._open:
            tag = self._open[-1].tag
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{tag}"')
        entities = _merge_code(self._entities)
        entities.sort(key=lambda e: (e["offset"], -e["length"], _ORDER.get(e["type"], 0)))
        return self._text, entities

    def _start_tag(self, begin: int) -> None:
        where = f"at byte offset {self._bytes_before(begin)}"
        tag = self._read_until(lambda c: c in _SPACE or c == ">").lower()
        if self._at >= len(self._html):
            raise MarkupError(f"Unclosed start tag {where}")
        if tag not in ENTITY_TYPES:
            raise MarkupError(f'Unsupported start tag "{tag}" {where}')
        attributes: dict[str, str] = {}
        while self._peek(f'Unclosed start tag "{tag}" {where}') != ">":
            name, value = self._attribute(tag, where)
            attributes[name] = value
        self._at += 1
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" {where}')
        self._open.append(_Open(tag, attributes, units(self._text)))

    def _attribute(self, tag: str, where: str) -> tuple[str, str]:
        """`name`, `name=word`, `name="text"` or `name='text'`."""
        name = self._read_until(lambda c: c in _SPACE or c in "=>").lower()
        if not name:
            raise MarkupError(f'Empty attribute name in the tag "{tag}" {where}')
        unclosed = f'Unclosed start tag "{tag}" {where}'
        if self._peek(unclosed) != "=":
            return name, ""
        self._at += 1
        quote = self._peek(unclosed)
        if quote not in "\"'":
            return name, self._word()
        close = self._html.find(quote, self._at + 1)
        if close < 0 or close + 1 >= len(self._html):
            raise MarkupError(f"Unclosed start tag {where}")
        value = _unescape(self._html[self._at + 1 : close])
        self._at = close + 1
        return name, value

    def _word(self) -> str:
        """A value without quotes: letters, digits, dots and dashes."""
        where = self._bytes_before(self._at)
        found = _WORD.match(self._html, self._at)
        word = found[0] if found else ""
        self._at += len(word)
        if self._at >= len(self._html) or self._html[self._at] not in _SPACE + ">":
            raise MarkupError(f"Unexpected end of name token at byte offset {where}")
        return word.lower()

    def _end_tag(self, begin: int) -> None:
        where = f"at byte offset {self._bytes_before(begin)}"
        if not self._open:
            raise MarkupError(f"Unexpected end tag {where}")
        self._at = begin + 2
        tag = self._read_until(lambda c: c in _SPACE or c == ">").lower()
        if self._peek(f"Unclosed end tag {where}") != ">":
            raise MarkupError(f"Unclosed end tag {where}")
        self._at += 1
        opened = self._open.pop()
        if tag and tag != opened.tag:
            expected = f'expected "</{opened.tag}>", found "</{tag}>"'
            raise MarkupError(f"Unmatched end tag {where}, {expected}")
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        """Turn a finished tag into an entity; one without text, or a dead link, is none."""
        end = units(self._text)
        if end == opened.at:
            return
        entity: Json = {
            "type": ENTITY_TYPES[opened.tag],
            "offset": opened.at,
            "length": end - opened.at,
        }
        match opened.tag:
            case "a":
                shown = self._text.encode("utf-16-le")[2 * opened.at :].decode("utf-16-le")
                entity["url"] = _link(opened.attributes.get("href") or shown)
                if not entity["url"]:
                    return
            case "tg-emoji":
                if not opened.attributes.get("emoji-id", "").isdecimal():
                    raise MarkupError("Invalid custom emoji identifier specified")
                entity["custom_emoji_id"] = opened.attributes["emoji-id"]
            case "blockquote" if "expandable" in opened.attributes:
                entity["type"] = "expandable_blockquote"
            case "code" if opened.attributes.get("class", "").startswith("language-"):
                entity["language"] = opened.attributes["class"].removeprefix("language-")
            case _:
                pass
        self._entities.append(entity)

    def _read_until(self, stop: Callable[[str], bool]) -> str:
        begin = self._at
        while self._at < len(self._html) and not stop(self._html[self._at]):
            self._at += 1
        return self._html[begin : self._at]

    def _peek(self, unclosed: str) -> str:
        """The next character that is not a space; raises `unclosed` at the end."""
        while self._at < len(self._html) and self._html[self._at] in _SPACE:
            self._at += 1
        if self._at >= len(self._html):
            raise MarkupError(unclosed)
        return self._html[self._at]

    def _bytes_before(self, at: int) -> int:
        return len(self._html[:at].encode())


def _unescape(text: str) -> str:
    """Resolve the references Telegram knows; any other stays as it is written."""

    def resolve(found: re.Match[str]) -> str:
        if found["name"]:
            return _NAMED.get(found["name"], found[0])
        code = int(found["decimal"]) if found["decimal"] else int(found["hex"], 16)
        return chr(code) if 0 < code <= _CODE_POINT_MAX else found[0]

    shown = _REFERENCE.sub(resolve, text)
    try:
        shown.encode()
    except UnicodeEncodeError as error:
        raise MarkupError(
            "Text contains invalid Unicode characters after decoding HTML entities, "
            "check for unmatched surrogate code units"
        ) from error
    return shown


def _link(url: str) -> str:
    """An address as Telegram writes it; empty when it is none."""
    if _APP_LINK.fullmatch(url):
        return url
    found = _WEB_LINK.fullmatch(url)
    if found is None:
        return ""
    slash = "" if found["rest"].startswith("/") else "/"
    return f"{found['scheme'] or 'http'}://{found['host']}{slash}{found['rest']}"


def _merge_code(entities: list[Json]) -> list[Json]:
    """`<pre><code class="language-x">` around the same text is one `pre` with a language."""
    places = {(e["type"], e["offset"], e["length"]): e for e in entities}
    merged = []
    for entity in entities:
        language = entity.pop("language", "") if entity["type"] == "code" else ""
        pre = places.get(("pre", entity["offset"], entity["length"]))
        if language and pre is not None:
            pre["language"] = language
        else:
            merged.append(entity)
    return merged
