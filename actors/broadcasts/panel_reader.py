"""Who reads the panel of a broadcast: in which language, and by which clocks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from html import escape
from types import MappingProxyType

from actors.broadcasts import panel_texts as texts
from actors.broadcasts.panel_texts import Bubble, Label
from actors.kernel.ids import ProductId
from actors.kernel.language import Language, Phrase

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
"""Between thousands, in Russian and Ukrainian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads it: in which language, by which clocks, and what is on sale there."""

    language: Language = Language.EN
    zone: tzinfo = UTC
    products: Mapping[ProductId, str] = field(default_factory=lambda: MappingProxyType({}))
    """Titles, in this language."""

    def say(self, phrase: Phrase, **values: object) -> str:
        """The phrase with these values, escaped: HTML."""
        told = {name: escape(str(value), quote=False) for name, value in values.items()}
        return phrase.in_language(self.language).format(**told)

    def bubble(self, bubble: Bubble) -> str:
        """What answers a button: plain."""
        return texts.BUBBLES[bubble].in_language(self.language)

    def label(self, label: Label) -> str:
        """What stands on a button: plain."""
        return texts.LABELS[label].in_language(self.language)

    def number(self, number: int) -> str:
        """With its thousands apart."""
        told = f"{number:,}"
        return told if self.language is Language.EN else told.replace(",", THIN_SPACE)


IN_ENGLISH = Reader()
