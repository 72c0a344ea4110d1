"""The text of a broadcast: HTML with places for what is known of whoever reads it. Pure.

```
{first_name}          as Telegram tells it, or the name
{name}                as he registered, or the first name
{language}            in its own words: English
{chat_id}             the number of his chat
{first_name|friend}   what to say where that is not known
{{ and }}             braces themselves
```

Values are escaped; whatever else stands in the text is the author's own HTML, and Telegram judges
it when it is shown to the administrators first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape

from actors.broadcasts import faults
from actors.broadcasts.faults import FaultError, filled
from actors.kernel.ids import ChatId
from actors.kernel.language import Language

VALUE_UNITS_MAX = 160
"""UTF-16 code units that a name may take: 80 characters (`sessions.model.NAME_LENGTH_MAX`)."""
LANGUAGE_NAMES: Mapping[Language, str] = {
    Language.RU: "Русский",
    Language.UK: "Українська",
    Language.EN: "English",
}

_WIDTHS: Mapping[str, int] = {
    "first_name": VALUE_UNITS_MAX,
    "name": VALUE_UNITS_MAX,
    "language": max(map(len, LANGUAGE_NAMES.values())),
    "chat_id": 20,
}
PLACEHOLDERS = tuple(_WIDTHS)

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}|]*)(?:\|([^{}]*))?\}|[{}]")
_TAG = re.compile(r"<[^<>]*>")


class TemplateError(FaultError):
    """The text cannot be a template; says why, for its author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of somebody; `language` is None where there is no conversation."""

    chat_id: ChatId
    first_name: str | None = None
    name: str | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value goes; `otherwise` is HTML."""

    name: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Template:
    """A text that was understood."""

    parts: tuple[str | _Place, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises `TemplateError` for an unknown placeholder and for a brace that stands alone."""
        parts: list[str | _Place] = []
        end = 0
        for found in _PLACE.finditer(text):
            parts.append(text[end : found.start()])
            parts.append(_part(found))
            end = found.end()
        parts.append(text[end:])
        return cls(tuple(part for part in parts if part != ""))

    def fill(self, person: Person) -> str:
        """The HTML that `person` gets."""
        values = _values(person)
        return "".join(
            part if isinstance(part, str) else escape(values[part.name]) or part.otherwise
            for part in self.parts
        )

    def units(self) -> int:
        """UTF-16 code units of the longest copy that anybody may get, without the markup."""
        fixed = "".join(part for part in self.parts if isinstance(part, str))
        places = [part for part in self.parts if isinstance(part, _Place)]
        return visible_units(fixed) + sum(
            max(_WIDTHS[place.name], visible_units(place.otherwise)) for place in places
        )


def visible_units(html: str) -> int:
    """How long Telegram finds a text at most: what is left of the HTML, in UTF-16 code units."""
    return len(unescape(_TAG.sub("", html)).encode("utf-16-le", "surrogatepass")) // 2


def _part(found: re.Match[str]) -> str | _Place:
    whole = found[0]
    if whole in {"{{", "}}"}:
        return whole[0]
    if whole in {"{", "}"}:
        raise TemplateError(filled(faults.SINGLE_BRACE, brace=whole))
    name = found[1].strip()
    if name not in _WIDTHS:
        known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
        raise TemplateError(filled(faults.UNKNOWN_PLACE, place=f"{{{name}}}", known=known))
    return _Place(name, found[2] or "")


def _values(person: Person) -> Mapping[str, str]:
    language = person.language
    return {
        "first_name": person.first_name or person.name or "",
        "name": person.name or person.first_name or "",
        "language": "" if language is None else LANGUAGE_NAMES[language],
        "chat_id": str(person.chat_id),
    }
